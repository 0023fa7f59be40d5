"""ONNX Runtime engine: parity with Keras, converted-model cache, errors."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from extract.architectures.building import from_pixels
from extract.architectures.registry import spec_of
from extract.backbones import build
from extract.engines import EXACT, NetworkId, Workload, onnx_engine
from extract.engines.keras_engine import KerasEngine
from extract.engines.registry import make_engine
from tests.golden.cases import CASES
from training.keras_backend import keras
from video.errors import LookbackError

pytest.importorskip("onnxruntime", reason="the engine is ONNX Runtime's")
pytest.importorskip("tf2onnx", reason="it makes the engine's files")
if keras.backend.backend() != "tensorflow":
    pytest.skip("tf2onnx takes networks from TensorFlow", allow_module_level=True)

CLIPS = np.random.default_rng(0).integers(0, 256, (9, 1, 48, 48, 3), np.uint8)


@pytest.fixture(scope="module")
def model():
    return build("tiny", "none", side=48)


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    """A model folder with the converted network in its cache."""
    folder = tmp_path_factory.mktemp("model")
    make_engine(model, NetworkId(folder, "a"), "onnx")
    return folder


@pytest.mark.parametrize("workload", [EXACT, Workload(live=True), Workload(batch_size=4)])
def test_features_equal_keras_and_the_network_is_cached(model, folder, monkeypatch, workload):
    monkeypatch.setattr(onnx_engine, "_convert", None)
    engine = make_engine(model, NetworkId(folder, "a"), "onnx", workload)
    features, wanted = engine(CLIPS), KerasEngine(model, 8)(CLIPS)
    assert features.dtype == np.float32
    assert np.abs(features - wanted).max() < 1e-4 * np.abs(wanted).max()
    assert np.array_equal(engine(CLIPS[::-1])[::-1], features)


def test_engine_is_thread_safe(model, folder):
    engine = make_engine(model, NetworkId(folder, "a"), "onnx", Workload(live=True))
    wanted = engine(CLIPS)
    with ThreadPoolExecutor(4) as threads:
        for place, feature in enumerate(threads.map(engine, [clip[None] for clip in CLIPS] * 20)):
            assert np.array_equal(feature[0], wanted[place % len(CLIPS)])


def test_network_that_fails_the_parity_check_is_refused(model, folder, tmp_path, monkeypatch):
    (file,) = folder.rglob("model.onnx")
    other = build("tiny", "none", side=48)
    monkeypatch.setattr(onnx_engine, "_convert", lambda model: file.read_bytes())
    with pytest.raises(LookbackError, match="its features differ from Keras by"):
        make_engine(other, NetworkId(tmp_path, "b"), "onnx")
    assert not list(tmp_path.iterdir())


def test_invalid_file_is_refused(model, monkeypatch):
    monkeypatch.setattr(onnx_engine, "_convert", lambda model: b"no network")
    with pytest.raises(LookbackError, match="onnx: cannot run this network"):
        make_engine(model, NetworkId(None, "a"), "onnx")


# A conversion takes ten seconds.
@pytest.mark.backend
@pytest.mark.parametrize("name", CASES)
def test_every_family_of_clip_networks_equals_keras(name):
    case = CASES[name]
    model = from_pixels(spec_of(case.backbone), case.make(case.shape))
    clips = np.random.default_rng(1).integers(0, 256, (2, *case.shape, 3), np.uint8)
    features, wanted = (
        make_engine(model, NetworkId(None, "a"), "onnx")(clips),
        np.asarray(model(clips)),
    )
    keras.backend.clear_session()
    assert np.abs(features - wanted).max() < 1e-4 * np.abs(wanted).max()
