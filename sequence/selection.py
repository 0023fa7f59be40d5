"""Choice of input and head by cross-validation on train and val; the test split is not used.

`backbone.input: auto` compares features of frames with those of change pictures, and
`sequence.head: auto` compares heads. Every combination is trained and tested on the same folds over
groups.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from metrics.task import Task, task_of_report, task_of_targets
from recipes.schema import Recipe, Sequence
from sequence.comparison import difference_to
from sequence.cross_validation import heads_of
from sequence.dataset import Dataset, LabeledSegment, targets_of
from sequence.evaluation import predict
from sequence.experiment import Experiment
from sequence.folds import make_folds, max_folds, split_validation
from sequence.pooling_choice import choose_pooling
from sequence.training import fit
from video.console import logger, progress_bar
from video.errors import LookbackError

_LOG = logger(__name__)

_FOLDS = 5


@dataclass(frozen=True)
class Selection:
    """The input and the head to train.

    Attributes:
        experiment: Experiment with the features of the input.
        sequence: Settings with the head.
        report: Result of the comparison, as in metrics.json; None if there was nothing to compare.
    """

    experiment: Experiment
    sequence: Sequence
    report: dict | None = None


@dataclass(frozen=True)
class Candidate:
    """A combination of input and head.

    Attributes:
        experiment: Experiment with the features of the input.
        dataset: Dataset of these features.
        sequence: Settings with the head.
    """

    experiment: Experiment
    dataset: Dataset
    sequence: Sequence

    @property
    def names(self) -> dict[str, str]:
        """The input and the head by name."""
        return {"input": self.experiment.input, "head": self.sequence.head}

    def __str__(self) -> str:
        return f"{self.experiment.input}, {self.sequence.head}"


def select(experiment: Experiment, recipe: Recipe) -> Selection:
    """Return the combination of input and head with the best main score in a cross-validation.

    The score is the clip accuracy, or the mean average precision with several classes per clip. Of
    equally good ones it is the first: frames before change pictures, and the heads in the order of
    `sequence.model.AUTO_HEADS`. Without `auto` there is nothing to compare.

    Args:
        experiment: Experiment, with both inputs for `backbone.input: auto`.
        recipe: Recipe with the settings of the second stage.

    Raises:
        LookbackError: The clips of train and val have too few groups for two folds.
    """
    heads = heads_of(recipe.sequence)
    if len(experiment.inputs) * len(heads) == 1:
        return Selection(experiment, recipe.sequence)
    look_back = experiment.look_back(recipe)
    candidates = []
    for each in experiment.inputs:
        dataset = each.dataset(look_back)
        for head in heads:
            sequence = recipe.sequence.model_copy(update={"head": head})
            candidates.append(Candidate(each, dataset, sequence))
    report = _compare(candidates, recipe)
    found = [row[candidates[0].dataset.task.score] for row in report["candidates"]]
    best = candidates[int(np.argmax(found))]  # argmax returns the first of equal ones
    report["chosen"] = best.names
    _LOG.info(selection_summary(report))
    return Selection(replace(best.experiment, alternative=None), best.sequence, report)


def _compare(candidates: list[Candidate], recipe: Recipe) -> dict:
    """Return the metrics of the candidates, the first as the reference of differences."""
    parts = common_segments([candidate.dataset for candidate in candidates])
    reference, seed = parts[0], recipe.seed
    try:
        folds = max(2, min(_FOLDS, max_folds(reference)))
        splits = list(fold_parts(reference, folds, seed))
    except LookbackError:  # it is about --folds, which is no flag of training
        raise LookbackError(
            f"{candidates[0].experiment.manifest.path}: train and val have too few groups of clips "
            "to compare inputs or heads by cross-validation; name --input and --head instead of "
            "auto"
        ) from None
    place = {id(segment): number for number, segment in enumerate(reference)}
    tested: list[LabeledSegment] = []
    answers: list[list[np.ndarray]] = [[] for _ in candidates]
    for fold, split in enumerate(progress_bar(splits, "compare", unit="fold")):
        numbers = [[place[id(segment)] for segment in part] for part in split]
        for candidate, segments, answer in zip(candidates, parts, answers, strict=True):
            training, validation, test = ([segments[n] for n in part] for part in numbers)
            dataset, fold_seed = candidate.dataset, seed + fold * recipe.sequence.ensemble
            chosen = choose_pooling(dataset, training, validation, candidate.sequence, fold_seed)
            predictor = fit(dataset, training, validation, chosen, fold_seed)
            answer.append(predict(chosen.head, predictor, dataset, test).clip)
        tested += split[2]
    joined = [np.concatenate(answer) for answer in answers]
    return {
        "folds": folds,
        "clips": len(tested),
        "groups": len({segment.group for segment in tested}),
        "seed": seed,
        "candidates": [
            {**candidate.names, **_measured(clip, joined[0], tested, recipe)}
            for candidate, clip in zip(candidates, joined, strict=True)
        ],
    }


def _measured(
    clip: np.ndarray, reference: np.ndarray, segments: list[LabeledSegment], recipe: Recipe
) -> dict:
    targets = targets_of(segments, clip.shape[1])
    task, groups = task_of_targets(targets), [segment.group for segment in segments]
    resamples, seed = recipe.evaluate.bootstrap, recipe.seed
    return {
        task.score: task.main_score(clip, targets),
        f"{task.score}_interval": task.interval([clip], targets, groups, resamples, seed).limits,
        "log_loss": task.loss(clip, targets),
        "difference_to_first": difference_to(reference, clip, segments, resamples, seed),
    }


def fold_parts(
    segments: list[LabeledSegment], folds: int, seed: int
) -> Iterator[tuple[list[LabeledSegment], list[LabeledSegment], list[LabeledSegment]]]:
    """Yield (training, validation, test) of every fold."""
    for rest, test in make_folds(segments, folds, seed):
        yield *split_validation(rest, seed), test


def common_segments(datasets: list[Dataset]) -> list[list[LabeledSegment]]:
    """Return the segments of train and val of each dataset that all datasets have, in one order.

    A segment can be too short for a change picture, and steps of two inputs are numbered
    differently, so segments are matched by their start in seconds.
    """
    known = [
        {
            (segment.video, segment.target, segment.start): segment
            for segment in dataset.segments
            if segment.split != "test"
        }
        for dataset in datasets
    ]
    common = [key for key in known[0] if all(key in keyed for keyed in known)]
    return [[keyed[key] for key in common] for keyed in known]


def selection_summary(report: dict) -> str:
    """Return a table of the compared combinations, and a sentence with the choice.

    Args:
        report: Comparison, see `Selection.report`.
    """
    rows, chosen = report["candidates"], report["chosen"]
    task = task_of_report(rows[0])
    score = f"clip {task.score_title}"
    lines = [
        f"Comparison by {report['folds']} folds over the {report['groups']} groups of train and "
        f"val ({report['clips']} clips):",
        "",
        f"{'input':<8}{'head':<18}{score:>14}{'95 % interval':>17}{'log loss':>10}"
        f"   difference to the first",
    ]
    for number, row in enumerate(rows):
        low, high = row[f"{task.score}_interval"]
        gain = _difference(row["difference_to_first"], task) if number else ""
        lines.append(
            f"{row['input']:<8}{row['head']:<18}{row[task.score]:>14.3f}"
            f"{f'{low:.3f} - {high:.3f}':>17}{row['log_loss']:>10.3f}   {gain}".rstrip()
        )
    best = next(row for row in rows if {**row, **chosen} == row)
    name = f"{chosen['input']} with {chosen['head']}"
    if best is rows[0]:
        return "\n".join([*lines, "", f"{name} is used: no other is better."])
    difference = _difference(best["difference_to_first"], task)
    first = f"{rows[0]['input']} with {rows[0]['head']}"
    return "\n".join(
        [*lines, "", f"{name} is used: {difference} over {first}; the interval is paired."]
    )


def _difference(difference: dict, task: Task) -> str:
    low, high = difference["interval"]
    return f"{difference[task.score]:+.3f} ({low:+.3f} to {high:+.3f})"
