"""Cross-validation: heads and baselines, trained and tested on folds over groups."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from extract.extractor.choice import AUTO_HEAD
from metrics.pooling import Rule
from metrics.task import Thresholds
from recipes.schema import Recipe, Sequence
from sequence.baselines import LinearBaseline, available_baselines, fit_baseline
from sequence.comparison import difference_to
from sequence.dataset import Dataset, LabeledSegment
from sequence.evaluation import (
    Predictions,
    joined_predictions,
    measure,
    measure_all,
    predict,
    predict_baseline,
    predict_majority,
    video_predictions,
)
from sequence.evaluation_split import alone
from sequence.evaluation_time import SHUFFLED, Draws, shuffled_runs, shuffled_scores
from sequence.folds import make_folds, split_validation
from sequence.model import AUTO_HEADS
from sequence.pooling_choice import choose_pooling
from sequence.prediction import Predictor
from sequence.report import FOLD_SCORES
from sequence.training import fit, fit_mean_baseline
from video.console import progress_bar
from video.errors import UsageError

BY_CLIP = "by clip"
_SEEDS_PER_REPEAT = 1000  # larger than the models of any repeat, so that no two share a seed


@dataclass(frozen=True)
class Fold:
    """The models of a fold.

    Attributes:
        heads: Predictor of each head, by name.
        mean: Predictor of `mean`; None if it is one of the heads.
        linear: Linear baselines.
        videos: Videos of which no part trained.
    """

    heads: dict[str, Predictor]
    mean: Predictor | None
    linear: list[LinearBaseline]
    videos: list[str]


@dataclass(frozen=True)
class Validated:
    """Result of a cross-validation.

    Attributes:
        rows: One dictionary per model and repeat: name, repeat, main score of each fold, pooling of
            each fold for a model of windows, and the metrics over all clips, each predicted by the
            model that was not trained on its group. The best head comes first. Rows of folds by
            clip have `folds_by` and `difference_to_groups`.
        folds: Models of the first repeat.
    """

    rows: list[dict]
    folds: list[Fold]

    def steps(
        self, dataset: Dataset, videos: Iterable[str]
    ) -> list[tuple[str, np.ndarray, np.ndarray]]:
        """Return the predictions at every step of videos, each by a model that did not see it.

        Args:
            dataset: Dataset of the videos.
            videos: Videos to predict; those with parts in several folds are left out.

        Returns:
            Video, seconds (N,) and probabilities (N, K) of each video, by the first head.
        """
        wanted, name = set(videos), self.rows[0]["name"]
        found = []
        for fold in self.folds:
            mine = [video for video in fold.videos if video in wanted]
            found += video_predictions(fold.heads[name], dataset, mine)
        return found

    def thresholds(self) -> dict[str, Thresholds]:
        """Return the thresholds of the model that predicts each video in `steps`."""
        name = self.rows[0]["name"]
        return {video: fold.heads[name].thresholds for fold in self.folds for video in fold.videos}


def heads_of(chosen: Sequence) -> tuple[str, ...]:
    """Return the heads that a recipe compares: several for `auto`."""
    return AUTO_HEADS if chosen.head == AUTO_HEAD else (chosen.head,)


def cross_validate(dataset: Dataset, recipe: Recipe) -> Validated:
    """Train and test the recipe's heads and all baselines in a cross-validation over groups.

    All clips of a group are in the same fold. Within each fold, some of the training groups are
    used for validation. With `evaluate.by_clip` the best head is also trained and tested
    on folds in which every clip is a group of its own, without augmented copies.

    Args:
        dataset: Dataset of all segments; their split is ignored.
        recipe: Recipe with the settings of the head and the numbers of folds and repeats.

    Raises:
        UsageError: The recipe has fewer than two folds.
        LookbackError: There are too few groups or clips for the folds.
    """
    folds = recipe.evaluate.folds
    if folds < 2:
        raise UsageError(f"--folds {folds}: cross-validation needs at least 2 folds")
    dataset.require_variation(dataset.segments)
    repeats = [_Repeat(dataset, recipe, number) for number in range(recipe.evaluate.repeats)]
    heads = heads_of(recipe.sequence)
    # Rounded, so that heads that are equal but for the order of a sum are a tie.
    first = max(heads, key=lambda head: round(sum(repeat.score(head) for repeat in repeats), 9))
    rows: list[dict] = []
    for repeat in repeats:
        rows += repeat.rows(first)
        if recipe.evaluate.by_clip:
            rows.append(_by_clip(dataset, recipe, repeat, first))
    return Validated(rows, repeats[0].folds)


def _by_clip(dataset: Dataset, recipe: Recipe, whole: "_Repeat", name: str) -> dict:
    """Return the row of a head on folds that ignore groups.

    Its intervals are over groups all the same, paired with the folds that keep groups whole.
    """
    originals = [segment for segment in dataset.segments if not segment.is_copy]
    single = alone(originals)
    chosen = recipe.sequence.model_copy(update={"head": name})
    mixed = _Repeat(
        dataset, recipe.model_copy(update={"sequence": chosen}), whole.number, single, False
    )
    group_of = {id(one): original for one, original in zip(single, originals, strict=True)}
    tested = [group_of[id(segment)] for segment in mixed.tested]
    joined = mixed.joined(name)
    resamples, seed = recipe.evaluate.bootstrap, recipe.seed
    answers = whole.clips(name)
    same = np.stack([answers[id(segment)] for segment in tested])
    return {
        **mixed.named(name),
        "folds_by": BY_CLIP,
        **measure(joined, tested, dataset.labels, resamples, seed),
        "difference_to_groups": difference_to(same, joined.clip, tested, resamples, seed),
    }


class _Repeat:
    """One repeat of a cross-validation.

    Attributes:
        number: Number of the repeat, from 0.
        tested: Segments of all folds, one fold after another.
        folds: Models of the folds; kept by the first repeat only.
    """

    def __init__(
        self,
        dataset: Dataset,
        recipe: Recipe,
        number: int,
        segments: list[LabeledSegment] | None = None,
        baselines: bool = True,
    ) -> None:
        """Train and test on every fold.

        Args:
            dataset: Dataset of all segments.
            recipe: Recipe with the settings.
            number: Number of the repeat, from 0.
            segments: Segments with the groups of the folds; None for those of the dataset.
            baselines: Whether there are baselines and shuffled windows beside the heads.
        """
        self._dataset, self._recipe, self.number = dataset, recipe, number
        self.tested: list[LabeledSegment] = []
        self.folds: list[Fold] = []
        self._folds: dict[str, list[Predictions]] = {}
        self._scores: dict[str, list[float]] = {}
        self._shuffled: dict[str, list[list[Predictions]]] = {}
        self._draws = Draws(recipe.evaluate.shuffles if baselines else 0, recipe.seed)
        seed = recipe.seed + number
        everything = dataset.segments if segments is None else segments
        parts = list(make_folds(everything, recipe.evaluate.folds, seed))
        title = f"repeat {number + 1}" + ("" if segments is None else f", {BY_CLIP}")
        for place, (rest, test) in enumerate(progress_bar(parts, title, unit="fold")):
            training, validation = split_validation(rest, seed)
            first = place * recipe.sequence.ensemble  # each model has a seed of its own
            fold_seed = recipe.seed + _SEEDS_PER_REPEAT * number + first
            fold = _fit_fold(dataset, training, validation, test, recipe, fold_seed, baselines)
            self._test(fold, [*training, *validation], test, baselines)
            if number == 0:
                self.folds.append(fold)

    def _test(
        self,
        fold: Fold,
        known: list[LabeledSegment],
        test: list[LabeledSegment],
        baselines: bool,
    ) -> None:
        """Predict the test segments of a fold."""
        dataset = self._dataset
        targets = dataset.targets(test)
        models = fold.heads | ({"mean": fold.mean} if fold.mean else {})
        found = [predict(name, model, dataset, test) for name, model in models.items()]
        found += [predict_baseline(baseline, dataset, test) for baseline in fold.linear]
        if baselines:
            found.append(predict_majority(known, test, dataset.labels))
        for one in found:
            self._folds.setdefault(one.name, []).append(one)
            score = dataset.task.main_score(one.clip, targets)
            self._scores.setdefault(one.name, []).append(score)
        for name, model in fold.heads.items():
            runs = shuffled_runs(model, dataset, test, self._draws)
            self._shuffled.setdefault(name, []).append(runs)
        self.tested += test

    def score(self, name: str) -> float:
        """Return the main score of a model over the clips of all folds."""
        targets = self._dataset.targets(self.tested)
        return self._dataset.task.main_score(self.joined(name).clip, targets)

    def clips(self, name: str) -> dict[int, np.ndarray]:
        """Return the probabilities (K,) of a model by the identity of the segment."""
        pairs = zip(self.tested, self.joined(name).clip, strict=True)
        return {id(segment): row for segment, row in pairs}

    def joined(self, name: str) -> Predictions:
        """Return the predictions of a model for all tested segments."""
        return joined_predictions(self._folds[name])

    def named(self, name: str) -> dict:
        """Return the keys of a model's row that say what it is about."""
        row: dict = {"name": name, "repeat": self.number + 1}
        row[FOLD_SCORES[self._dataset.task.name]] = self._scores[name]
        poolings: list[Rule] = [each.pooling for each in self._folds[name] if each.pooling]
        return {**row, "fold_poolings": poolings} if poolings else row

    def rows(self, first: str) -> list[dict]:
        """Return the metrics of every model, that of the name `first` first."""
        names = sorted(self._folds, key=lambda name: name != first)
        joined = [self.joined(name) for name in names]
        recipe, labels = self._recipe, self._dataset.labels
        results = measure_all(joined, self.tested, labels, recipe.evaluate.bootstrap, recipe.seed)
        rows = [{**self.named(name), **values} for name, values in results.items()]
        shuffled = self._shuffled_row(first)
        return [rows[0], *([shuffled] if shuffled else []), *rows[1:]]

    def _shuffled_row(self, name: str) -> dict | None:
        """Return the row of a head on shuffled windows; None without draws."""
        folds = self._shuffled[name]
        if not folds or not folds[0]:
            return None
        runs = [
            joined_predictions([runs[draw] for runs in folds]) for draw in range(self._draws.count)
        ]
        scores = shuffled_scores(
            runs,
            self.joined(name),
            self.tested,
            self._dataset.labels,
            self._draws,
            self._recipe.evaluate.bootstrap,
        )
        task = self._dataset.task
        ends = np.cumsum([len(runs[0].clip) for runs in folds])[:-1]
        targets = np.split(self._dataset.targets(self.tested), ends)
        per_fold = [
            float(np.mean([task.main_score(run.clip, truth) for run in runs]))
            for runs, truth in zip(folds, targets, strict=True)
        ]
        return {
            "name": SHUFFLED,
            "repeat": self.number + 1,
            FOLD_SCORES[task.name]: per_fold,
            **scores,
        }


def _fit_fold(
    dataset: Dataset,
    training: list[LabeledSegment],
    validation: list[LabeledSegment],
    test: list[LabeledSegment],
    recipe: Recipe,
    seed: int,
    baselines: bool,
) -> Fold:
    """Train the recipe's heads and all baselines."""
    heads: dict[str, Predictor] = {}
    for head in heads_of(recipe.sequence):
        chosen = recipe.sequence.model_copy(update={"head": head})
        chosen = choose_pooling(dataset, training, validation, chosen, seed)
        heads[head] = fit(dataset, training, validation, chosen, seed)
    known = {segment.video for segment in (*training, *validation)}
    videos = [name for name in dict.fromkeys(each.video for each in test) if name not in known]
    if not baselines:
        return Fold(heads, None, [], videos)
    mean = None
    if chosen.head != "mean":
        mean = fit_mean_baseline(dataset, training, validation, chosen, seed)
    linear = [
        fit_baseline(name, dataset, training, validation) for name in available_baselines(dataset)
    ]
    return Fold(heads, mean, linear, videos)
