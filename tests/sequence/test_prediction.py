import numpy as np
import pytest

from model_folder.config import read_config
from sequence import prediction
from sequence.model import build_sequence_model
from sequence.prediction import Predictor, load_mean_predictor, load_predictor, softmax
from sequence.windows import windows


def test_softmax_sums_to_1_and_stands_large_logits():
    logits = np.array([[1e4, 0.0, -1e4], [1.0, 2.0, 3.0]], np.float32)
    probabilities = softmax(logits)
    assert probabilities.dtype == np.float64
    np.testing.assert_allclose(probabilities.sum(1), 1.0, rtol=1e-15)
    np.testing.assert_allclose(probabilities[1], np.exp([1, 2, 3]) / np.exp([1, 2, 3]).sum())


def test_a_temperature_divides_the_logits():
    logits = np.array([1.0, 2.0, 4.0])
    np.testing.assert_allclose(softmax(logits, 2.0), softmax(logits / 2.0))


def test_predictions_at_every_step_are_those_of_its_window_however_they_are_cut(monkeypatch):
    predictor = Predictor(build_sequence_model("lstm", 5, 4, 3, (8,), 0.5, True), 5, 2.0)
    features = np.random.default_rng(0).normal(size=(23, 4)).astype("float32")
    together = predictor.of_steps(features)
    assert together.shape == (23, 3)
    one_by_one = [predictor.probabilities(row[None])[0] for row in windows(features, 5)]
    np.testing.assert_allclose(one_by_one, together, atol=1e-6)
    monkeypatch.setattr(prediction, "WINDOWS_AT_ONCE", 4)
    np.testing.assert_allclose(predictor.of_steps(features), together, atol=1e-6)


def test_a_model_folder_gives_back_what_training_left(project):
    config = read_config(project.weights)
    predictor, average = (
        load(project.weights, config) for load in (load_predictor, load_mean_predictor)
    )
    assert predictor.look_back == average.look_back == config.sequence.look_back == 6
    assert predictor.temperature == config.sequence.temperature
    assert average.temperature == config.sequence.mean_temperature
    deviation = np.asarray(predictor.model.get_layer("standardise").deviation)
    assert deviation.shape == (1024,)
    assert not np.allclose(deviation, 1.0)  # the training set's, not those of a fresh layer


@pytest.mark.parametrize("head", ["lstm", "mean"])
def test_the_validation_measures_are_those_of_the_weights_that_were_saved(head, project):
    import json

    from clips.manifest import read
    from extract.feature_store.reader import FeatureStore
    from sequence.dataset import Dataset
    from sequence.evaluation import measured, outcome_of

    config = read_config(project.weights)
    load = load_predictor if head == "lstm" else load_mean_predictor
    predictor = load(project.weights, config)
    manifest = read(project.data / "manifest.csv")
    with FeatureStore(project.data / "features.h5") as store:
        dataset = Dataset(store, manifest, predictor.look_back)
        pieces = dataset.split("val")
        outcome = outcome_of(head, predictor, dataset, pieces)
        found = measured(outcome, pieces, dataset.labels, 100, 0)
    told = json.loads((project.weights / "metrics.json").read_text())
    told = told if head == "lstm" else told["baselines"]["mean"]
    for part in ("clip", "window"):
        assert found[part]["log_loss"] == pytest.approx(told[part]["log_loss"], abs=1e-5)
        assert found[part]["confusion"] == told[part]["confusion"]
