"""Choice of the pooling by validation clips: `sequence.pooling: auto`."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from clips.manifest import BACKGROUND
from metrics.pooling import RULES, Rule
from recipes.schema import Sequence
from sequence.dataset import Dataset, LabeledSegment
from sequence.pooling import events_of
from sequence.training import fit, window_logits


@dataclass(frozen=True)
class Candidate:
    """A rule with the result of its model on the validation clips.

    Attributes:
        rule: Name of the rule.
        losses: Log loss of each clip: (n,).
        accuracy: Clip accuracy, 0..1; the mean average precision with several classes per clip.
        advantage: How much lower the mean loss is than that of `mean`.
        error: Standard error of `advantage`, over groups.
    """

    rule: Rule
    losses: np.ndarray
    accuracy: float
    advantage: float = 0.0
    error: float = 0.0

    @property
    def loss(self) -> float:
        """Log loss of the clips."""
        return float(self.losses.mean())


def choose_pooling(
    dataset: Dataset,
    training: list[LabeledSegment],
    validation: list[LabeledSegment],
    chosen: Sequence,
    seed: int,
    log: Callable[[str], object] = lambda line: None,
) -> Sequence:
    """Return the settings with the pooling that `auto` stands for; others are returned as they are.

    A model is trained with each rule. The rule with the lowest log loss on the validation clips is
    taken if it beats `mean` by more than a standard error; otherwise it is a tie, which takes
    `mean`. Without events there is no `top`.

    Args:
        dataset: Features and labels.
        training: Segments for training.
        validation: Segments for validation.
        chosen: Settings of the model and its training.
        seed: Random seed of every training.
        log: Function that receives the lines of the table and the choice.

    Raises:
        UsageError: `sequence.events` does not fit to the labels.
    """
    if chosen.pooling != "auto":
        return chosen
    rules = RULES
    if not events_of(chosen, dataset.labels, dataset.task):
        rules = tuple(rule for rule in RULES if rule != "top")
        log(f"No label is named {BACKGROUND}, so top is left out; sequence.events names events.")
    candidates: list[Candidate] = []
    for rule in rules:
        fixed = chosen.model_copy(update={"pooling": rule})
        candidates.append(_measured(rule, dataset, training, validation, fixed, seed))
    groups = [segment.group for segment in validation]
    compared = [_compared(each, candidates[0], groups) for each in candidates]
    best = best_of(compared)
    for line in _table(compared, best, dataset.task.score_title):
        log(line)
    return chosen.model_copy(update={"pooling": best.rule})


def best_of(candidates: list[Candidate]) -> Candidate:
    """Return the candidate with the lowest loss, or the first, `mean`, if that is a tie.

    Args:
        candidates: Candidates, compared with the first.
    """
    best = min(candidates, key=lambda each: each.loss)
    return best if best.advantage > best.error else candidates[0]


def _measured(
    rule: Rule,
    dataset: Dataset,
    training: list[LabeledSegment],
    validation: list[LabeledSegment],
    chosen: Sequence,
    seed: int,
) -> Candidate:
    predictor = fit(dataset, training, validation, chosen, seed)
    answers = window_logits(predictor, dataset, validation)
    probabilities = answers.clip_probabilities(predictor.temperature)
    targets, task = dataset.targets(validation), dataset.task
    return Candidate(
        rule, task.losses(probabilities, targets), task.main_score(probabilities, targets)
    )


def _compared(candidate: Candidate, first: Candidate, groups: list[str]) -> Candidate:
    """Return a candidate with its advantage over the first one."""
    gains = first.losses - candidate.losses
    number = np.unique(groups, return_inverse=True)[1]
    # Clips of a group are similar, so groups are the independent units.
    sums = np.bincount(number, gains - gains.mean())
    count = len(sums)
    error = np.sqrt((sums**2).sum() * count / (count - 1)) / len(gains) if count > 1 else np.inf
    return Candidate(
        candidate.rule, candidate.losses, candidate.accuracy, float(gains.mean()), float(error)
    )


def _table(candidates: list[Candidate], best: Candidate, score: str) -> list[str]:
    lines = [f"{'pooling':<12}{'log loss':>10}{score:>10}   lower than mean by (validation)"]
    for each in candidates:
        gain = "" if each is candidates[0] else f"   {each.advantage:.3f} +- {each.error:.3f}"
        lines.append(f"{each.rule:<12}{each.loss:>10.3f}{each.accuracy:>10.3f}{gain}")
    why = "" if best is not candidates[0] else ", which no other beats by a standard error"
    return [*lines, f"pooling: {best.rule}{why}"]
