"""One video's stream: what it decides by, and that no other video's stream can change it."""

import threading
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from extract.architectures.building import from_pixels
from extract.architectures.registry import spec_of
from extract.backbones.heads import FEATURES
from extract.engines import Engine, NetworkId
from extract.engines.framewise import FramewiseEngine, make_live_engine
from extract.engines.registry import ENGINES
from extract.extractor import Extractor
from live.decision import Decision
from live.model import LiveModel, choose_live_model, load_live_model
from live.timing import Stopwatch
from metrics.calibration import softmax
from recipes.loader import load
from sequence.model import build_sequence_model
from sequence.prediction import Predictor
from sequence.windows import windows
from tests.clip_network import NAME, registered, write_weights
from tests.conftest import Project
from tests.extract.projecting import card_of
from tests.golden.cases import CASES
from training.keras_backend import keras
from video.frame import Frame
from video.preprocessing import Preprocessing
from video.sampling import Sampling
from video.steps import Step

LABELS = ("bat", "bowl", "run")


class CountingEngine(Engine):
    """Gives the clip's mean as every one of four features, and counts how often it is asked."""

    feature_size = 4

    def __init__(self) -> None:
        super().__init__(batch_size=1)
        self.asked = 0

    def _compute(self, clips: np.ndarray) -> np.ndarray:
        self.asked += 1
        return np.repeat(clips[0].mean() / 7, 4).astype("float32")[None]


