"""The engine gives what the model gives, for any number of clips."""

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


def test_any_length_gives_the_rows_of_the_model(engine, direct):
    for length in range(1, 41):
        features, case = engine(CLIPS[:length]), f"{length} clips"
        assert features.shape == (length, 128), case
        assert features.dtype == np.float32, case
        assert relative(features, direct[:length]) < 1e-5, case


@pytest.mark.parametrize("batch_size", [1, 2, 7, 8, 9])
def test_the_batch_size_changes_no_feature(model, direct, batch_size):
    assert relative(KerasEngine(model, batch_size)(CLIPS[:19]), direct[:19]) < 1e-5


def test_the_same_clips_give_the_same_bits(engine, model):
    for length in (1, 5, 13, 16, 29):
        features = engine(CLIPS[:length])
        assert np.array_equal(engine(CLIPS[:length]), features)
        assert np.array_equal(KerasEngine(model, 16)(CLIPS[:length]), features)


def test_a_batch_has_as_many_clips_as_have_32_frames_unless_one_says_otherwise():
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


def test_the_bits_of_a_feature_depend_on_its_clip_alone(engine):
    """Not on its place in the batch, nor on its neighbours: batches are filled across videos."""
    features = engine(CLIPS)
    backwards = engine(CLIPS[::-1])[::-1]
    assert np.array_equal(backwards, features)
    for number in (0, 7, 15, 39):
        assert np.array_equal(engine(CLIPS[number : number + 1])[0], features[number])


def test_one_shape_is_compiled(model, monkeypatch):
    lengths = []
    predict = model.predict_on_batch

    def counted(clips):
        lengths.append(len(clips))
        return predict(clips)

    engine = KerasEngine(model, 16)
    monkeypatch.setattr(model, "predict_on_batch", counted)
    for length in range(1, 41):
        lengths.clear()
        engine(CLIPS[:length])
        assert lengths == [16] * -(-length // 16)


def test_the_network_runs_for_inference(model):
    """Dropout and batch normalisation behave as when they are used, not as when trained."""
    from training.keras_backend import keras

    inputs = keras.Input((1, 48, 48, 3), dtype="uint8")
    dropped = keras.layers.Dropout(0.9)(keras.ops.cast(inputs, "float32"))
    engine = KerasEngine(keras.Model(inputs, keras.layers.Flatten()(dropped)), 8)
    assert np.array_equal(engine(CLIPS[:3]), CLIPS[:3].reshape(3, -1).astype(np.float32))
