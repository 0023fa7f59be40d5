"""The scripts with no flags at all, in a folder that holds data/ and weights/."""

import csv
import json
import shutil
from pathlib import Path

import pytest

from model_folder.config import read_config

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def place(project, tmp_path_factory) -> Path:
    """A folder with data/ and weights/ as a user has them after finetune.py: no manifest, no
    features, no sequence model yet; six scenes of four clips."""
    folder = tmp_path_factory.mktemp("place")
    late = shutil.ignore_patterns(*(f"*_g{number:03}*" for number in range(6, 12)))
    shutil.copytree(project.data / "clips", folder / "data" / "clips", ignore=late)
    (folder / "weights").mkdir()
    shutil.copy(project.weights / "backbone.weights.h5", folder / "weights")
    config = (project.weights / "model.yaml").read_text()
    before, _, rest = config.partition("sequence:\n")
    config = before + "sequence: null\n" + rest[rest.index("made_with") :]
    (folder / "weights" / "model.yaml").write_text(config)
    return folder


def test_the_five_scripts_follow_each_other_with_no_flags(place, end_of):
    """One test, as each needs what the one before it left."""
    for script in ("prepare.py", "extract.py", "train_lstm.py", "evaluate.py"):
        ending = end_of(script, folder=place)
        assert (ending.code, ending.errors) == (0, []), script
    assert (place / "data" / "manifest.csv").is_file()
    assert (place / "data" / "features" / "index.json").is_file()
    config = read_config(place / "weights")
    assert (config.sequence.head, config.sequence.look_back) == ("lstm", 16)
    assert (place / "weights" / "sequence.weights.h5").is_file()
    report = place / "reports" / "weights"
    assert json.loads((report / "metrics.json").read_text())["split"] == "test"
    assert (report / "predictions.csv").is_file()

    video = next((place / "data" / "clips").rglob("*.mp4"))
    ending = end_of("run.py", "--video", video, "--no-window", "--csv", "o.csv", folder=place)
    assert (ending.code, ending.errors) == (0, [])
    assert (place / "o.csv").is_file()
    left = {path.name for path in place.iterdir()}
    assert left == {"data", "weights", "reports", "o.csv"}  # nothing elsewhere

    again = end_of("extract.py", folder=place)
    assert "0 videos extracted" in again.output
    assert "24 were there already" in again.output
    with (place / "weights" / "history.csv").open() as file:
        assert 11 <= len(list(csv.DictReader(file))) <= 30  # 30 epochs at most, patience 10


@pytest.mark.parametrize("script", ["train_lstm.py", "evaluate.py"])
def test_in_an_empty_folder_the_first_thing_missing_is_named(script, end_of, tmp_path):
    end_of(script, folder=tmp_path).is_refusal("weights", "python extract.py")


@pytest.mark.parametrize("script", ["prepare.py", "finetune.py", "extract.py"])
def test_in_an_empty_folder_the_place_of_clips_is_named(script, end_of, tmp_path):
    end_of(script, folder=tmp_path).is_refusal("data/clips", "one folder per class")
    assert not (tmp_path / "weights").exists()


def test_finetune_with_no_flags_takes_the_default_backbone_and_folders(place, end_of, monkeypatch):
    from extract.finetuning import trainer as finetuning

    started = []

    class Recorded:
        def __init__(self, settings, manifest, resume) -> None:
            started.append((settings.recipe, len(manifest.videos)))
            raise KeyboardInterrupt  # what would follow takes half an hour

    monkeypatch.setattr(finetuning, "Trainer", Recorded)
    assert end_of("finetune.py", folder=place).code == 130
    ((recipe, clips),) = started
    assert (recipe.backbone.name, recipe.backbone.weights) == ("efficientnet_b0", None)
    assert (recipe.data.folder, recipe.model.folder, clips) == ("data", "weights", 24)
