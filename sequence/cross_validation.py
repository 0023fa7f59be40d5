"""Cross-validation: heads and baselines, trained and tested on folds over groups."""

from extract.extractor.choice import AUTO_HEAD
from metrics.pooling import Rule
from recipes.schema import Recipe, Sequence
from sequence.baselines import available_baselines, fit_baseline
from sequence.dataset import Dataset, LabeledSegment
from sequence.evaluation import (
    Predictions,
    joined_predictions,
    measure_all,
    predict,
    predict_baseline,
    predict_majority,
)
from sequence.folds import make_folds, split_validation
from sequence.model import AUTO_HEADS
from sequence.pooling_choice import choose_pooling
from sequence.report import FOLD_SCORES
from sequence.training import fit, fit_mean_baseline
from video.console import progress_bar
from video.errors import UsageError

_SEEDS_PER_REPEAT = 1000  # larger than the models of any repeat, so that no two share a seed


def heads_of(chosen: Sequence) -> tuple[str, ...]:
    """Return the heads that a recipe compares: several for `auto`."""
    return AUTO_HEADS if chosen.head == AUTO_HEAD else (chosen.head,)


def cross_validate(dataset: Dataset, recipe: Recipe) -> list[dict]:
    """Train and test the recipe's heads and all baselines in a cross-validation over groups.

    All clips of a group are in the same fold. Within each fold, some of the training groups are
    used for validation.

    Args:
        dataset: Dataset of all segments; their split is ignored.
        recipe: Recipe with the settings of the head and the numbers of folds and repeats.

    Returns:
        One dictionary per model and repeat: name, repeat, main score of each fold, pooling of each
        fold for a model of windows, and the metrics over all clips, each predicted by the model
        that was not trained on its group. The best head comes first.

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
    return rows


class _Repeat:
    """One repeat of a cross-validation.

    Attributes:
        tested: Segments of all folds, one fold after another.
    """

    def __init__(self, dataset: Dataset, recipe: Recipe, number: int) -> None:
        """Train and test on every fold.

        Args:
            dataset: Dataset of all segments.
            recipe: Recipe with the settings.
            number: Number of the repeat, from 0.
        """
        self._dataset, self._recipe, self._number = dataset, recipe, number
        self.tested: list[LabeledSegment] = []
        self._folds: dict[str, list[Predictions]] = {}
        self._scores: dict[str, list[float]] = {}
        seed = recipe.seed + number
        parts = list(make_folds(dataset.segments, recipe.evaluate.folds, seed))
        for fold, (rest, test) in enumerate(
            progress_bar(parts, f"repeat {number + 1}", unit="fold")
        ):
            training, validation = split_validation(rest, seed)
            first = fold * recipe.sequence.ensemble  # each model has a seed of its own
            fold_seed = recipe.seed + _SEEDS_PER_REPEAT * number + first
            targets = dataset.targets(test)
            for one in _predict_fold(dataset, training, validation, test, recipe, fold_seed):
                self._folds.setdefault(one.name, []).append(one)
                score = dataset.task.main_score(one.clip, targets)
                self._scores.setdefault(one.name, []).append(score)
            self.tested += test

    def score(self, name: str) -> float:
        """Return the main score of a model over the clips of all folds."""
        targets = self._dataset.targets(self.tested)
        clips = joined_predictions(self._folds[name]).clip
        return self._dataset.task.main_score(clips, targets)

    def rows(self, first: str) -> list[dict]:
        """Return the metrics of every model, that of the name `first` first."""
        names = sorted(self._folds, key=lambda name: name != first)
        joined = [joined_predictions(self._folds[name]) for name in names]
        dataset, evaluation = self._dataset, self._recipe.evaluate
        results = measure_all(
            joined, self.tested, dataset.labels, evaluation.bootstrap, self._recipe.seed
        )
        rows = []
        for name, values in results.items():
            row = {"name": name, "repeat": self._number + 1}
            row[FOLD_SCORES[dataset.task.name]] = self._scores[name]
            poolings: list[Rule] = [each.pooling for each in self._folds[name] if each.pooling]
            if poolings:
                row["fold_poolings"] = poolings
            rows.append({**row, **values})
        return rows


def _predict_fold(
    dataset: Dataset,
    training: list[LabeledSegment],
    validation: list[LabeledSegment],
    test: list[LabeledSegment],
    recipe: Recipe,
    seed: int,
) -> list[Predictions]:
    """Train the recipe's heads and all baselines, and return their predictions for `test`."""
    predictions = []
    for head in heads_of(recipe.sequence):
        chosen = recipe.sequence.model_copy(update={"head": head})
        chosen = choose_pooling(dataset, training, validation, chosen, seed)
        predictor = fit(dataset, training, validation, chosen, seed)
        predictions.append(predict(head, predictor, dataset, test))
    if chosen.head != "mean":
        average = fit_mean_baseline(dataset, training, validation, chosen, seed)
        predictions.append(predict("mean", average, dataset, test))
    for name in available_baselines(dataset):
        baseline = fit_baseline(name, dataset, training, validation)
        predictions.append(predict_baseline(baseline, dataset, test))
    predictions.append(predict_majority([*training, *validation], test, dataset.labels))
    return predictions
