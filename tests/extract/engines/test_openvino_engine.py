"""OpenVINO engine: parity with Keras, converted-model cache, fallbacks, precisions."""

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
def test_features_equal_keras_for_any_number_of_clips(model, network, workload, length):
    engine = OpenVinoEngine(network, workload)
    features = engine(CLIPS[:length])
    assert features.dtype == np.float32
    assert features.shape == (length, 128)
    if length:
        assert relative(features, KerasEngine(model, 8)(CLIPS[:length])) < 1e-4
    assert np.array_equal(engine(CLIPS[:length]), features)


@pytest.mark.parametrize("batch_size", [1, 8])
def test_feature_bits_depend_on_the_clip_only(network, batch_size):
    engine = OpenVinoEngine(network, Workload(batch_size=batch_size))
    features = engine(CLIPS)
    assert np.array_equal(engine(CLIPS[::-1])[::-1], features)
    for number in (0, 7, 18):
        assert np.array_equal(engine(CLIPS[number : number + 1])[0], features[number])


def test_next_call_does_not_overwrite_features(engine):
    first = engine(CLIPS[:8])
    kept = first.copy()
    engine(CLIPS[8:16])
    assert np.array_equal(first, kept)


def test_engine_is_thread_safe(engine):
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
def test_every_family_of_clip_networks_equals_keras(name):
    case = CASES[name]
    model = from_pixels(spec_of(case.backbone), case.make(case.shape))
    clips = np.random.default_rng(1).integers(0, 256, (2, *case.shape, 3), np.uint8)
    ours = made(model)(clips)
    wanted = np.asarray(model(clips))
    keras.backend.clear_session()
    assert relative(ours, wanted) < 1e-4


def test_depthwise_3d_convolution_converts_to_one_operation():
    """A sum of 2D convolutions, as Keras computes it, takes OpenVINO four times as long."""
    case = CASES["x3d"]
    network = openvino_engine._convert(from_pixels(spec_of(case.backbone), case.make(case.shape)))
    names = [each.get_type_name() for each in network.get_ops()]
    assert names.count("GroupConvolution") > 3
    assert names.count("Transpose") < 3


def test_converted_network_is_cached(model, tmp_path, monkeypatch):
    first = made(model, tmp_path)(CLIPS)
    monkeypatch.setattr(openvino_engine, "_convert", no_conversion)
    assert np.array_equal(made(model, tmp_path)(CLIPS), first)
    with pytest.raises(AssertionError):
        made(model, tmp_path, "other weights")


def test_cache_drops_the_entries_of_other_weights(model, tmp_path):
    made(model, tmp_path, "a")
    made(model, tmp_path, "b")
    made(model, tmp_path, "of another part", part="sequence")
    (of_weights,) = (tmp_path / FOLDER / "backbone").iterdir()
    (entry,) = of_weights.iterdir()
    assert of_weights.name == "b"
    kept = ["model.bin", "model.xml", "network.json", "reference.npy"]
    assert sorted(path.name for path in entry.iterdir()) == kept


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


def test_concurrent_first_calls_do_not_deadlock(network, tmp_path):
    """Several threads make the first calls of the process on a cached network."""
    openvino = pytest.importorskip("openvino")
    openvino.save_model(network, tmp_path / "network.xml")
    command = [sys.executable, "-c", FIRST_CALLS, tmp_path / "network.xml"]
    subprocess.run(command, cwd=ROOT, check=True, timeout=100)


def test_folder_that_cannot_be_written_is_not_an_error(model, tmp_path):
    folder = tmp_path / "a file"
    folder.write_text("no folder")
    assert made(model, folder)(CLIPS[:1]).shape == (1, 128)


def test_network_that_fails_the_parity_check_is_not_cached(model, tmp_path, monkeypatch):
    convert, wrong = openvino_engine._convert, build("tiny", "none", side=48)
    monkeypatch.setattr(openvino_engine, "_convert", lambda model: convert(wrong))
    with pytest.raises(RuntimeError, match="its features differ from Keras by"):
        converted(model, NetworkId(tmp_path, "a"))
    assert not list(tmp_path.iterdir())
    with pytest.raises(LookbackError, match=r"openvino: cannot run .* --engine auto chooses an"):
        made(model, tmp_path)


def test_auto_tries_the_next_engine_where_openvino_fails(model, monkeypatch, capsys):
    monkeypatch.setattr("extract.engines.registry.gpus", list)
    monkeypatch.setattr("extract.engines.onnx_engine.missing", lambda: "is not installed")
    assert make_engine(model, NetworkId(None, "a")).name == "openvino"

    def cannot(model):
        raise RuntimeError("no such operation\nand much more")

    monkeypatch.setattr(openvino_engine, "_convert", cannot)
    assert make_engine(model, NetworkId(None, "a")).name == "keras"
    printed = capsys.readouterr().out.strip()
    assert printed == "note: openvino cannot run this network (no such operation)."


def test_auto_chooses_keras_on_a_gpu(model, monkeypatch):
    monkeypatch.setattr("extract.engines.registry.gpus", lambda: ["gpu:0"])
    assert make_engine(model, NetworkId(None, "a")).name == "keras"


def test_keras_does_not_support_bf16(model):
    with pytest.raises(UsageError, match=r"bf16: keras does not support it; use --engine openvino"):
        make_engine(model, NetworkId(None, "a"), "keras", Workload("bf16"))


def test_bf16_is_refused_on_a_processor_without_it(model, monkeypatch):
    monkeypatch.setattr(openvino_engine, "processor_has", lambda precision: precision == "f32")
    with pytest.raises(UsageError, match=r"extract\.precision bf16: this processor"):
        made(model, workload=Workload("bf16"))


def test_bf16_reports_its_cosine_similarity(model, capsys):
    try:
        engine = made(model, workload=Workload("bf16"))
    except UsageError:
        pytest.skip("this processor has no bf16")
    cosine = float(capsys.readouterr().out.split("random clip ")[1].split()[0].rstrip("."))
    assert 0.99 < cosine <= 1
    exact, ours = KerasEngine(model, 8)(CLIPS), engine(CLIPS)
    assert engine.precision == "bf16"
    assert 1e-6 < relative(ours, exact) < 0.05


def test_int8_needs_a_quantized_network(model, tmp_path):
    if not openvino_engine.processor_has("int8"):
        pytest.skip("this processor has no int8")
    remedy = "python -m extract.quantize"
    with pytest.raises(LookbackError, match=f"is missing; {remedy}"):
        made(model, tmp_path, workload=Workload("int8"))
    (tmp_path / QUANTIZED).write_text("<no network/>")
    with pytest.raises(LookbackError, match=f"cannot be read as an OpenVINO network; {remedy}"):
        made(model, tmp_path, workload=Workload("int8"))


def test_missing_engine_fails_with_the_install_command(model, monkeypatch):
    monkeypatch.setattr(openvino_engine, "find_spec", lambda name: None)
    monkeypatch.setattr("extract.engines.onnx_engine.find_spec", lambda name: None)
    with pytest.raises(UsageError, match="pip install openvino"):
        make_engine(model, NetworkId(None, "a"), "openvino")
    with pytest.raises(UsageError, match=r"onnxruntime is not installed; pip install -r"):
        make_engine(model, NetworkId(None, "a"), "onnx")
    assert make_engine(model, NetworkId(None, "a")).name == "keras"
    with pytest.raises(UsageError, match="bf16: no installed engine supports it"):
        make_engine(model, NetworkId(None, "a"), "auto", Workload("bf16"))
