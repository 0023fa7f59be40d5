"""Learning-rate schedules: linear warm-up, then constant, cosine, step or plateau.

Cosine: Loshchilov and Hutter 2016, without restarts. All schedules are functions of the time in
epochs, so they do not depend on the batch size.
"""

import math

from recipes.schema import LearningRateSchedule


def learning_rate_at(
    base: float,
    schedule: LearningRateSchedule,
    elapsed: float,
    length: float,
    reductions: int = 0,
) -> float:
    """Return the learning rate of an update.

    Args:
        base: Learning rate of the phase.
        schedule: The schedule.
        elapsed: Epochs from the start of the schedule to the end of this update.
        length: Epochs of the cosine if the recipe has no `cosine_epochs`.
        reductions: Reductions by a plateau so far.
    """
    if elapsed <= schedule.warmup_epochs:
        return base * elapsed / schedule.warmup_epochs if schedule.warmup_epochs else base
    floor = min(schedule.min_learning_rate, base)
    if schedule.kind == "cosine":
        decay_epochs = (schedule.cosine_epochs or length) - schedule.warmup_epochs
        progress = min((elapsed - schedule.warmup_epochs) / max(decay_epochs, 1e-9), 1.0)
        return floor + (base - floor) * 0.5 * (1 + math.cos(math.pi * progress))
    if schedule.kind == "step":
        # `elapsed` is the end of the update: 3.0 still belongs to the third epoch.
        steps = (math.ceil(elapsed) - 1) // schedule.step_epochs
        return max(floor, base * schedule.factor**steps)
    if schedule.kind == "plateau":
        return max(floor, base * schedule.factor**reductions)
    return base
