"""OpenVINO gives the features of Keras, converts a network once, and never stands in the way."""

import numpy as np
import pytest

from extract.backbones import build, spec_of
from extract.backbones.building import from_pixels
from extract.engines import KerasEngine, make_engine, openvino_engine
from extract.engines.openvino_engine import FOLDER, OpenVinoEngine
from extract.framework import keras
from tests.golden.cases import CASES
from video.errors import UsageError

pytest.importorskip("openvino", reason="the engine is openvino's")
if keras.backend.backend() != "tensorflow":
    pytest.skip("OpenVINO takes networks from TensorFlow", allow_module_level=True)

CLIPS = np.random.default_rng(0).integers(0, 256, (19, 1, 48, 48, 3), np.uint8)


@pytest.fixture(scope="module")
def model():
    return build("tiny", "none", side=48)


@pytest.fixture(scope="module", autouse=True)
def converted_once(model):
    """Convert the small network once for all tests: each conversion takes seconds."""
    convert, network = openvino_engine._converted, openvino_engine._converted(model)
    openvino_engine._converted = lambda each: network.clone() if each is model else convert(each)
    yield
    openvino_engine._converted = convert


@pytest.fixture(scope="module")
def engine(model, tmp_path_factory) -> OpenVinoEngine:
    return OpenVinoEngine(model, 8, "f32", tmp_path_factory.mktemp("model"), "a")


def relative(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one - other).max() / np.abs(other).max())


def no_conversion(model):
    raise AssertionError("the network was converted again")


@pytest.mark.parametrize("length", [1, 7, 8, 9, 19])
def test_it_gives_the_features_of_keras_for_any_number_of_clips(engine, model, length):
    features = engine(CLIPS[:length])
    assert features.dtype == np.float32
    assert features.shape == (length, 128)
    assert relative(features, KerasEngine(model, 8)(CLIPS[:length])) < 1e-4
    assert np.array_equal(engine(CLIPS[:length]), features)


def test_features_of_one_call_are_not_overwritten_by_the_next(engine):
    first = engine(CLIPS[:8])
    kept = first.copy()
    engine(CLIPS[8:16])
    assert np.array_equal(first, kept)


# Converting a network takes several seconds: two in the default run, all with `-m backend`.
FAMILIES = [
    name if name in ("r2plus1d", "videomae") else pytest.param(name, marks=pytest.mark.backend)
    for name in CASES
]


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_of_clip_networks_gives_the_features_of_keras(name):
    case = CASES[name]
    model = from_pixels(spec_of(case.backbone), case.make(case.shape))
    clips = np.random.default_rng(1).integers(0, 256, (2, *case.shape, 3), np.uint8)
    ours = OpenVinoEngine(model, 2, "f32", None, "a")(clips)
    wanted = np.asarray(model(clips))
    keras.backend.clear_session()
    assert relative(ours, wanted) < 1e-4


def test_a_network_is_converted_once(model, tmp_path, monkeypatch):
    first = OpenVinoEngine(model, 8, "f32", tmp_path, "a")(CLIPS)
    monkeypatch.setattr(openvino_engine, "_converted", no_conversion)
    assert np.array_equal(OpenVinoEngine(model, 8, "f32", tmp_path, "a")(CLIPS), first)
    with pytest.raises(AssertionError):
        OpenVinoEngine(model, 8, "f32", tmp_path, "other weights")


def test_of_the_weights_before_nothing_is_kept(model, tmp_path):
    OpenVinoEngine(model, 8, "f32", tmp_path, "a")
    OpenVinoEngine(model, 8, "f32", tmp_path, "b")
    (kept,) = (tmp_path / FOLDER).iterdir()
    assert sorted(path.name for path in kept.iterdir()) == ["model.bin", "model.xml"]


def test_a_folder_that_cannot_be_written_is_no_hindrance(model, tmp_path):
    place = tmp_path / "a file"
    place.write_text("no folder")
    assert OpenVinoEngine(model, 8, "f32", place, "a")(CLIPS[:1]).shape == (1, 128)


def test_other_features_than_those_of_keras_are_noticed(model, monkeypatch):
    converted = openvino_engine._converted
    wrong = build("tiny", "none", side=48)
    monkeypatch.setattr(openvino_engine, "_converted", lambda model: converted(wrong))
    with pytest.raises(RuntimeError, match="its features differ by"):
        OpenVinoEngine(model, 8, "f32", None, "a")


def test_auto_takes_openvino_and_goes_back_to_keras_where_it_cannot(model, monkeypatch, capsys):
    monkeypatch.setattr("extract.framework.gpus", list)
    assert make_engine(model, 8, "auto", "f32", None, "a").name == "openvino"

    def cannot(model):
        raise RuntimeError("no such operation\nand much more")

    monkeypatch.setattr(openvino_engine, "_converted", cannot)
    made = make_engine(model, 8, "auto", "f32", None, "a")
    assert made.name == "keras"
    told = capsys.readouterr().out.strip()
    assert told == (
        "note: OpenVINO does not take this network (no such operation); Keras computes it."
    )


def test_auto_leaves_depthwise_3d_convolutions_to_keras(monkeypatch):
    monkeypatch.setattr("extract.framework.gpus", list)
    case = CASES["x3d"]
    model = from_pixels(spec_of(case.backbone), case.make(case.shape))
    assert make_engine(model, 2, "auto", "f32", None, "a").name == "keras"


def test_on_a_gpu_auto_leaves_the_work_to_keras(model, monkeypatch):
    monkeypatch.setattr("extract.framework.gpus", lambda: ["gpu:0"])
    assert make_engine(model, 8, "auto", "f32", None, "a").name == "keras"


def test_keras_has_no_bf16(model):
    with pytest.raises(UsageError, match="bf16: Keras computes in f32; --engine openvino"):
        make_engine(model, 8, "keras", "bf16", None, "a")


def test_bf16_is_refused_where_the_processor_has_none(model, monkeypatch):
    monkeypatch.setattr(OpenVinoEngine, "_has_bf16", lambda self: False)
    with pytest.raises(UsageError, match=r"extract\.precision bf16: this processor"):
        OpenVinoEngine(model, 8, "bf16", None, "a")


def test_bf16_tells_what_it_costs(model, capsys):
    try:
        engine = OpenVinoEngine(model, 8, "bf16", None, "a")
    except UsageError:
        pytest.skip("this processor has no bf16")
    told = float(capsys.readouterr().out.split("random clip ")[1].split()[0].rstrip("."))
    assert 0.99 < told <= 1
    exact, ours = KerasEngine(model, 8)(CLIPS), engine(CLIPS)
    assert engine.precision == "bf16"
    assert 1e-6 < relative(ours, exact) < 0.05


def test_an_engine_that_is_not_installed_is_told_how(model, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match="pip install openvino"):
        make_engine(model, 8, "openvino", "f32", None, "a")
    assert make_engine(model, 8, "auto", "f32", None, "a").name == "keras"
