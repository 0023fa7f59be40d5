"""What a split is worth: the same clips with groups kept whole, and with groups ignored.

A split by clip puts clips of one recording into training and test. Its score then tells how well a
model knows these recordings, not how well it does on new ones. Linear baselines are cheap enough to
show the difference in every report: both kinds of folds have all clips, the same number of folds
and the same seeds, and differ only in what stays together.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from threadpoolctl import threadpool_limits

from clips.manifest.time_blocks import time_blocks
from metrics.task import task_of_report
from recipes.commands import command
from recipes.schema import Recipe
from sequence.baselines import MOTION, available_baselines, fit_baseline
from sequence.comparison import mean_score, paired_difference
from sequence.dataset import Dataset, LabeledSegment
from sequence.evaluation_setup import Tested
from sequence.experiment import Experiment
from sequence.folds import make_folds, max_folds, split_validation
from sequence.grouping import PROPOSED, Grouping, grouping_of
from video.errors import LookbackError

SPLIT_CHECK = "split_check"
_FOLDS, _REPEATS = 5, 3
_MOST_CLIPS = 2000  # of more clips a part is enough, in whole groups


@dataclass(frozen=True)
class SplitCheck:
    """What linear baselines score with groups kept whole, and with groups ignored.

    Attributes:
        grouping: Groups that are kept whole.
        result: `origin`, `clips`, `groups`, `folds`, `repeats`, `seed`, `shared` (see
            `shared_groups`) and `models`, as in metrics.json; or `origin` and `reason`, where
            nothing can be said.
    """

    grouping: Grouping
    result: dict[str, Any]
    header: ClassVar = ("", "this split", "groups whole", "95 % interval", "by clip", "difference")

    def rows(self, results: Mapping[str, dict]) -> list[tuple[str, ...]]:
        """Return the cells of the table, a row for each baseline; none where nothing can be said.

        Args:
            results: Metrics of the models on the split of the manifest, by name.
        """
        rows = []
        for name, row in self.result.get("models", {}).items():
            measured, score = results.get(name), task_of_report(row["by_group"]).score
            low, high = row["by_group"][f"{score}_interval"]
            gain = row["difference"]
            first, last = gain["interval"]
            cells = (
                f"{measured['clip'][score]:.3f}" if measured else "-",
                f"{row['by_group'][score]:.3f}",
                f"{low:.3f} - {high:.3f}",
                f"{row['by_clip'][score]:.3f}",
                f"{gain[score]:+.3f} ({first:+.3f} to {last:+.3f})",
            )
            rows.append((name, *cells))
        return rows

    def texts(self, results: Mapping[str, dict]) -> Iterator[str]:
        """Yield the table, if there is one, and the sentences.

        Args:
            results: Metrics of the models on the split of the manifest, by name.
        """
        if rows := self.rows(results):
            title = (
                f"Split: {self.result['folds']} folds of {self.result['clips']} clips, mean of "
                f"{self.result['repeats']} repeats, with groups kept whole and by clip"
            )
            lines = [
                f"{row[0]:<18}{row[1]:>11}{row[2]:>14}{row[3]:>17}{row[4]:>9}   {row[5]}"
                for row in (self.header, *rows)
            ]
            yield "\n".join([title, "", *lines])
        yield from self.remarks()

    def remarks(self) -> Iterator[str]:
        """Yield the sentences."""
        if "reason" in self.result:
            yield self.result["reason"]
            return
        for split, found in self.result["shared"].items():
            if found["clips"]:
                yield (
                    f"Warning: {found['clips']} of {found['of']} {split} clips share a group with "
                    f"training clips ({self.grouping}): the {split} score is too good. "
                    f"{command('prepare')} --group-by makes a split that keeps groups together."
                )
        models = self.result["models"]
        task = task_of_report(next(iter(models.values()))["by_group"])
        name, best = max(models.items(), key=lambda each: each[1]["by_group"][task.score])
        yield folds_remark(
            "A random split of these clips",
            best["by_clip"][task.score],
            f"the {self.result['groups']} groups",
            best["by_group"][task.score],
            best["difference"]["interval"],
            f"{f'{task.score_title} of ' if task.several else ''}{name}, {self.grouping}",
        )
        if self.grouping.origin == PROPOSED:
            yield (
                "The proposed groups hold only a part of what belongs together, so the score on "
                "new recordings may be lower still. If you know the recordings, name them with "
                "--groups."
            )


def folds_remark(
    start: str, by_clip: float, groups: str, whole: float, interval: Sequence[float], about: str
) -> str:
    """Return the sentence that compares folds by clip with folds that keep groups whole.

    Args:
        start: Beginning of the sentence: what ignores groups.
        by_clip: Accuracy of it, or mean average precision.
        groups: Words for the groups.
        whole: The same with groups kept whole.
        interval: 95 % interval of the difference.
        about: Words for the model.
    """
    low, high = interval
    return (
        f"{start} would show {by_clip:.3f}; with {groups} kept whole it is {whole:.3f} ({about}; "
        f"difference {by_clip - whole:+.3f}, 95 % interval {low:+.3f} to {high:+.3f}, paired over "
        "groups). "
        + (
            "Believe the second."
            if low > 0
            else "The difference may be chance on these clips; the second is safe to believe."
        )
    )


def checked_split(experiment: Experiment, tested: Tested, recipe: Recipe) -> SplitCheck | None:
    """Return what the split of the manifest is worth; None for another data set.

    Features of a fine-tuned backbone are not used: it has seen the clips that the folds would test.

    Args:
        experiment: Model folder with the manifest and features.
        tested: Model and clips of the report.
        recipe: Recipe with `evaluate.groups`, the seed and the resamples of intervals.

    Raises:
        UsageError, LookbackError: `evaluate.groups` cannot be used, see `grouping_of`.
    """
    if tested.mapping:
        return None
    grouping = grouping_of(experiment.manifest, recipe.evaluate.groups)
    if time_blocks(experiment.manifest.entries):
        reason = (
            "The split is not checked with folds: recordings are split in time, so each has clips "
            "in training and in test by choice."
        )
        return SplitCheck(grouping, {"origin": grouping.origin, "reason": reason})
    if experiment.config.backbone.fine_tuned:
        reason = (
            "The split is not checked with folds: the backbone was fine-tuned on the training "
            "clips, so folds would test on clips that it has seen. Features of a pretrained "
            f"backbone can check it ({command('extract')} with another --weights and --features)."
        )
        return SplitCheck(grouping, {"origin": grouping.origin, "reason": reason})
    return SplitCheck(grouping, check_split(tested.dataset, grouping, recipe))


def check_split(dataset: Dataset, grouping: Grouping, recipe: Recipe) -> dict:
    """Return what linear baselines score with groups kept whole, and with groups ignored.

    Args:
        dataset: Dataset of all clips; augmented copies take no part.
        grouping: Groups to keep whole.
        recipe: Recipe with the seed and the resamples of intervals.

    Returns:
        `SplitCheck.result`.
    """
    originals = [each for each in dataset.segments if not each.is_copy]
    segments = grouping.regrouped(originals)
    count = len({segment.group for segment in segments})
    if count == len({segment.video for segment in segments}):
        return {"origin": grouping.origin, "reason": _no_groups()}
    part = _some(segments, recipe.seed)
    folds = min(_FOLDS, max_folds(part))
    names = [name for name in available_baselines(dataset) if name != MOTION]
    try:
        # The matrices are small: on a busy machine threads would only wait for each other.
        with threadpool_limits(1):
            runs = {
                kind: _runs(dataset, clips, names, folds, recipe.seed)
                for kind, clips in (("by_group", part), ("by_clip", alone(part)))
            }
    except LookbackError:
        reason = "There are too few groups of clips for folds, so the split is not checked."
        return {"origin": grouping.origin, "reason": reason}
    groups = [segment.group for segment in part]
    return {
        "origin": grouping.origin,
        "clips": len(part),
        "groups": len(set(groups)),
        "folds": folds,
        "repeats": _REPEATS,
        "seed": recipe.seed,
        "shared": shared_groups(segments),
        "models": {
            name: _compared(
                runs["by_group"][name], runs["by_clip"][name], dataset.targets(part), groups, recipe
            )
            for name in names
        },
    }


def alone(segments: Sequence[LabeledSegment]) -> list[LabeledSegment]:
    """Return the segments as groups of their own, as a random split by clip takes them."""
    return [replace(each, group=f"{each.video} {each.start}") for each in segments]


def shared_groups(segments: Sequence[LabeledSegment]) -> dict[str, dict[str, int]]:
    """Return how many clips of val and test are of a group that also has training clips.

    Returns:
        `clips` and their number `of` all clips, of each of both splits.
    """
    trained = {segment.group for segment in segments if segment.split == "train"}
    splits = Counter(segment.split for segment in segments)
    shared = Counter(segment.split for segment in segments if segment.group in trained)
    return {name: {"clips": shared[name], "of": splits[name]} for name in ("val", "test")}


def _some(segments: list[LabeledSegment], seed: int) -> list[LabeledSegment]:
    """Return the segments, or those of random groups if they are too many."""
    if len(segments) <= _MOST_CLIPS:
        return segments
    sizes = Counter(segment.group for segment in segments)
    names = sorted(sizes)
    order = [names[index] for index in np.random.default_rng(seed).permutation(len(names))]
    total = np.cumsum([sizes[name] for name in order])
    chosen = set(order[: max(1, int((total <= _MOST_CLIPS).sum()))])
    return [segment for segment in segments if segment.group in chosen]


def _runs(
    dataset: Dataset, segments: list[LabeledSegment], names: list[str], folds: int, seed: int
) -> dict[str, list[np.ndarray]]:
    """Return the probabilities of the segments, (n, K), in each repeat, by baseline."""
    place = {id(segment): number for number, segment in enumerate(segments)}
    shape = len(segments), len(dataset.labels)
    runs = {name: [np.zeros(shape) for _ in range(_REPEATS)] for name in names}
    for repeat in range(_REPEATS):
        for rest, test in make_folds(segments, folds, seed + repeat):
            training, validation = split_validation(rest, seed + repeat)
            places = [place[id(segment)] for segment in test]
            for name in names:
                baseline = fit_baseline(name, dataset, training, validation)
                runs[name][repeat][places] = baseline.predict_segments(dataset, test)
    return runs


def _compared(
    by_group: list[np.ndarray],
    by_clip: list[np.ndarray],
    targets: np.ndarray,
    groups: list[str],
    recipe: Recipe,
) -> dict[str, dict]:
    resamples, seed = recipe.evaluate.bootstrap, recipe.seed
    return {
        "by_group": mean_score(by_group, targets, groups, resamples, seed),
        "by_clip": mean_score(by_clip, targets, groups, resamples, seed),
        "difference": paired_difference(by_group, by_clip, targets, groups, resamples, seed),
    }


def _no_groups() -> str:
    return (
        "Every clip is a group of its own, so this report cannot tell whether clips of one "
        "recording are in training and in test. If they were cut from longer videos, or several "
        f"show one person or place, the score is too good: {command('prepare')} --group-by propose "
        f"proposes groups, and {command('evaluate')} --groups checks some."
    )
