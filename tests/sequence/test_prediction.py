"""Predictor: probabilities at every step, and loading from a model folder."""

import numpy as np
import pytest

from metrics.calibration import softmax
from model_folder.config import read_config
from sequence import prediction
from sequence.model import build_sequence_model
from sequence.prediction import Predictor, load_mean_predictor, load_predictor
from sequence.windows import windows
from video.errors import LookbackError


def test_softmax_sums_to_1_also_for_large_logits():
    logits = np.array([[1e4, 0.0, -1e4], [1.0, 2.0, 3.0]], np.float32)
    probabilities = softmax(logits)
    assert probabilities.dtype == np.float64
    np.testing.assert_allclose(probabilities.sum(1), 1.0, rtol=1e-15)
    np.testing.assert_allclose(probabilities[1], np.exp([1, 2, 3]) / np.exp([1, 2, 3]).sum())


def test_softmax_divides_logits_by_the_temperature():
    logits = np.array([1.0, 2.0, 4.0])
    np.testing.assert_allclose(softmax(logits, 2.0), softmax(logits / 2.0))


def test_predict_steps_equals_single_windows_for_any_batch_size(monkeypatch):
    predictor = Predictor(build_sequence_model("lstm", 5, 4, 3, (8,), 0.5, True), 5, 2.0)
    features = np.random.default_rng(0).normal(size=(23, 4)).astype("float32")
    together = predictor.predict_steps(features)
    assert together.shape == (23, 3)
    one_by_one = [predictor.probabilities(row[None])[0] for row in windows(features, 5)]
    np.testing.assert_allclose(one_by_one, together, atol=1e-6)
    monkeypatch.setattr(prediction, "WINDOWS_AT_ONCE", 4)
    np.testing.assert_allclose(predictor.predict_steps(features), together, atol=1e-6)


def test_predictors_of_a_model_folder_are_the_trained_ones(project):
    config = read_config(project.weights)
    predictor, average = (
        load(project.weights, config) for load in (load_predictor, load_mean_predictor)
    )
    assert predictor.look_back == average.look_back == config.sequence.look_back == 6
    assert predictor.temperature == config.sequence.temperature
    assert average.temperature == config.sequence.mean_temperature
    std = np.asarray(predictor.model.get_layer("standardise").std)
    assert std.shape == (1024,)
    assert not np.allclose(std, 1.0)  # of the training set, not of a new layer


@pytest.mark.parametrize("head", ["lstm", "mean"])
def test_validation_metrics_belong_to_the_saved_weights(head, project):
    import json

    from clips.manifest import read
    from extract.feature_store.reader import FeatureStore
    from sequence.dataset import Dataset
    from sequence.evaluation import measure, predict

    config = read_config(project.weights)
    load = load_predictor if head == "lstm" else load_mean_predictor
    predictor = load(project.weights, config)
    manifest = read(project.data / "manifest.csv")
    with FeatureStore(project.data / "features") as store:
        dataset = Dataset(store, manifest, predictor.look_back)
        segments = dataset.split("val")
        predictions = predict(head, predictor, dataset, segments)
        found = measure(predictions, segments, dataset.labels, 100, 0)
    saved = json.loads((project.weights / "metrics.json").read_text())
    saved = saved if head == "lstm" else saved["baselines"]["mean"]
    for part in ("clip", "window"):
        assert found[part]["log_loss"] == pytest.approx(saved[part]["log_loss"], abs=1e-5)
        assert found[part]["confusion"] == saved[part]["confusion"]


@pytest.mark.parametrize(
    ("values", "problem"),
    [({"events": ("fell",)}, "fell"), ({"pooling": "top"}, "is empty")],
)
def test_events_that_are_no_labels_are_one_line(values, problem, project):
    config = read_config(project.weights)
    changed = config.model_copy(update={"sequence": config.sequence.model_copy(update=values)})
    with pytest.raises(LookbackError, match=rf"model\.yaml: sequence\.events {problem}"):
        load_predictor(project.weights, changed)
