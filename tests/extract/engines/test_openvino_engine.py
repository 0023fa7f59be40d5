"""OpenVINO gives the features of Keras, converts a network once, and never stands in the way."""

import subprocess
import sys
import threading

import numpy as np
import pytest

from extract.architectures.building import from_pixels
from extract.architectures.registry import spec_of
from extract.backbones import build
from extract.engines import EXACT, NetworkId, Workload, openvino_engine
from extract.engines.converted_cache import FOLDER
from extract.engines.keras_engine import KerasEngine
from extract.engines.openvino_engine import OpenVinoEngine, converted
from extract.engines.registry import make_engine
from model_folder.config import QUANTIZED
from tests.golden.cases import CASES
from tests.running import ROOT
from training.keras_backend import keras
from video.errors import LookbackError, UsageError

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
    convert, network = openvino_engine._convert, openvino_engine._convert(model)
    openvino_engine._convert = lambda each: network.clone() if each is model else convert(each)
    yield
    openvino_engine._convert = convert


@pytest.fixture(scope="module")
def network(model):
    return openvino_engine._convert(model)


@pytest.fixture(scope="module")
def engine(network) -> OpenVinoEngine:
    return OpenVinoEngine(network, EXACT)


def made(model, folder=None, sha256="a", workload=EXACT, part="backbone") -> OpenVinoEngine:
    return make_engine(model, NetworkId(folder, sha256, part), "openvino", workload)


def relative(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one - other).max() / np.abs(other).max())


def no_conversion(model):
    raise AssertionError("the network was converted again")


@pytest.mark.parametrize("workload", [EXACT, Workload(live=True), Workload(batch_size=8)])
@pytest.mark.parametrize("length", [0, 1, 7, 8, 9, 19])
def test_it_gives_the_features_of_keras_for_any_number_of_clips(model, network, workload, length):
    engine = OpenVinoEngine(network, workload)
    features = engine(CLIPS[:length])
    assert features.dtype == np.float32
    assert features.shape == (length, 128)
    if length:
        assert relative(features, KerasEngine(model, 8)(CLIPS[:length])) < 1e-4
    assert np.array_equal(engine(CLIPS[:length]), features)


@pytest.mark.parametrize("batch_size", [1, 8])
def test_the_bits_of_a_feature_depend_on_its_clip_alone(network, batch_size):
    engine = OpenVinoEngine(network, Workload(batch_size=batch_size))
    features = engine(CLIPS)
    assert np.array_equal(engine(CLIPS[::-1])[::-1], features)
    for number in (0, 7, 18):
        assert np.array_equal(engine(CLIPS[number : number + 1])[0], features[number])


def test_features_of_one_call_are_not_overwritten_by_the_next(engine):
    first = engine(CLIPS[:8])
    kept = first.copy()
    engine(CLIPS[8:16])
    assert np.array_equal(first, kept)