class EchoPredictor:
    """Answers with the sum of the window; keeps the windows."""

    look_back = 3

    def __init__(self) -> None:
        self.seen: list[np.ndarray] = []

    def scored(self, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        self.seen.append(batch[0].copy())
        return softmax(batch.sum(1)[:, :3]), np.zeros(len(batch))


def steps(*values: int, repeated: tuple[int, ...] = ()) -> list[Step]:
    clips = [np.full((1, 2, 2, 3), value, np.uint8) for value in values]
    return [Step(n, n / 10, clip, n in repeated) for n, clip in enumerate(clips)]


def decided(dtype: str, *some: Step):
    engine, predictor = CountingEngine(), EchoPredictor()
    model = LiveModel(Extractor(card_of(), engine), predictor, LABELS, 0.5, dtype)
    stream = model.stream()
    return engine, predictor, [stream.decide(step) for step in some]


def test_every_step_sees_its_look_back_window():
    _, predictor, decisions = decided("float32", *steps(7, 14, 21, 28, 35))
    rows = np.repeat(np.arange(1.0, 6.0, dtype="float32")[:, None], 4, 1)
    np.testing.assert_array_equal(predictor.seen, windows(rows, 3))
    assert [(made.step, made.seconds) for made in decisions] == [(n, n / 10) for n in range(5)]
    assert decisions[0].labels == LABELS


def test_a_repeated_clip_costs_no_backbone_but_is_a_step_of_the_window():
    engine, predictor, _ = decided("float32", *steps(7, 14, 14, 21, repeated=(2,)))
    assert engine.asked == 3
    assert predictor.seen[-1][:, 0].tolist() == [2, 2, 3]


def test_features_are_rounded_as_the_feature_file_rounds_them():
    _, exact, _ = decided("float32", *steps(1, 2))
    _, rounded, _ = decided("float16", *steps(1, 2))
    wanted = exact.seen[-1].astype(np.float16).astype(np.float32)
    np.testing.assert_array_equal(rounded.seen[-1], wanted)
    assert not np.array_equal(rounded.seen[-1], exact.seen[-1])
    assert rounded.seen[-1].dtype == np.float32


def test_a_window_counts_as_full_once_every_clip_in_it_is():
    """A look-back of three over clips of which the first two are filled up with their oldest."""
    some = [replace(step, full=step.index >= 2) for step in steps(*range(7, 70, 7))]
    _, _, decisions = decided("float32", *some)
    assert [made.full for made in decisions] == [False] * 4 + [True] * 5
    assert decided("float32", *some)[2][3].above_threshold is False


def test_a_stopwatch_counts_both_stages_where_one_is_given():
    model = LiveModel(Extractor(card_of(), CountingEngine()), EchoPredictor(), LABELS, 0.5)
    watch = Stopwatch()
    model.stream().decide(steps(7)[0], watch)
    watch.step_done()
    assert {"backbone", "sequence"} <= set(watch.summary().split())


# A video's frames have the places of every other's, so whatever is kept under them is mixed up.


def image_model(engine: str, project: Project) -> LiveModel:
    return load_live_model(project.weights, engine=engine)


def clip_model(engine: str, project: Project) -> LiveModel:
    """A clip network with its own classifier, whose steps are two frames apart."""
    path = project.weights.with_name("clips") / "clips.weights.h5"
    with registered():
        if not path.is_file():
            path.parent.mkdir(exist_ok=True)
            write_weights(path, 3, LABELS)
        flags = {"backbone.name": NAME, "backbone.weights": str(path), "extract.engine": engine}
        return choose_live_model(load(flags=flags))


def framewise_model(engine: str, project: Project) -> LiveModel:
    """A small Slow R50, whose first stages are kept for each frame, and an LSTM."""
    case = CASES["slow"]
    frames, *side = case.shape
    spec, length = replace(spec_of(case.backbone), clip_length=frames), 3
    folder = project.weights.with_name("framewise")  # keeps what is converted
    keras.utils.set_random_seed(0)
    core = case.make(case.shape)
    pixels = from_pixels(spec, core)
    features = keras.layers.Dense(6, activation="relu", name=FEATURES)(pixels.output)
    network = keras.Model(pixels.input, features)
    made = make_live_engine(network, spec, 1, NetworkId(folder, "a"), engine, "f32")
    assert isinstance(made, FramewiseEngine)
    config = card_of(sampling=Sampling(10.0, 1), preprocessing=Preprocessing(*side))
    sizes = {"clip_length": frames, "feature_size": 6}
    config = config.model_copy(update={"backbone": config.backbone.model_copy(update=sizes)})
    predictor = Predictor(build_sequence_model("lstm", length, 6, 3, (8,), 0.0, True), length)
    predictor.use_engine(engine, folder)
    return LiveModel(Extractor(config, made), predictor, LABELS, 0.5)


# Of ONNX, whose conversion takes half a minute, tests/extract/engines/ asks the same.
CHOICES = [
    pytest.param((make, engine), id=f"{make.__name__}-{engine}")
    for make in (image_model, clip_model, framewise_model)
    for engine in ("openvino", "keras")
]


@pytest.fixture(scope="module", params=CHOICES)
def make(request, project, tmp_path_factory) -> Callable[[], LiveModel]:
    """Return a function that makes the same model anew."""
    maker, engine = request.param
    if why := ENGINES[engine].missing():
        pytest.skip(why)
    return lambda: maker(engine, project)


def video(seed: int, length: int = 24) -> list[Frame]:
    pictures = np.random.default_rng(seed).integers(0, 256, (length, 48, 64, 3), np.uint8)
    return [Frame.from_array(pixels, n, n / 10) for n, pixels in enumerate(pictures)]


def bits(decisions: list[Decision]) -> list[tuple]:
    assert len(decisions) > 6
    return [(made.step, made.seconds, made.full, *made.probabilities) for made in decisions]


@pytest.fixture(scope="module")
def model(make) -> LiveModel:
    return make()


@pytest.fixture(scope="module")
def alone(make) -> list[list[tuple]]:
    """What two models that see one video each say of it."""
    said = [bits(list(make().decisions(video(seed)))) for seed in (1, 2)]
    assert np.abs(np.subtract(*said)[:, 3:]).max() > 1e-6  # the videos differ
    return said


def test_a_second_video_is_decided_as_the_first_of_a_new_model(model, alone):
    list(model.decisions(video(3)[:3]))  # ends while the places of the next one's frames are kept
    assert [bits(list(model.decisions(video(seed)))) for seed in (1, 2)] == alone


def test_two_videos_by_turns_do_not_disturb_each_other(model, alone):
    streams, said = [model.stream(), model.stream()], [[], []]
    for frames in zip(video(1), video(2), strict=True):
        for stream, frame, kept in zip(streams, frames, said, strict=True):
            kept.extend(stream.push(frame))
    assert [bits(each) for each in said] == alone


def test_videos_in_threads_do_not_disturb_each_other(make, alone):
    """Of a model that nothing was computed with before, whose first calls meet."""
    model, together = make(), threading.Barrier(4)
    said: list[list[tuple]] = [[] for _ in range(4)]

    def run(place: int) -> None:
        together.wait(60)
        said[place] = bits(list(model.decisions(video(1 + place % 2))))

    threads = [threading.Thread(target=run, args=(place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert said == [*alone, *alone]
