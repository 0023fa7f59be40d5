"""A few labeled spans of long videos train both stages."""

import csv
from pathlib import Path

import numpy as np
import pytest

from clips.manifest.csv_file import read
from clips.splitting.assignment import check_split
from clips.synthetic import render_frame, sample_scene
from extract.feature_store.reader import FeatureStore
from model_folder.config import read_config
from tests.running import run_script
from video.errors import LookbackError
from video.writer import Mp4Writer

pytestmark = pytest.mark.slow

RATE = 5
# Seconds of each video, and those in which the arm is up.
VIDEOS = {
    "train": (120, ((20, 26), (60, 65), (90, 97))),
    "val": (30, ((12, 18),)),
    "test": (30, ((10, 16),)),
}


def write_long_video(path: Path, seed: int, seconds: int, spans: tuple) -> None:
    random = np.random.default_rng(seed)
    scene = sample_scene(random, 48)
    with Mp4Writer(path, (48, 48), RATE) as writer:
        for number in range(seconds * RATE):
            up = any(start <= number / RATE < end for start, end in spans)
            writer.write(render_frame(scene, float(up), 48, random), number / RATE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("long")
    rows = ["video,label,split,start,end"]
    for seed, (split, (seconds, spans)) in enumerate(VIDEOS.items()):
        write_long_video(folder / f"{split}.mp4", seed, seconds, spans)
        rows += [f"{split}.mp4,up,{split},{start},{end}" for start, end in spans]
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n")
    return folder


def test_a_few_spans_of_long_videos_train_a_model(folder, tmp_path):
    weights = tmp_path / "weights"
    place = ["--recipe", "demo", "--data", folder, "--weights", weights]
    small = ["--set", "preprocessing.input_size=48", "--fps", RATE]
    place += ["--set", "extract.engine=keras"]  # it needs no conversion
    run_script("finetune.py", [*place, *small, "--epochs", "1", "--clips-per-video", "8"])
    run_script("extract.py", place)
    assert run_script("train_lstm.py", [*place, "--look-back", "4", "--epochs", "2"]) == 0
    (row,) = _rows(weights / "finetune_history.csv")
    assert float(row["loss"]) > 0
    assert read_config(weights).labels == ("background", "up")
    with FeatureStore(folder / "features") as store:
        assert store.seconds("train.mp4")[-1] == pytest.approx(120 - 1 / RATE)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_spans_of_one_video_alone_name_the_way_out(tmp_path):
    (tmp_path / "manifest.csv").write_text(
        "video,label,split,group,start,end\na.mp4,up,train,a,1,2"
    )
    entries = list(read(tmp_path / "manifest.csv").entries)
    with pytest.raises(
        LookbackError, match=r"at least three groups\); label spans of more recordings, or three"
    ):
        check_split(entries, "manifest.csv")
