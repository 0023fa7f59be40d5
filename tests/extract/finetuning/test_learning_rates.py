"""Learning-rate schedules against their formulas."""

import math

import pytest

from extract.finetuning.learning_rates import learning_rate_at
from recipes.loader import load
from recipes.schema import LearningRateSchedule

BASE, EPOCHS = 0.01, 10


def schedule_of(**keys) -> LearningRateSchedule:
    flags = {f"finetune.learning_rate_schedule.{key}": value for key, value in keys.items()}
    return load(flags=flags).recipe.finetune.learning_rate_schedule


def rate(
    schedule: LearningRateSchedule, elapsed: float, base: float = BASE, reductions: int = 0
) -> float:
    return learning_rate_at(base, schedule, elapsed, EPOCHS, reductions)


@pytest.mark.parametrize("elapsed", [0.01, 1, 5.5, 10, 99])
def test_constant_is_what_the_phase_says(elapsed):
    assert rate(schedule_of(), elapsed) == BASE


def test_cosine_falls_from_the_base_over_its_half_to_the_minimum():
    schedule = schedule_of(kind="cosine", min_learning_rate=0.002)
    assert rate(schedule, 0) == pytest.approx(BASE)
    assert rate(schedule, 5) == pytest.approx(0.006)
    assert rate(schedule, 2.5) == pytest.approx(0.002 + 0.008 * (1 + math.sqrt(0.5)) / 2)
    assert rate(schedule, 10) == pytest.approx(0.002)
    assert rate(schedule, 40) == pytest.approx(0.002)


def test_cosine_takes_the_epochs_that_the_recipe_names():
    schedule = schedule_of(kind="cosine", cosine_epochs=4)
    assert rate(schedule, 2) == pytest.approx(BASE / 2)
    assert rate(schedule, 4) == rate(schedule, 9) == 0


def test_after_the_warm_up_the_cosine_has_the_rest_of_the_epochs():
    schedule = schedule_of(kind="cosine", warmup_epochs=2)
    assert rate(schedule, 2) == pytest.approx(BASE)
    assert rate(schedule, 6) == pytest.approx(BASE / 2)  # the middle of 2 and 10
    assert rate(schedule, 10) == pytest.approx(0)


@pytest.mark.parametrize("kind", ["constant", "cosine", "step", "plateau"])
def test_the_warm_up_rises_in_a_line_from_nothing_whatever_follows(kind):
    schedule = schedule_of(kind=kind, warmup_epochs=0.5, min_learning_rate=0.004)
    rates = [rate(schedule, elapsed, reductions=3) for elapsed in (0.05, 0.25, 0.5)]
    assert rates == pytest.approx([BASE * 0.1, BASE * 0.5, BASE])


def test_a_warm_up_as_long_as_the_run_leaves_the_cosine_no_time():
    schedule = schedule_of(kind="cosine", warmup_epochs=10.0)
    assert rate(schedule, 10) == pytest.approx(BASE)
    assert rate(schedule, 10.5) == 0


def test_step_reduces_after_every_step_epochs():
    schedule = schedule_of(kind="step", step_epochs=3, factor=0.1)
    # The third epoch's last update has 3 epochs behind it and still belongs to the third.
    at = {0.2: 0, 1: 0, 2.9: 0, 3: 0, 3.1: 1, 6: 1, 6.001: 2, 9.5: 3}
    for elapsed, reductions in at.items():
        assert rate(schedule, elapsed) == pytest.approx(BASE * 0.1**reductions), elapsed


def test_plateau_multiplies_by_the_factor_at_every_reduction():
    schedule = schedule_of(kind="plateau", factor=0.5)
    assert [rate(schedule, 4.2, reductions=reductions) for reductions in range(4)] == pytest.approx(
        [0.01, 0.005, 0.0025, 0.00125]
    )


@pytest.mark.parametrize("kind", ["cosine", "step", "plateau"])
def test_no_group_falls_below_the_minimum_nor_is_one_below_it_raised(kind):
    schedule = schedule_of(kind=kind, min_learning_rate=1e-3, step_epochs=1)
    assert rate(schedule, 10, base=0.01, reductions=9) == pytest.approx(1e-3)
    assert rate(schedule, 10, base=1e-4, reductions=9) == pytest.approx(1e-4)
    assert rate(schedule, 0.5, base=1e-4) == pytest.approx(1e-4)
