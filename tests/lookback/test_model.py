"""lookback.load: predictions equal to run.py and to the report, one model for many videos."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import matplotlib
import numpy as np
import pytest

import lookback
from extract.engines.registry import ENGINES
from extract.feature_store.reader import FeatureStore
from lookback import Model, Prediction
from tests.clip_network import NAME, registered, write_weights
from tests.live.conftest import probabilities, read_rows, write_scene
from tests.running import ROOT, run_script
from video.errors import LookbackError, UsageError, VideoError
from video.sources import SOURCES, FileSource

LABELS = ("swimming", "yoga", "zumba")


@pytest.fixture(scope="module")
def model(project) -> Model:
    return lookback.load(project.weights)


@pytest.fixture(scope="module")
def videos(project) -> list[Path]:
    """Videos of the small project that show different movements."""
    return [min((project.data / "clips" / label).iterdir()) for label in ("raise", "lower")]


def bits(result: Prediction) -> tuple:
    parts = (result.seconds, result.probabilities, result.full)
    return (*(part.tobytes() for part in parts), result.labels)


def test_a_prediction_is_that_of_run(model, project, videos, tmp_path):
    out = tmp_path / "run.csv"
    run_script(
        "run.py",
        ["--weights", project.weights, "--video", videos[0], "--csv", out, "--no-window"],
    )
    result = model.predict(videos[0])
    result.to_csv(tmp_path / "result.csv")
    assert (tmp_path / "result.csv").read_bytes() == out.read_bytes()
    assert result.probabilities.shape == (20, 4)
    assert (result.probabilities.dtype, result.seconds.dtype) == (np.float64, np.float64)
    assert result.full.tolist() == [False] * 5 + [True] * 15  # a look-back of 6


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
def test_predictions_and_features_are_those_of_the_report(odd_project, tmp_path):
    """Of every test video, also of one shorter than the look-back and of one of varying rate."""
    made = odd_project
    report = lookback.evaluate(made.weights, data=made.data, out=tmp_path / "report")
    steps: dict[str, list[dict]] = {}
    for row in read_rows(report.folder / "predictions.csv"):
        steps.setdefault(row["video"], []).append(row)
    clips = read_rows(report.folder / "clips.csv")
    model = lookback.load(str(made.weights))
    assert len(clips) == 12
    with FeatureStore(made.data / "features") as store:
        for clip in clips:
            video = made.data / clip["video"]
            result = model.predict(video)
            wanted = probabilities(steps[clip["video"]])
            np.testing.assert_allclose(result.probabilities, wanted, atol=1e-5)
            assert result.label == clip["label"]
            assert result.video_probabilities.max() == pytest.approx(
                float(clip["probability"]), abs=1e-5
            )
            seconds, features = model.features(video)
            np.testing.assert_array_equal(seconds, store.seconds(clip["video"]))
            np.testing.assert_allclose(features, store.features(clip["video"]), atol=1e-4)
            assert (features.dtype, seconds.dtype) == (np.float32, np.float64)


def test_a_second_video_has_the_bits_of_a_new_model(model, project, videos):
    alone = [bits(lookback.load(project.weights).predict(video)) for video in videos]
    assert alone[0] != alone[1]
    assert [bits(model.predict(video)) for video in videos] == alone


def test_videos_in_threads_have_the_bits_of_new_models(project, videos):
    alone = [bits(lookback.load(project.weights).predict(video)) for video in videos]
    shared, start = lookback.load(project.weights), threading.Barrier(2)
    results: dict[int, tuple] = {}

    def run(number: int) -> None:
        start.wait(60)
        results[number] = bits(shared.predict(videos[number]))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [results[0], results[1]] == alone


def test_a_stream_yields_the_steps_of_the_prediction(model, videos):
    result = model.predict(videos[0])
    decisions = list(model.stream(str(videos[0])))
    assert all(isinstance(each, lookback.Decision) for each in decisions)
    assert [each.seconds for each in decisions] == result.seconds.tolist()
    np.testing.assert_array_equal([each.probabilities for each in decisions], result.probabilities)
    assert [each.full for each in decisions] == result.full.tolist()


class Recorded(FileSource):
    """A file that notes when it is closed."""

    opened: list["Recorded"]

    def __init__(self, *arguments) -> None:
        super().__init__(*arguments)
        self.closed = False
        self.opened.append(self)

    def close(self) -> None:
        self.closed = True
        super().close()


class Camera(Recorded):
    """A file that behaves as a camera does."""

    live = True

    def __init__(self, device: int) -> None:
        super().__init__(self.file)


def test_a_stream_closes_its_source_however_it_ends(model, videos, monkeypatch):
    monkeypatch.setattr(Recorded, "opened", [], raising=False)
    monkeypatch.setitem(SOURCES, "video", Recorded)
    stream = model.stream(videos[0])
    assert not Recorded.opened
    next(stream)
    assert not Recorded.opened[0].closed
    stream.close()
    assert Recorded.opened[0].closed
    list(model.stream(videos[0]))
    assert Recorded.opened[1].closed


@pytest.fixture
def clip_model(tmp_path_factory) -> Iterator[Model]:
    """A clip network with its own labels."""
    path = write_weights(tmp_path_factory.mktemp("clips") / "few.weights.h5", 3, LABELS)
    with registered():
        yield lookback.load(NAME, engine="keras", weights=path)


def test_a_named_network_has_its_own_labels_and_no_threshold(clip_model, tmp_path):
    video = write_scene(tmp_path / "scene.mp4", np.arange(30) / 10)
    assert (clip_model.labels, clip_model.threshold) == (LABELS, 0.0)
    assert (clip_model.backbone, clip_model.engine, clip_model.look_back) == (NAME, "keras", 1)
    assert repr(clip_model) == f"Model({NAME}, 3 labels, look-back 1, engine keras)"
    result = clip_model.predict(video)
    assert result.full.tolist() == [False] * 2 + [True] * 6  # whole clips from 0.6 s on
    assert result.label in LABELS


def test_a_clip_network_streams_from_a_camera(clip_model, tmp_path, monkeypatch):
    monkeypatch.setattr(Recorded, "opened", [], raising=False)
    path = write_scene(tmp_path / "scene.mp4", np.arange(30) / 10)
    monkeypatch.setattr(Camera, "file", path, raising=False)
    monkeypatch.setitem(SOURCES, "webcam", Camera)
    before = threading.active_count()
    stream = clip_model.stream(0)
    decision = next(stream)
    assert decision.labels == LABELS
    stream.close()
    assert Recorded.opened[0].closed
    assert threading.active_count() == before  # the thread that computes has ended too


_INTERRUPTED = """
import gc, signal, sys, lookback
weights, video = sys.argv[1:]
first, second = lookback.load(weights, "openvino"), lookback.load(weights, "openvino")
first.predict(video)
del first
gc.collect()
third = lookback.load(weights, "openvino")
del second
gc.collect()
third.predict(video)
try:
    signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.slow
