"""The same model with the steps of its windows in random order."""

import numpy as np
import pytest

from metrics.pooling import MEAN
from sequence.evaluation import predict
from sequence.evaluation_time import Draws, ShuffledPredictor, measure_shuffled, time_remark
from sequence.prediction import Predictor
from tests.sequence.stores import Clip, dataset_of
from training.keras_backend import keras


class Rises(Predictor):
    """Says `b` if the last step of a window is greater than the first."""

    def __init__(self, look_back: int = 4) -> None:
        super().__init__(keras.Sequential([]), look_back, pooling=MEAN)

    def logits(self, batch: np.ndarray) -> np.ndarray:
        rise = batch[:, -1, 0] - batch[:, 0, 0]
        return np.stack([-rise, rise], axis=1)


class Largest(Rises):
    """Says `b` if a window has a value above 20: the order does not matter."""

    def logits(self, batch: np.ndarray) -> np.ndarray:
        high = batch.max((1, 2)) - 20
        return np.stack([-high, high], axis=1)


@pytest.fixture
def moving(tmp_path):
    """Clips of six steps that fall (a) or rise (b); those that rise are above 20."""
    rows = np.arange(6, dtype=np.float32)[:, None]
    clips = [Clip(f"a{n}", 10 - rows, "a", "test") for n in range(12)]
    clips += [Clip(f"b{n}", 30 + rows, "b", "test") for n in range(12)]
    return dataset_of(tmp_path, clips, look_back=4)


def measured(predictor: Predictor, dataset, count: int = 4) -> tuple[float, dict | None]:
    segments = dataset.segments
    head = predict("lstm", predictor, dataset, segments)
    targets = [segment.target for segment in segments]
    shuffled = measure_shuffled(head, predictor, dataset, segments, Draws(count, 3), "all", 100)
    return float((head.clip.argmax(1) == targets).mean()), shuffled


def test_a_model_that_uses_the_order_loses_it(moving):
    accuracy, shuffled = measured(Rises(), moving)
    assert accuracy == 1
    assert 0.2 < shuffled["clip"]["accuracy"] < 0.8
    assert shuffled["clip"]["accuracy"] == pytest.approx(np.mean(shuffled["accuracies"]))
    assert len(set(shuffled["accuracies"])) > 1  # each draw has other orders
    low, high = shuffled["difference_to_head"]["interval"]
    assert low < shuffled["clip"]["accuracy"] - 1 < high < 0
    said = time_remark("lstm", accuracy, shuffled)
    assert said.startswith("With the steps of each window in random order, lstm has ")
    assert said.endswith("it uses time: order or speed.")
    assert time_remark("mean", 1.0, shuffled).endswith("it uses how fast the features change.")
    assert measured(Rises(), moving)[1] == shuffled  # the seed decides


def test_a_model_that_does_not_use_it_stays_the_same(moving):
    accuracy, shuffled = measured(Largest(), moving)
    assert (accuracy, shuffled["accuracies"]) == (1, [1, 1, 1, 1])
    assert time_remark("lstm", 1.0, shuffled).endswith("do not show that it uses time.")


def test_all_features_of_a_step_move_together():
    batch = np.arange(24.0).reshape(2, 4, 3)
    seen = []
    inner = Rises()
    inner.logits = lambda rows: seen.append(rows) or np.zeros((len(rows), 2))
    ShuffledPredictor(inner, 0).logits(batch)
    assert not np.array_equal(seen[0], batch)
    for before, after in zip(batch, seen[0], strict=True):
        assert sorted(map(tuple, after)) == sorted(map(tuple, before))


def test_a_window_of_one_step_has_no_order(moving):
    assert measured(Rises(look_back=1), moving)[1] is None
    assert measured(Rises(), moving, count=0)[1] is None
