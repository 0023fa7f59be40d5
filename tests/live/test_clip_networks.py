"""A fine-tuned clip network from clips to live: its own head, an LSTM on top, the same numbers."""

import csv
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from clips.manifest import read
from extract.extractor.loading import load_network
from extract.feature_store.reader import FeatureStore
from live.model import load_live_model
from model_folder.config import require_config
from sequence.dataset import Dataset
from tests.clip_network import NAME, registered, write_weights
from tests.conftest import Project
from tests.live.conftest import read_rows
from tests.running import run_script
from video.sources import FileSource

pytestmark = pytest.mark.slow

LABELS = ("lower", "raise")
STEPS = [0.0, 0.2, 0.6, 1.0, 1.4, 1.8]  # of ten ticks a video: the first, then every half clip
HEAD = {
    "finetune.head": "{features: null, one_logit: true}",
    "finetune.phases": "[{epoch: 0, stages: [res], learning_rate: 0.01}]",
    "finetune.freeze_batch_norm": "false",
}


@pytest.fixture(scope="module")
def start(tmp_path_factory) -> Path:
    return write_weights(tmp_path_factory.mktemp("start") / "start.weights.h5", classes=0)


@pytest.fixture(scope="module")
def tuned(clips_folder, start, tmp_path_factory) -> Iterator[Project]:
    """Two classes, fine-tuned with one logit on the network's own features, extracted and
    evaluated (`own` beside the data). Do not write."""
    folder = tmp_path_factory.mktemp("clip-network")
    made = Project(folder / "data", folder / "weights")
    for label in LABELS:
        shutil.copytree(clips_folder / "clips" / label, made.data / "clips" / label)
    chosen = ["--backbone", NAME, "--backbone-weights", start, "--epochs", "2"]
    chosen += [part for key, value in HEAD.items() for part in ("--set", f"{key}={value}")]
    with registered():
        run_script("prepare.py", [*made.arguments, "--out", folder / "report"])
        run_script("finetune.py", [*made.arguments, *chosen])
        run_script("extract.py", made.arguments[2:])
        run_script("evaluate.py", [*made.arguments, "--out", folder / "own"])
        yield made


@pytest.fixture(scope="module")
def with_lstm(tuned) -> Project:
    """The same with an LSTM over three steps, evaluated as well (`lstm`, and `again` own)."""
    made = Project(tuned.data, tuned.weights.with_name("both"))
    shutil.copytree(tuned.weights, made.weights)
    train = ["--look-back", "3", "--epochs", "2"]
    run_script("train_lstm.py", [*made.arguments, *train])
    run_script("evaluate.py", [*made.arguments, "--out", made.data.parent / "lstm"])
    again = ["--head", "own", "--out", made.data.parent / "again"]
    run_script("evaluate.py", [*made.arguments, *again])
    return made


def report_of(made: Project, name: str) -> tuple[dict, dict[str, list[dict]]]:
    """Return metrics and the predictions by video of a report folder beside the data."""
    folder = made.data.parent / name
    videos: dict[str, list[dict]] = {}
    for row in read_rows(folder / "predictions.csv"):
        videos.setdefault(row.pop("video"), []).append(row)
    return json.loads((folder / "metrics.json").read_text()), videos


def numbers(rows: list[dict]) -> np.ndarray:
    return np.array([[float(row[label]) for label in LABELS] for row in rows])


def assert_live_equals(made: Project, name: str, run_live, folder: Path, *flags) -> None:
    _, videos = report_of(made, name)
    assert len(videos) == 4
    for video, rows in videos.items():
        live_csv = folder / "live.csv"
        source = made.data / video
        assert run_live("--video", source, "--csv", live_csv, *flags, weights=made.weights) == 0
        live = read_rows(live_csv)
        assert (
            list(live[0]) == list(rows[0]) == ["step", "seconds", "label", "probability", *LABELS]
        )
        for column in ("step", "seconds", "label"):
            assert [row[column] for row in live] == [row[column] for row in rows]
        assert np.abs(numbers(live) - numbers(rows)).max() <= 1e-5
    assert numbers([row for rows in videos.values() for row in rows]).std(0).max() > 1e-3


def test_a_step_stands_at_every_half_clip(tuned):
    config = require_config(tuned.weights)
    assert (config.sampling.fps, config.sampling.stride, config.backbone.clip_length) == (5.0, 2, 4)
    assert config.preprocessing.to_dict() == {
        "width": 32,
        "height": 32,
        "resize": "crop",
        "short_side": 36,
    }
    with FeatureStore(tuned.data / "features") as store:
        assert store.feature_size == config.backbone.feature_size == 16
        videos = read(tuned.data / "manifest.csv").videos
        assert len(videos) == 24
        for video in videos:
            assert store.seconds(video) == pytest.approx(STEPS)