def test_several_threads_may_call_it_at_once(engine):
    wanted, wrong = engine(CLIPS), []

    def work() -> None:
        for _ in range(20):
            if not np.array_equal(engine(CLIPS), wanted):
                wrong.append(True)

    threads = [threading.Thread(target=work) for _ in range(engine.parallel + 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


# Converting a network takes several seconds: two in the default run, all with `-m backend`.
FAMILIES = [
    name if name in ("x3d", "videomae") else pytest.param(name, marks=pytest.mark.backend)
    for name in CASES
]


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_of_clip_networks_gives_the_features_of_keras(name):
    case = CASES[name]
    model = from_pixels(spec_of(case.backbone), case.make(case.shape))
    clips = np.random.default_rng(1).integers(0, 256, (2, *case.shape, 3), np.uint8)
    ours = made(model)(clips)
    wanted = np.asarray(model(clips))
    keras.backend.clear_session()
    assert relative(ours, wanted) < 1e-4


def test_depthwise_3d_convolutions_are_one_operation_each():
    """Sums of two-dimensional ones, as Keras computes them, took OpenVINO four times as long."""
    case = CASES["x3d"]
    network = openvino_engine._convert(from_pixels(spec_of(case.backbone), case.make(case.shape)))
    names = [each.get_type_name() for each in network.get_ops()]
    assert names.count("GroupConvolution") > 3
    assert names.count("Transpose") < 3


def test_a_network_is_converted_once(model, tmp_path, monkeypatch):
    first = made(model, tmp_path)(CLIPS)
    monkeypatch.setattr(openvino_engine, "_convert", no_conversion)
    assert np.array_equal(made(model, tmp_path)(CLIPS), first)
    with pytest.raises(AssertionError):
        made(model, tmp_path, "other weights")


def test_of_the_weights_before_nothing_is_kept(model, tmp_path):
    made(model, tmp_path, "a")
    made(model, tmp_path, "b")
    made(model, tmp_path, "of another part", part="sequence")
    (of_weights,) = (tmp_path / FOLDER / "backbone").iterdir()
    (kept,) = of_weights.iterdir()
    assert of_weights.name == "b"
    assert sorted(path.name for path in kept.iterdir()) == ["model.bin", "model.xml"]


FIRST_CALLS = """
import os, sys, threading
import numpy as np
import openvino
from extract.engines import EXACT
from extract.engines.openvino_engine import OpenVinoEngine

sys.setswitchinterval(1e-6)
engine = OpenVinoEngine(openvino.Core().read_model(sys.argv[1]), EXACT)
clips, together = np.zeros((1, 1, 48, 48, 3), np.uint8), threading.Barrier(8)

def call():
    together.wait()
    engine(clips)

threads = [threading.Thread(target=call) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def test_the_first_calls_of_a_process_may_come_at_once(network, tmp_path):
    """A network that is kept is called by several threads before anything else has called one."""
    openvino = pytest.importorskip("openvino")
    openvino.save_model(network, tmp_path / "network.xml")
    command = [sys.executable, "-c", FIRST_CALLS, tmp_path / "network.xml"]
    subprocess.run(command, cwd=ROOT, check=True, timeout=100)


def test_a_folder_that_cannot_be_written_is_no_hindrance(model, tmp_path):
    place = tmp_path / "a file"
    place.write_text("no folder")
    assert made(model, place)(CLIPS[:1]).shape == (1, 128)


def test_other_features_than_those_of_keras_are_noticed_and_not_kept(model, tmp_path, monkeypatch):
    convert, wrong = openvino_engine._convert, build("tiny", "none", side=48)
    monkeypatch.setattr(openvino_engine, "_convert", lambda model: convert(wrong))
    with pytest.raises(RuntimeError, match="its features differ by"):
        converted(model, NetworkId(tmp_path, "a"))
    assert not list(tmp_path.iterdir())
    with pytest.raises(LookbackError, match=r"openvino: does not take .* --engine auto takes an"):
        made(model, tmp_path)


def test_auto_takes_openvino_and_the_next_where_it_cannot(model, monkeypatch, capsys):
    monkeypatch.setattr("extract.engines.registry.gpus", list)
    monkeypatch.setattr("extract.engines.onnx_engine.missing", lambda: "is not installed")
    assert make_engine(model, NetworkId(None, "a")).name == "openvino"

    def cannot(model):
        raise RuntimeError("no such operation\nand much more")

    monkeypatch.setattr(openvino_engine, "_convert", cannot)
    assert make_engine(model, NetworkId(None, "a")).name == "keras"
    told = capsys.readouterr().out.strip()
    assert told == "note: openvino does not take this network (no such operation)."


def test_on_a_gpu_auto_leaves_the_work_to_keras(model, monkeypatch):
    monkeypatch.setattr("extract.engines.registry.gpus", lambda: ["gpu:0"])
    assert make_engine(model, NetworkId(None, "a")).name == "keras"


def test_keras_has_no_bf16(model):
    with pytest.raises(UsageError, match=r"bf16: keras does not compute in it; --engine openvino"):
        make_engine(model, NetworkId(None, "a"), "keras", Workload("bf16"))


def test_bf16_is_refused_where_the_processor_has_none(model, monkeypatch):
    monkeypatch.setattr(openvino_engine, "processor_has", lambda precision: precision == "f32")
    with pytest.raises(UsageError, match=r"extract\.precision bf16: this processor"):
        made(model, workload=Workload("bf16"))


def test_bf16_tells_what_it_costs(model, capsys):
    try:
        engine = made(model, workload=Workload("bf16"))
    except UsageError:
        pytest.skip("this processor has no bf16")
    told = float(capsys.readouterr().out.split("random clip ")[1].split()[0].rstrip("."))
    assert 0.99 < told <= 1
    exact, ours = KerasEngine(model, 8)(CLIPS), engine(CLIPS)
    assert engine.precision == "bf16"
    assert 1e-6 < relative(ours, exact) < 0.05


def test_int8_needs_a_quantised_network(model, tmp_path):
    if not openvino_engine.processor_has("int8"):
        pytest.skip("this processor has no int8")
    mend = "python -m extract.quantize"
    with pytest.raises(LookbackError, match=f"is missing; {mend}"):
        made(model, tmp_path, workload=Workload("int8"))
    (tmp_path / QUANTIZED).write_text("<no network/>")
    with pytest.raises(LookbackError, match=f"cannot be read as a network of OpenVINO; {mend}"):
        made(model, tmp_path, workload=Workload("int8"))


def test_an_engine_that_is_not_installed_is_told_how(model, monkeypatch):
    monkeypatch.setattr(openvino_engine, "find_spec", lambda name: None)
    monkeypatch.setattr("extract.engines.onnx_engine.find_spec", lambda name: None)
    with pytest.raises(UsageError, match="pip install openvino"):
        make_engine(model, NetworkId(None, "a"), "openvino")
    with pytest.raises(UsageError, match=r"onnxruntime is not installed; pip install -r"):
        make_engine(model, NetworkId(None, "a"), "onnx")
    assert make_engine(model, NetworkId(None, "a")).name == "keras"
    with pytest.raises(UsageError, match="bf16: no engine that is installed computes in it"):
        make_engine(model, NetworkId(None, "a"), "auto", Workload("bf16"))
