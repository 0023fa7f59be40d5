"""Features of another program: the example of README.md, as written, and what is refused."""

import json
import re
from pathlib import Path

import h5py
import numpy as np
import pytest

from model_folder.config import read_config
from tests.running import ROOT, run_script
from video.errors import LookbackError, UsageError

PART = "part-000001.h5"


def the_example() -> str:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = text.partition("## Features of another program")[2]
    found = re.search(r"```python\n(.*?)```", section, re.DOTALL)
    assert found
    return found[1]


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A folder with data/manifest.csv and the features that the example wrote."""
    rows = ["video,label,split,group"]
    for number in range(24):
        split = ("train", "train", "val", "test")[number % 4]
        rows.append(f"clips/{number}.mp4,{'ab'[number // 4 % 2]},{split},g{number}")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "manifest.csv").write_text("\n".join(rows) + "\n")
    monkeypatch.chdir(tmp_path)
    exec(the_example(), {})
    return tmp_path


def arguments(folder: Path) -> list:
    return ["--data", folder / "data", "--weights", folder / "weights"]


def change_spec(folder: Path, **changes) -> None:
    with h5py.File(folder / "data" / "features" / PART, "a") as file:
        spec = {**json.loads(file.attrs["spec"]), **changes}
        spec = {key: value for key, value in spec.items() if value is not None}
        file.attrs["spec"] = json.dumps(spec)


def test_the_example_has_at_most_ten_lines_besides_the_imports():
    lines = [line for line in the_example().splitlines() if line.strip()]
    assert len([line for line in lines if "import" not in line]) <= 10


@pytest.mark.slow
def test_training_evaluation_and_folds_need_no_model_folder(folder, capsys):
    quick = ["--epochs", "1", "--look-back", "4"]
    folds = ["--folds", "2", "--look-back", "4", "--set", "sequence.epochs=1", "--out"]
    assert run_script("evaluate.py", [*arguments(folder), *folds, folder / "folds"]) == 0
    assert not (folder / "weights" / "model.yaml").exists()
    assert run_script("train_lstm.py", [*arguments(folder), *quick]) == 0
    assert run_script("evaluate.py", [*arguments(folder), "--out", folder / "report"]) == 0
    report = json.loads((folder / "report" / "metrics.json").read_text())
    assert report["clip"]["count"] == 6
    config = read_config(folder / "weights")
    assert (config.backbone.name, config.backbone.feature_size) == ("external", 64)
    capsys.readouterr()
    with pytest.raises(LookbackError, match=r"another program.*cannot be computed from videos"):
        run_script("run.py", ["--weights", folder / "weights", "--video", __file__, "--no-window"])
    change_spec(folder, weights_sha256="my network, version 2")
    with pytest.raises(LookbackError, match="no sequence model yet"):
        run_script("evaluate.py", [*arguments(folder), "--out", folder / "report"])


@pytest.mark.parametrize("key", ["weights_sha256", "feature_size", "sampling"])
def test_a_missing_key_is_named(folder, key):
    change_spec(folder, **{key: None})
    name = "sampling.fps" if key == "sampling" else key
    with pytest.raises(LookbackError, match=rf"{PART}: its spec lacks {name}; docs/files.md"):
        run_script("train_lstm.py", arguments(folder))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sampling": {"fps": "10"}}, "wrong type"),
        ({"sampling": {"fps": 0}}, "wrong type"),
        ({"feature_size": "many"}, r"instead of \(480, 'many'\)"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(folder, changes, words):
    change_spec(folder, **changes)
    with pytest.raises(LookbackError, match=rf"features.*: .*{words}.*docs/files.md"):
        run_script("train_lstm.py", arguments(folder))


def test_an_input_cannot_be_chosen_for_them(folder):
    with pytest.raises(UsageError, match="of another program, which have one input"):
        run_script("train_lstm.py", [*arguments(folder), "--input", "change"])


def test_a_spec_that_is_not_external_needs_all_keys(folder):
    change_spec(folder, backbone="mine")
    missing = "clip_length, sampling.hop, precision, dtype"
    with pytest.raises(LookbackError, match=f"its spec lacks {missing}; .* 'external'"):
        run_script("train_lstm.py", arguments(folder))


@pytest.mark.parametrize(
    ("name", "array", "problem"),
    [
        ("features", np.zeros((480, 63), "float32"), r"features has the shape .*\(480, 64\)"),
        ("features", np.zeros(480, "float32"), "features has the shape"),
        ("seconds", np.zeros(479), r"seconds has the shape \(479,\) instead of \(480,\)"),
        ("seconds", None, "has no seconds"),
    ],
)
def test_arrays_that_do_not_fit_are_named(folder, name, array, problem):
    with h5py.File(folder / "data" / "features" / PART, "a") as file:
        del file[name]
        if array is not None:
            file[name] = array
    with pytest.raises(LookbackError, match=rf"{PART}: (its )?{problem}"):
        run_script("train_lstm.py", arguments(folder))


def test_extraction_does_not_replace_them(folder):
    from extract.feature_store.writer import FeatureWriter

    path = folder / "data" / "features"
    before = (path / PART).read_bytes()
    spec = {"backbone": "tiny", "weights_sha256": "1", "feature_size": 4, "dtype": "float32"}
    refused = pytest.raises(LookbackError, match="of another program, which are not replaced")
    with refused, FeatureWriter(path, spec):
        pass
    assert (path / PART).read_bytes() == before
