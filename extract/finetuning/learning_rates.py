"""How learning rates go on within a run: warm-up, then constant, cosine, step or plateau.

Cosine: Loshchilov and Hutter 2016, without restarts. All work on epochs and parts of them, so that
a batch size changes nothing.
"""

import math

from recipes.schema import LearningRateSchedule


def learning_rate_at(
    base: float, schedule: LearningRateSchedule, elapsed: float, length: float, cuts: int = 0
) -> float:
    """Return the learning rate of an update.

    Args:
        base: what the schedule's phase says.
        schedule: its course from there.
        elapsed: epochs since the course began, up to this update's end.
        length: epochs that the cosine takes where the recipe names no number.
        cuts: how often a plateau has cut so far.
    """
    if elapsed <= schedule.warmup_epochs:
        return base * elapsed / schedule.warmup_epochs if schedule.warmup_epochs else base
    floor = min(schedule.min_learning_rate, base)
    if schedule.kind == "cosine":
        whole = (schedule.cosine_epochs or length) - schedule.warmup_epochs
        share = min((elapsed - schedule.warmup_epochs) / max(whole, 1e-9), 1.0)
        return floor + (base - floor) * 0.5 * (1 + math.cos(math.pi * share))
    if schedule.kind == "step":
        # An update belongs to the epoch that it ends in.
        return max(
            floor, base * schedule.factor ** ((math.ceil(elapsed) - 1) // schedule.step_epochs)
        )
    if schedule.kind == "plateau":
        return max(floor, base * schedule.factor**cuts)
    return base


class Plateau:
    """Counts the cuts of `kind: plateau`: one when more than `patience` epochs have passed
    without a better validation score, and then again."""

    def __init__(self, patience: int) -> None:
        self._patience = patience
        self.waited = 0
        self.cuts = 0

    def epoch_done(self, better: bool) -> None:
        self.waited = 0 if better else self.waited + 1
        if self.waited > self._patience:
            self.waited, self.cuts = 0, self.cuts + 1
