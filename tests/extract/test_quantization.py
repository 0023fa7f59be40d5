"""int8: quantised on training clips, measured on validation clips, refused where it costs much."""

import numpy as np
import pytest

from extract import quantization
from extract.engines import openvino_engine
from extract.engines.parity_check import cosines
from extract.extractor.choice import FolderModel
from extract.extractor.loading import load_extractor, open_network
from extract.extractor_setup import set_up_extractor
from extract.quantization import quantize
from model_folder.config import (
    QUANTIZED,
    QUANTIZED_WEIGHTS,
    QuantizationReport,
    quantized_sha256,
    require_config,
    write_config,
)
from training.keras_backend import keras
from video.errors import LookbackError, UsageError

pytest.importorskip("openvino", reason="it computes in int8")
pytest.importorskip("nncf", reason="it quantises")
if keras.backend.backend() != "tensorflow":
    pytest.skip("OpenVINO takes networks from TensorFlow", allow_module_level=True)
if not openvino_engine.processor_has("int8"):
    pytest.skip("this processor has no int8", allow_module_level=True)

INT8 = {"extract.precision": "int8", "extract.engine": "auto"}
CLIPS = np.random.default_rng(0).integers(0, 256, (5, 1, 48, 48, 3), np.uint8)
COST = QuantizationReport(
    sha256="a" * 64,
    clips=8,
    cosine=0.999,
    least_cosine=0.995,
    classifier="ridge on clip means",
    accuracy_f32=0.75,
    accuracy_interval=(0.5, 1.0),
    accuracy=0.625,
)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "weights"


def test_asked_for_int8_a_network_is_quantised_measured_and_used(
    small_settings, scenes, folder, capsys
):
    made = set_up_extractor(small_settings(INT8), scenes())
    assert made.engine.precision == "int8"
    told = require_config(folder).quantised
    assert told.sha256 == quantized_sha256(folder)
    assert told.clips == 8  # two scenes of four clips validate
    assert quantization.MIN_COSINE <= told.least_cosine <= told.cosine < 1
    assert told.classifier == "ridge on clip means"
    out = capsys.readouterr().out
    assert "of the training videos calibrate it." in out
    assert f"{told}.\n" in out
    exact = load_extractor(folder, made.config.model_copy(update={"precision": "f32"}))
    ours, wanted = made(CLIPS), exact(CLIPS)
    assert not np.array_equal(ours, wanted)
    assert cosines(ours, wanted).min() > 0.98
    assert made.spec("float32") != exact.spec("float32")
    assert "quantised_sha256" not in exact.spec("float32")
    again = set_up_extractor(small_settings(INT8), scenes())
    assert capsys.readouterr().out == f"{told}.\n"
    assert np.array_equal(again(CLIPS), ours)
    live = load_extractor(folder, made.config, live=True)
    assert np.allclose(live(CLIPS), ours, rtol=1e-3, atol=1e-3 * np.abs(ours).max())
    # Another network in its place is noticed, and so is none.
    (folder / QUANTIZED_WEIGHTS).write_bytes((folder / QUANTIZED_WEIGHTS).read_bytes() + b"0")
    with pytest.raises(LookbackError, match=f"{QUANTIZED}: is missing, or not the one"):
        load_extractor(folder, made.config)
    (folder / QUANTIZED).unlink()
    with pytest.raises(LookbackError, match=r"python -m extract\.quantize --weights"):
        load_extractor(folder, made.config)


def test_what_costs_too_much_is_not_used_and_not_tried_again(
    small_settings, scenes, folder, capsys, monkeypatch
):
    monkeypatch.setattr(quantization, "MIN_COSINE", 1.0)
    monkeypatch.setattr(quantization, "_LEFT_EXACT", (0,))  # each try takes seconds
    made = set_up_extractor(small_settings(INT8), scenes())
    out = capsys.readouterr().out
    assert made.engine.precision == ("bf16" if openvino_engine.processor_has("bf16") else "f32")
    assert (
        "int8 costs this network too much accuracy and is not used: int8 on 8 validation clips"
        in out
    )
    assert f"Using {made.engine.precision} instead." in out
    config = require_config(folder)
    assert config.quantised.sha256 == ""
    assert config.precision == made.engine.precision
    assert not (folder / QUANTIZED).exists()
    monkeypatch.setattr(quantization, "quantize", pytest.fail)
    set_up_extractor(small_settings(INT8), scenes())
    assert "costs this network too much accuracy" in capsys.readouterr().out


def test_a_fine_tuned_network_is_measured_by_its_own_head(
    small_settings, scenes, folder, fine_tuned, monkeypatch
):
    config = fine_tuned.model_copy(update={"labels": ("lower", "raise", "up")})
    labels = config.backbone.model_copy(update={"labels": ("lower", "raise", "up")})
    write_config(folder, config.model_copy(update={"backbone": labels}))
    network = open_network(FolderModel(folder, require_config(folder)))
    cost = quantize(network, scenes(), small_settings(base={}))
    assert cost.classifier == "its own head"
    assert 0 <= cost.accuracy_interval[0] <= cost.accuracy_f32 <= cost.accuracy_interval[1] <= 1


def test_other_weights_have_no_int8_network_yet(small_settings, folder):
    made = set_up_extractor(small_settings({"seed": 1}))
    write_config(folder, made.config.model_copy(update={"quantised": COST}))
    assert set_up_extractor(small_settings({"seed": 1})).config.quantised == COST
    assert set_up_extractor(small_settings({"seed": 2})).config.quantised is None
    with pytest.raises(LookbackError, match="there is no int8 network of these weights"):
        set_up_extractor(small_settings({"seed": 3, **INT8}))


def test_without_nncf_the_mend_is_told(small_settings, scenes, tmp_path, monkeypatch):
    set_up_extractor(small_settings())
    before = require_config(tmp_path / "weights")
    monkeypatch.setattr(quantization, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"needs NNCF; pip install -r requirements-extras\.txt"):
        set_up_extractor(small_settings(INT8), scenes())
    assert require_config(tmp_path / "weights") == before  # nothing of int8 is left behind


def test_clips_that_cannot_be_read_are_an_error(small_settings, scenes, tmp_path):
    manifest = scenes()
    moved = type(manifest)(tmp_path / "manifest.csv", manifest.entries)
    with pytest.raises(LookbackError, match="no training clip can be read"):
        set_up_extractor(small_settings(INT8), moved)


def test_the_cost_is_told_in_one_line():
    assert str(COST) == (
        "int8 on 8 validation clips: cosine to the float32 features 0.9990 (worst clip 0.9950); "
        "clip accuracy of ridge on clip means 0.750 [0.500-1.000] before, 0.625 after"
    )