def test_ctrl_c_is_an_exception_after_models_have_come_and_gone(project, videos):
    """A destroyed core of OpenVINO left a stack for signal handlers that was freed: a crash."""
    if why := ENGINES["openvino"].missing():
        pytest.skip(why)
    command = [sys.executable, "-c", _INTERRUPTED, str(project.weights), str(videos[0])]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "interrupted\n", "")


def test_a_folder_wins_over_a_name(project, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x3d_s").symlink_to(project.weights)
    assert lookback.load("x3d_s").backbone == "tiny"


def test_head_threshold_and_engine_are_chosen(project):
    own = lookback.load(project.weights, "keras", head="own", threshold=0.9)
    assert (own.look_back, own.threshold, own.engine) == (1, 0.9, "keras")
    assert lookback.load(project.weights).threshold == 0.5


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ("x3d", {}, "x3d: is neither a model folder nor a clip network; did you mean x3d_"),
        ("no/such/folder", {}, "no/such/folder: is neither a model folder nor"),
        (Path("nowhere"), {}, "nowhere: is neither a model folder nor"),
        ("vgg16", {}, "vgg16: is an image network"),
        ("x3d_s", {"head": "lstm"}, "x3d_s has its published classifier"),
        ("x3d_s", {"engine": "openvin"}, "no engine 'openvin'; did you mean openvino"),
        ("x3d_s", {"threshold": 1.5}, "threshold is 1.5"),
        ("recipes", {"weights": "a.h5"}, "recipes is a model folder"),
    ],
)
def test_a_wrong_argument_is_one_line(source, options, message):
    with pytest.raises(UsageError) as error:
        lookback.load(source, **options)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_folder_without_a_model_is_one_line(tmp_path):
    with pytest.raises(LookbackError, match=r"model\.yaml is missing"):
        lookback.load(tmp_path)


def test_a_video_that_cannot_be_read_is_one_line(model, tmp_path):
    (tmp_path / "text.mp4").write_text("no video")
    for method in (model.predict, model.features, lambda path: list(model.stream(path))):
        with pytest.raises(VideoError, match="there is no such file"):
            method(tmp_path / "none.mp4")
        with pytest.raises(VideoError, match=r"text\.mp4"):
            method(tmp_path / "text.mp4")


def test_an_address_or_a_folder_is_no_video_file(model, tmp_path):
    for method in (model.predict, model.features):
        with pytest.raises(VideoError, match=r"use model\.stream") as error:
            method("rtsp://user:secret@host/stream")
        assert "secret" not in str(error.value)
        with pytest.raises(VideoError, match="is a folder"):
            method(tmp_path)


def test_loading_and_predicting_change_no_global_state(project, videos):
    handlers = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    state, backend = np.random.get_state()[1].tolist(), matplotlib.get_backend()
    model = lookback.load(project.weights)
    model.predict(videos[0])
    list(model.stream(videos[0]))
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == handlers
    assert np.random.get_state()[1].tolist() == state
    assert matplotlib.get_backend() == backend
