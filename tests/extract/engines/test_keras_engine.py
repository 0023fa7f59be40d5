"""Keras engine: parity with the model, constant batch shape, bit-exact features."""

import numpy as np
import pytest

from extract.backbones import build
from extract.engines.keras_engine import KerasEngine

CLIPS = np.random.default_rng(0).integers(0, 256, (40, 1, 48, 48, 3), np.uint8)


@pytest.fixture(scope="module")
def model():
    return build("tiny", "none", side=48)


@pytest.fixture(scope="module")
def engine(model) -> KerasEngine:
    return KerasEngine(model, 16)


@pytest.fixture(scope="module")
def direct(model) -> np.ndarray:
    return np.asarray(model(CLIPS))


def relative(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one - other).max() / np.abs(other).max())


def test_features_equal_the_model_for_any_number_of_clips(engine, direct):
    for length in range(1, 41):
        features, case = engine(CLIPS[:length]), f"{length} clips"
        assert features.shape == (length, 128), case
        assert features.dtype == np.float32, case
        assert relative(features, direct[:length]) < 1e-5, case


@pytest.mark.parametrize("batch_size", [1, 2, 7, 8, 9])
def test_features_do_not_depend_on_the_batch_size(model, direct, batch_size):
    assert relative(KerasEngine(model, batch_size)(CLIPS[:19]), direct[:19]) < 1e-5


def test_features_are_bit_exact_on_repetition(engine, model):
    for length in (1, 5, 13, 16, 29):
        features = engine(CLIPS[:length])
        assert np.array_equal(engine(CLIPS[:length]), features)
        assert np.array_equal(KerasEngine(model, 16)(CLIPS[:length]), features)


def test_default_batch_has_about_32_frames():
    from training.keras_backend import keras

    def pooled(length: int) -> keras.Model:
        inputs = keras.Input((length, 8, 8, 3), dtype="uint8")
        return keras.Model(inputs, keras.layers.Flatten()(inputs))

    sizes = [KerasEngine(pooled(length)).batch_size for length in (1, 4, 13, 64)]
    assert sizes == [32, 8, 2, 1]
    assert KerasEngine(pooled(4), 5).batch_size == 5


def test_no_clips_give_no_features(engine):
    features = engine(CLIPS[:0])
    assert features.shape == (0, 128)
    assert features.dtype == np.float32


def test_feature_bits_depend_on_the_clip_only(engine):
    """They do not depend on the rest of the batch, because batches are filled across videos."""
    features = engine(CLIPS)
    backwards = engine(CLIPS[::-1])[::-1]
    assert np.array_equal(backwards, features)
    for number in (0, 7, 15, 39):
        assert np.array_equal(engine(CLIPS[number : number + 1])[0], features[number])


def test_all_calls_have_one_batch_shape(model, monkeypatch):
    lengths = []
    predict = model.predict_on_batch

    def recorded(clips):
        lengths.append(len(clips))
        return predict(clips)

    engine = KerasEngine(model, 16)
    monkeypatch.setattr(model, "predict_on_batch", recorded)
    for length in range(1, 41):
        lengths.clear()
        engine(CLIPS[:length])
        assert lengths == [16] * -(-length // 16)


def test_network_runs_in_inference_mode(model):
    """Dropout and batch normalization behave as in inference, not as in training."""
    from training.keras_backend import keras

    inputs = keras.Input((1, 48, 48, 3), dtype="uint8")
    dropped = keras.layers.Dropout(0.9)(keras.ops.cast(inputs, "float32"))
    engine = KerasEngine(keras.Model(inputs, keras.layers.Flatten()(dropped)), 8)
    assert np.array_equal(engine(CLIPS[:3]), CLIPS[:3].reshape(3, -1).astype(np.float32))