def test_frozen_stages_do_not_change_by_one_bit(tuned, start):
    from extract.backbones import build_trunk

    before = build_trunk(NAME, str(start)).core
    after = load_network(tuned.weights, require_config(tuned.weights)).get_layer(NAME)
    same = {
        layer.name: all(
            np.array_equal(one, other)
            for one, other in zip(
                layer.get_weights(), after.get_layer(layer.name).get_weights(), strict=True
            )
        )
        for layer in before.layers
        if layer.get_weights()
    }
    assert same == {"stem.conv": True, "stem.norm": True, "res.conv": False, "res.norm": False}


def test_without_a_second_stage_the_report_is_of_the_network_s_own_head(tuned):
    metrics, videos = report_of(tuned, "own")
    assert (metrics["head"], metrics["look_back"], list(metrics["baselines"])) == (
        "own",
        1,
        ["majority"],
    )
    config = require_config(tuned.weights)
    assert config.sequence is None
    assert config.backbone.network.one_logit
    # Its steps are what the network itself says of their clips, at its temperature.
    network = load_network(tuned.weights, config)
    model = load_live_model(tuned.weights)
    video, rows = next(iter(videos.items()))
    stepper = model.extractor.stepper()
    with FileSource(tuned.data / video) as source:
        clips = np.stack([step.clip for frame in source for step in stepper.push(frame)])
    logit = np.asarray(network(clips), np.float64)[:, 0] / config.backbone.temperature
    np.testing.assert_allclose(numbers(rows)[:, 1], 1 / (1 + np.exp(-logit)), atol=1e-5)


def test_live_equals_the_report_of_the_own_head(tuned, run_live, tmp_path):
    assert_live_equals(tuned, "own", run_live, tmp_path)


def test_live_equals_the_report_of_an_lstm_on_top(with_lstm, run_live, tmp_path):
    metrics, _ = report_of(with_lstm, "lstm")
    assert (metrics["head"], metrics["look_back"]) == ("lstm", 3)
    assert set(metrics["baselines"]) == {"mean", "ridge", "moments", "motion", "majority"}
    assert_live_equals(with_lstm, "lstm", run_live, tmp_path)


def test_the_own_head_can_be_asked_for_beside_an_lstm(tuned, with_lstm, run_live, tmp_path):
    assert report_of(with_lstm, "again") == report_of(tuned, "own")
    assert_live_equals(with_lstm, "again", run_live, tmp_path, "--head", "own")


@pytest.mark.parametrize(("views", "steps"), [("all", [2, 3, 4, 5]), ("1", [4]), ("2", [3, 5])])
def test_a_clip_is_the_mean_of_its_views(tuned, tmp_path, views, steps):
    """The first two of six steps saw fewer than four frames of their own."""
    run_script("evaluate.py", [*tuned.arguments, "--views", views, "--out", tmp_path])
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["views"] == (views if views == "all" else int(views))
    assert metrics["window"]["count"] == len(steps) * 4
    _, videos = report_of(tuned, "own")
    with (tmp_path / "clips.csv").open() as file:
        clips = list(csv.DictReader(file))
    assert len(clips) == 4
    for clip in clips:
        wanted = numbers(videos[clip["video"]])[steps].mean(0)
        assert [float(clip[label]) for label in LABELS] == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize(("head", "full"), [("own", [2, 3, 4, 5]), ("", [4, 5])])
def test_live_decides_where_offline_windows_are_full(with_lstm, head, full):
    """As soon as three steps, each of four frames, are the video's own."""
    model = load_live_model(with_lstm.weights, threshold=0.0, head=head)
    manifest = read(with_lstm.data / "manifest.csv")
    store = FeatureStore(with_lstm.data / "features")
    dataset = Dataset(store, manifest, 1 if head else 3)
    segment = dataset.segments[0]
    assert list(dataset.full_steps(segment)) == full
    with FileSource(with_lstm.data / segment.video) as source:
        made = list(model.decisions(source))
    assert [decision.step for decision in made if decision.full] == full
    assert [decision.step for decision in made if decision.above_threshold] == full


def test_features_of_another_network_refuse_the_own_head_too(tuned, tmp_path):
    from video.errors import LookbackError

    made = Project(tmp_path / "data", tmp_path / "weights")
    shutil.copytree(tuned.data, made.data)
    shutil.copytree(tuned.weights, made.weights)
    network = load_network(made.weights, require_config(made.weights))
    network.get_layer("classifier").set_weights([np.ones((16, 1)), np.zeros(1)])
    network.save_weights(made.weights / "backbone.weights.h5")
    with pytest.raises(LookbackError, match="these are not the weights that"):
        run_script("evaluate.py", [*made.arguments, "--out", tmp_path / "report"])
