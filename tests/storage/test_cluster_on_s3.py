"""The whole chain on S3: prepare, fine-tune, extract in a job array, train, evaluate."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

from extract.feature_store.part import Part
from recipes.places import copied_up
from storage import remote, trees
from storage.mirror import local_path
from tests.running import ROOT, run_script
from tests.storage.moto_server import S3, s3_server
from video.errors import LookbackError

pytestmark = pytest.mark.slow
RECIPE = ("--recipe", "recipes/demo.yaml", "--set", "evaluate.views=3")
TRAINING = ("--set", "finetune.epochs=1", "--set", "sequence.epochs=3")
CHILDREN = 4
# Each video has a part of its own, so that one is there when the child is killed.
SMALL_PARTS = "import extract.feature_store.writer as w; w._PART_SECONDS = -1.0; "


@pytest.fixture(scope="module")
def server():
    with s3_server() as server:
        yield server


@pytest.fixture
def s3(server, monkeypatch, tmp_path):
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("LOOKBACK_CACHE", str(tmp_path / "cache"))
    server.files().mkdir("bucket")
    yield server
    server.files().rm("bucket", recursive=True)
    trees.close()


@pytest.mark.parametrize("size", [10, 110_000_000], ids=["one request", "several requests"])
def test_a_name_is_written_once(s3, tmp_path, size):
    (tmp_path / "part").write_bytes(bytes(size))
    assert remote.put(tmp_path / "part", "s3://bucket/part", new=True)
    assert not remote.put(tmp_path / "part", "s3://bucket/part", new=True)


def test_a_bucket_that_is_not_there_is_named(s3):
    with pytest.raises(LookbackError, match="s3://none/set: there is no such file, folder or buck"):
        remote.find("s3://none/set")


def test_a_listing_does_not_take_neighbors(s3):
    for name in ("set/a.csv", "set-2/b.csv"):
        s3.files().pipe(f"bucket/{name}", b"x")
    assert list(remote.find("s3://bucket/set")) == ["a.csv"]
    assert remote.find("s3://bucket/set")["a.csv"] == remote.entry_of("s3://bucket/set/a.csv")


def run(name: str, *arguments: object) -> None:
    """Run a script in this process, as the command does."""
    with copied_up():
        assert run_script(name, [*RECIPE, *map(str, arguments)]) == 0
    trees.close()


def chain(data: str, weights: str, out: str, extract) -> None:
    places = ("--data", data, "--weights", weights)
    run("prepare.py", "--data", data, "--out", out)
    run("finetune.py", *places, *TRAINING)
    extract(places)
    run("train_lstm.py", *places, *TRAINING)
    run("evaluate.py", *places, "--out", out)


def child(index: int, cache: Path, places, before: str = "") -> subprocess.Popen:
    """Start one child of an AWS Batch array job on a machine of its own."""
    variables = {"AWS_BATCH_JOB_ARRAY_INDEX": index, "AWS_BATCH_JOB_ARRAY_SIZE": CHILDREN}
    variables |= {"LOOKBACK_CACHE": cache, "TF_CPP_MIN_LOG_LEVEL": 3}
    code = f"{before}from lookback.commands.extract import main; "
    code += "from recipes.command_line import run_command; run_command(main)"
    return subprocess.Popen(
        [sys.executable, "-c", code, *RECIPE, *places, "--shard", "auto"],
        cwd=ROOT,
        env={**os.environ, **{name: str(value) for name, value in variables.items()}},
    )


def parts_of(s3: S3) -> list[str]:
    return sorted(s3.files().glob("bucket/set/features/part-*.h5"))


def extract_in_a_job_array(places, s3: S3, tmp_path: Path) -> None:
    killed = child(0, tmp_path / "killed", places, SMALL_PARTS)
    while len(parts_of(s3)) < 2:
        assert killed.poll() is None
        time.sleep(0.05)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    before = parts_of(s3)
    for numbers in ((0, 1), (2, 3)):
        children = [child(number, tmp_path / f"child{number}", places) for number in numbers]
        assert [each.wait() for each in children] == [0, 0]
    assert set(before) <= set(parts_of(s3))  # the second attempt went on
    run("extract.py", *places)


@pytest.mark.timeout(900)
def test_a_chain_on_s3_equals_a_chain_on_paths(s3, tmp_path, monkeypatch):
    make = [sys.executable, "-m", "clips.synthetic", "--data", tmp_path / "set", "--scenes", "6"]
    subprocess.run(make, cwd=ROOT, check=True)
    files = s3.files()
    files.put(str(tmp_path / "set" / "clips"), "bucket/set/clips", recursive=True)
    clips = files.find("bucket/set/clips")
    assert len(clips) == 24

    def extract(places) -> None:
        before = s3.gets("set/clips")
        # Once for the check, once for the pictures of the report, once for the training.
        assert set(before.values()) <= {2, 3}
        # The machines that extract are others than the one that trains.
        monkeypatch.setenv("LOOKBACK_CACHE", str(tmp_path / "join"))
        extract_in_a_job_array(places, s3, tmp_path)
        gets = s3.gets("set/clips") - before
        # One request a clip; the killed child had begun with some of its shard.
        assert set(gets.values()) <= {1, 2}
        assert gets.total() < 1.5 * len(clips) == 1.5 * len(gets)

    chain("s3://bucket/set", "s3://bucket/model", "s3://bucket/report", extract)

    chain(
        str(tmp_path / "set"),
        str(tmp_path / "model"),
        str(tmp_path / "report"),
        lambda places: run("extract.py", *places),
    )
    down = tmp_path / "down"
    files.get("bucket", str(down), recursive=True)
    for name in (
        "set/manifest.csv",
        "model/backbone.weights.h5",
        "model/sequence.weights.h5",
        "model/baselines.npz",
        "model/metrics.json",
        "model/model.yaml",
        "report/metrics.json",
        "report/predictions.csv",
        "report/clips.csv",
    ):
        assert same(down / name, tmp_path / name), name
    (one,) = (down / "set" / "features").glob("part-*.h5")
    (other,) = (tmp_path / "set" / "features").glob("part-*.h5")
    assert one.read_bytes() == other.read_bytes()
    assert len(Part(one).videos) == 24
    left = {name.removeprefix("bucket/set/") for name in files.find("bucket/set")}
    left -= {clip.removeprefix("bucket/set/") for clip in clips}
    assert left == {
        "manifest.csv",
        "rejected.csv",
        "hashes.json",
        "probed/clips.jsonl",
        "probed/likeness.json",
        "features/index.json",
        f"features/{one.name}",
    }
    model = local_path("s3://bucket/model")
    assert same(model / "sequence.weights.h5", tmp_path / "model" / "sequence.weights.h5")


def same(one: Path, other: Path) -> bool:
    """Return whether two files are the same; of HDF5, whether the arrays are."""
    if one.suffix != ".h5":
        return one.read_bytes() == other.read_bytes()
    found = []
    for path in (one, other):
        arrays: dict[str, np.ndarray] = {}
        with h5py.File(path) as file:
            file.visititems(
                lambda name, item, arrays=arrays: (
                    arrays.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None
                )
            )
        found.append(arrays)
    return found[0].keys() == found[1].keys() and all(
        np.array_equal(found[0][name], found[1][name]) for name in found[0]
    )
