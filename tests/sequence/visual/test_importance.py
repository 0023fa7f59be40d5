"""Importance of steps, against a model whose important step is known."""

import numpy as np

from metrics.calibration import softmax
from sequence.visual.importance import step_importance


class OneStep:
    """Looks at one step of the window alone."""

    def __init__(self, step: int) -> None:
        self.step = step

    def probabilities(self, batch: np.ndarray) -> np.ndarray:
        value = batch[:, self.step, 0]
        return softmax(np.stack([value, -value], 1))


def test_only_the_step_that_the_model_looks_at_is_important():
    windows = np.zeros((5, 4, 2), np.float32)
    windows[:, 2, 0] = 3.0
    importance = step_importance(OneStep(2), windows)
    assert importance[2] > 0.4
    np.testing.assert_allclose(importance[[0, 1, 3]], 0, atol=1e-9)


def test_a_step_that_repeats_its_neighbor_has_no_importance_of_its_own():
    windows = np.full((3, 4, 2), 2.0, np.float32)
    np.testing.assert_allclose(step_importance(OneStep(1), windows), 0, atol=1e-9)
