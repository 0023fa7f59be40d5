"""The evaluate command: report of a trained model."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from clips.manifest.time_blocks import time_blocks
from clips.splitting.time_split import time_split_note
from metrics.task import task_of_report
from recipes.loader import Settings
from sequence.baselines import FILE as BASELINES
from sequence.baselines import LinearBaseline, available_baselines, load_baselines
from sequence.comparison import remarks
from sequence.costs import HEAD, measure_speed, model_costs
from sequence.dataset import Dataset, LabeledSegment
from sequence.evaluation import (
    Predictions,
    measure_all,
    predict,
    predict_baseline,
    predict_majority,
    video_predictions,
)
from sequence.evaluation_events import events_summary, measure_events, true_events
from sequence.evaluation_setup import Tested, open_tested
from sequence.evaluation_split import SPLIT_CHECK, checked_split
from sequence.evaluation_time import SHUFFLED, Draws, measure_shuffled, time_remark
from sequence.experiment import Experiment
from sequence.explain.report import explain_clips, require_network
from sequence.prediction import Predictor, load_mean_predictor
from sequence.report import (
    report_folder,
    summary,
    write_clip_predictions,
    write_json,
    write_plots,
    write_predictions,
)
from sequence.results import EvaluationReport
from sequence.selection import selection_summary
from sequence.visual.report_page import Evaluated, write_report_page
from video.console import logger

_LOG = logger(__name__)


def evaluate(
    experiment: Experiment, settings: Settings, out: Path | None = None
) -> EvaluationReport:
    """Evaluate a trained model and its baselines on one split, and write the report folder.

    Args:
        experiment: Model folder with the manifest and features.
        settings: Settings of the recipe and the flags.
        out: Report folder; None for `reports/<name of the model folder>`.

    Returns:
        Report folder and content of its `metrics.json`.

    Raises:
        LookbackError: Model, features and manifest do not fit together, the split has no clip with
            features, or the model was trained on clips of the test split.
    """
    recipe, folder = settings.recipe, experiment.folder
    if recipe.evaluate.explain:
        require_network(experiment)
    tested = open_tested(experiment, settings)
    out = report_folder(out, folder)
    views, resamples, seed = recipe.evaluate.views, recipe.evaluate.bootstrap, recipe.seed
    dataset, segments, predictor = tested.dataset, tested.segments, tested.predictor
    head = predict(tested.head, predictor, dataset, segments, views)
    baselines = _Baselines.of(experiment, tested)
    predictions = [head, *baselines.predict(dataset, segments, views)]
    results = measure_all(predictions, segments, dataset.labels, resamples, seed)
    draws = Draws(recipe.evaluate.shuffles, seed)
    shuffled = measure_shuffled(head, predictor, dataset, segments, draws, views, resamples)
    check = checked_split(experiment, tested, recipe)
    videos = list(dict.fromkeys(segment.video for segment in segments))
    steps = video_predictions(predictor, dataset, videos)
    manifest = experiment.manifest.with_task(dataset.task.several)
    truth = true_events(manifest, recipe.evaluate.split, tested.mapping)
    decided = predictor.task, predictor.thresholds
    events = measure_events(steps, truth, dataset.labels, dataset.first_full, *decided)
    # A model of another data set knows no part of these videos.
    blocks = {} if tested.mapping else time_blocks(experiment.manifest.entries)
    selection = None if tested.is_own else _selection(experiment)
    report = {
        "split": recipe.evaluate.split,
        "seed": seed,
        "head": tested.head,
        "ensemble": 1 if tested.is_own else experiment.config.sequence.ensemble,
        "look_back": predictor.look_back,
        "pooling": predictor.pooling.rule,
        **({"task": dataset.task.name} if dataset.task.several else {}),
        "views": views,
        **({"label_map": dict(tested.mapping.names)} if tested.mapping else {}),
        **({"selection": selection} if selection else {}),
        **results[tested.head],
        "baselines": {name: values for name, values in results.items() if name != tested.head},
        **({SHUFFLED: shuffled} if shuffled else {}),
        **({SPLIT_CHECK: check.result} if check else {}),
        **({"events": events} if events else {}),
        **({"split_in_time": sorted(blocks)} if blocks else {}),
        "costs": _costs(experiment, tested, baselines, settings),
    }
    found = dataset.labels, head.thresholds
    write_predictions(out / "predictions.csv", steps, *found)
    write_clip_predictions(out / "clips.csv", segments, head.clip, *found)
    write_plots(out, head, dataset.targets(segments), results[tested.head])
    write_json(out / "metrics.json", report)
    texts = list(_texts(report, results, dataset, baselines))
    for text in texts:
        _LOG.info(f"\n{text}")
    if check:
        for text in check.texts(results):
            _LOG.info(f"\n{text}")
    sentences = [text for text in texts if "\n" not in text]  # the others are tables
    if blocks:
        sentences.insert(0, time_split_note(experiment.manifest.entries))
    courses = {video: (seconds, rows) for video, seconds, rows in steps}
    more = []
    if recipe.evaluate.explain:
        more = [explain_clips(out, experiment, tested, head, recipe.evaluate.explain)]
    evaluated = Evaluated(
        experiment, dataset, predictor, segments, head, courses, results, sentences, check, more
    )
    _LOG.info(f"\n{write_report_page(out, recipe.evaluate.split, evaluated)}")
    return EvaluationReport(out, report)


@dataclass(frozen=True)
class _Baselines:
    """The baselines that were trained with a sequence model.

    Attributes:
        mean: Predictor of `mean`; None if the model itself has this head, or there is no model.
        linear: Linear baselines that the features allow.
        training: Segments of the train split; those of the report where there are none.
    """

    mean: Predictor | None
    linear: list[LinearBaseline]
    training: list[LabeledSegment]

    @classmethod
    def of(cls, experiment: Experiment, tested: Tested) -> "_Baselines":
        """Load the baselines of a model folder."""
        folder, config = experiment.folder, experiment.config
        known = [] if tested.mapping else tested.dataset.split("train")
        training = known or tested.segments
        if tested.is_own or not config.sequence:
            return cls(None, [], training)
        no_mean = config.sequence.head == "mean"
        mean = None if no_mean else load_mean_predictor(folder, config)
        possible = available_baselines(tested.dataset)
        linear = [each for each in load_baselines(folder / BASELINES) if each.name in possible]
        return cls(mean, linear, training)

    def predict(
        self, dataset: Dataset, segments: list[LabeledSegment], views: int | str
    ) -> list[Predictions]:
        """Return the predictions of all baselines."""
        found = [predict("mean", self.mean, dataset, segments, views)] if self.mean else []
        found += [predict_baseline(baseline, dataset, segments) for baseline in self.linear]
        return [*found, predict_majority(self.training, segments, dataset.labels)]


def _costs(
    experiment: Experiment, tested: Tested, baselines: _Baselines, settings: Settings
) -> dict[str, dict]:
    """Return the costs of all models by name; measure the speed if the settings ask for it."""
    folder, config, own = experiment.folder, experiment.config, tested.is_own
    if settings.recipe.evaluate.speed:
        measure_speed(folder, config, tested.predictor, settings.recipe.extract.engine, own)
    costs = model_costs(folder, config, tested.predictor, baselines.mean, baselines.linear, own)
    return {tested.head if name == HEAD else name: cost for name, cost in costs.items()}


def _texts(
    report: dict, results: dict[str, dict], dataset: Dataset, baselines: _Baselines
) -> Iterator[str]:
    """Yield the tables and sentences that are printed."""
    head, shuffled = report["head"], report.get(SHUFFLED)
    shown = {head: results[head], **({SHUFFLED: shuffled} if shuffled else {}), **results}
    yield summary(report["split"].capitalize(), shown, report["pooling"], report["costs"])
    if shuffled:
        score = task_of_report(results[head]["clip"]).score
        yield time_remark(head, results[head]["clip"][score], shuffled)
    if baselines.linear:
        yield from remarks(head, [{"name": name, **row} for name, row in results.items()], dataset)
    if "events" in report:
        yield events_summary(report["events"])
    if "selection" in report:
        yield selection_summary(report["selection"])


def _selection(experiment: Experiment) -> dict | None:
    """Return the comparison of inputs and heads that training made; None if it made none.

    A training that was killed before its end leaves the file of the one before it, which may have
    chosen another model.
    """
    names = {"input": experiment.input, "head": experiment.config.sequence.head}
    try:
        text = (experiment.folder / "metrics.json").read_text(encoding="utf-8")
        selection: dict = json.loads(text)["selection"]
        return selection if selection["chosen"] == names else None
    except (OSError, ValueError, KeyError, TypeError):
        return None  # the file is a report for people, and evaluation does not depend on it
