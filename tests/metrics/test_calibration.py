"""Softmax, log loss and temperature fitting."""

import numpy as np
import pytest

from metrics.calibration import (
    calibration_error,
    chance_error,
    clip_means,
    fit_temperature,
    log_loss,
    softmax,
)


def test_softmax_is_exact_for_large_logits():
    found = softmax(np.array([[1000.0, 1000.0], [-5000.0, 0.0]], np.float32))
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, [[0.5, 0.5], [0.0, 1.0]])


def test_softmax_divides_logits_by_the_temperature():
    logits = np.random.default_rng(0).normal(size=(5, 4))
    np.testing.assert_allclose(softmax(logits, 2.5), softmax(logits / 2.5), rtol=1e-12)
    np.testing.assert_allclose(softmax(logits, 2.5).sum(1), 1, rtol=1e-12)


def test_clip_means_average_any_number_of_rows_per_clip():
    values = np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5], [0.25, 0.75]])
    np.testing.assert_array_equal(
        clip_means(values, np.array([1, 0, 1, 1])), [[0.0, 1.0], [1.75 / 3, 1.25 / 3]]
    )


def test_log_loss_of_a_zero_probability_is_finite():
    assert log_loss(np.array([[1.0, 0.0]]), np.array([1])) == pytest.approx(-np.log(1e-12))


@pytest.mark.parametrize(("factor", "wanted"), [(1.0, 1.0), (3.0, 3.0), (100.0, 5.0), (0.01, 0.5)])
def test_fit_temperature_recovers_the_scale_of_the_logits_within_its_bounds(factor, wanted):
    """Targets sampled from the softmax itself: temperature 1 is calibrated."""
    random = np.random.default_rng(1)
    logits = random.normal(size=(4000, 3)) * 1.5
    targets = np.array([random.choice(3, p=row) for row in softmax(logits)])
    found = fit_temperature(lambda t: softmax(logits * factor, t), targets)
    assert found == pytest.approx(wanted, rel=0.08)


def test_the_error_of_chance_is_that_of_drawn_hits():
    """One bin of two predictions by hand: 0, 1 or 2 are right, and 1.5 are expected."""
    found = chance_error(np.array([0.75, 0.75]), draws=200_000)
    # The gaps are 0.75, 0.25 and 0.25 with the probabilities 1/16, 6/16 and 9/16.
    assert found.mean == pytest.approx(0.75 / 16 + 0.25 * 15 / 16, abs=2e-3)
    assert (found.low, found.high) == pytest.approx((0.25, 0.75))
    assert chance_error(np.ones(9)).mean == 0


def test_the_error_of_chance_falls_with_the_number_of_predictions():
    random = np.random.default_rng(0)
    few, many = random.uniform(0.5, 1, 50), random.uniform(0.5, 1, 40_000)
    assert chance_error(few).mean > 0.06
    simulated = [calibration_error(many, random.random(len(many)) < many) for _ in range(100)]
    assert chance_error(many).mean == pytest.approx(np.mean(simulated), rel=0.1)
