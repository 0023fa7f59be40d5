"""A model of change pictures: live equals the report at any frame rate of the source."""

import csv

import numpy as np
import pytest

from live.model import load_live_model
from model_folder.config import read_config
from tests.conftest import Project
from tests.live.conftest import write_scene
from tests.live.test_parity import compare_live_with_the_report, copied
from tests.running import run_script
from video.errors import UsageError
from video.preprocessing import Preprocessor
from video.sources import FileSource

pytestmark = pytest.mark.slow
_RATES = (10, 15, 25, 29.97, 30)


@pytest.fixture(scope="module")
def change_project(project, tmp_path_factory) -> Project:
    """The small project, fine-tuned on change pictures, with test clips of many frame rates, of a
    varying one, and one that is too short. Do not write."""
    folder = tmp_path_factory.mktemp("change")
    made = copied(project, folder)
    small = ["--set", "preprocessing.input_size=48", "--input", "change"]
    run_script("finetune.py", [*made.arguments, *small, "--epochs", "1"])
    gaps = np.random.default_rng(1).uniform(0.01, 0.25, 30)
    times = {f"rate{rate}": np.arange(round(1.6 * rate)) / rate for rate in _RATES}
    times["varying"] = np.concatenate([[0.0], np.cumsum(gaps)])
    times["single"] = np.zeros(1)
    with (made.data / "manifest.csv").open("a") as manifest:
        for name, seconds in times.items():
            write_scene(made.data / "clips" / "raise" / f"{name}.mp4", seconds, rate=30.0)
            manifest.write(f"clips/raise/{name}.mp4,raise,test,odd,,\n")
    run_script("extract.py", made.arguments)
    run_script("train_lstm.py", [*made.arguments, "--look-back", "6", "--epochs", "2"])
    return made


def test_live_equals_the_report_at_every_frame_rate(change_project, run_live, tmp_path):
    steps = compare_live_with_the_report(change_project, tmp_path, run_live, 1e-5, "odd")
    # 16 ticks in 1.6 s; those of the first 0.2 s are left out.
    constant = {name: steps[name] for name in steps if name != "varying"}
    assert constant == {f"rate{rate}": 14 for rate in _RATES}
    assert steps["varying"] > 20


def test_the_model_folder_says_what_the_network_sees(change_project):
    config = read_config(change_project.weights)
    assert config.backbone.input == "change"
    assert config.sampling.change_seconds == 0.2
    assert config.backbone.clip_length == 1


def test_a_camera_that_drops_frames_gives_pairs_of_the_same_time(change_project):
    """A scripted camera at 30 frames a second loses every third frame; its features are those of
    the pictures 0.2 s apart, computed here from the frames themselves."""
    model = load_live_model(change_project.weights, engine="keras")
    path = change_project.data / "clips" / "raise" / "rate30.mp4"
    with FileSource(path) as source:
        frames = list(source)
    given = [frame for frame in frames if frame.index % 3 != 1]
    stream, convert = model.extractor.stream(), Preprocessor(model.extractor.config.preprocessing)
    features = [feature for frame in given for _, feature in stream.push(frame)]
    # Ticks fall on frames 6, 9, ...: these and the ones 0.2 s before are there.
    pairs = [(n - 6, n) for n in range(6, len(frames), 3)]
    clips = np.stack([np.stack([convert(frames[a]), convert(frames[b])]) for a, b in pairs])
    assert len(features) == len(pairs) == 14
    assert np.abs(np.stack(features) - model.extractor(clips)).max() < 1e-5
    assert np.ptp(np.stack(features), axis=0).max() > 1e-3


def test_a_fine_tuned_folder_keeps_its_input(change_project):
    before = (change_project.weights / "model.yaml").read_bytes()
    refused = "backbone.input: .* holds a tiny fine-tuned with change, not frame"
    with pytest.raises(UsageError, match=refused):
        run_script("extract.py", [*change_project.arguments, "--input", "frame"])
    run_script("extract.py", [*change_project.arguments, "--input", "auto"])
    assert (change_project.weights / "model.yaml").read_bytes() == before
    assert not (change_project.data / "features.change").exists()


def test_the_video_without_a_pair_is_rejected_with_its_reason(change_project, capsys):
    run_script("extract.py", change_project.arguments)
    assert "single.mp4: is shorter than 0.2 s" in "".join(capsys.readouterr())
    with (change_project.data / "manifest.csv").open() as file:
        assert any("single" in row["video"] for row in csv.DictReader(file))
