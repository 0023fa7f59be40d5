"""Report of a cross-validation: folds.json and its table."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from metrics.task import task_of_report
from recipes.commands import command
from recipes.loader import Settings
from sequence.comparison import remarks
from sequence.costs import HEAD, model_costs
from sequence.cross_validation import BY_CLIP, Validated, cross_validate, heads_of
from sequence.evaluation_events import events_summary, measure_events, true_events
from sequence.evaluation_split import folds_remark
from sequence.evaluation_time import SHUFFLED, time_remark
from sequence.experiment import Experiment
from sequence.model import require_head
from sequence.report import (
    COST_HEADER,
    FOLD_SCORES,
    cost_cells,
    costs_note,
    report_folder,
    write_json,
)
from sequence.results import FoldsReport
from video.console import logger
from video.errors import UsageError

_LOG = logger(__name__)


def evaluate_folds(
    experiment: Experiment, settings: Settings, out: Path | None = None
) -> FoldsReport:
    """Cross-validate the recipe over all clips, and write folds.json.

    Args:
        experiment: Model folder with the manifest and features.
        settings: Settings of the recipe and the flags.
        out: Report folder; None for `reports/<name of the model folder>`.

    Returns:
        Path and content of folds.json.

    Raises:
        UsageError: The features come from a fine-tuned backbone, or there are fewer than two folds.
        LookbackError: There are too few groups or clips for the folds.
    """
    recipe = settings.recipe
    if experiment.config.backbone.fine_tuned:
        raise UsageError(
            f"--folds: the backbone of {experiment.folder} was fine-tuned on clips that the folds "
            "would test, which would make the results too good; use features of a pretrained "
            f"backbone ({command('extract')} with another --weights and --features), or run "
            f"{command('evaluate')} without --folds"
        )
    for head in heads_of(recipe.sequence):
        require_head(head)
    out = report_folder(out, experiment.folder)
    rows: list[dict] = []
    parts: list[dict] = []
    for each in experiment.inputs:
        dataset = each.dataset(each.look_back(recipe))
        found = cross_validate(dataset, recipe)
        of_input = found.rows
        name = of_input[0]["name"]
        costs = _costs(each, found)
        truth = true_events(each.manifest, "all")
        steps = found.steps(dataset, truth.videos)
        decided = dataset.task, found.thresholds()
        events = measure_events(steps, truth, dataset.labels, dataset.first_full, *decided)
        title = f"Input {each.input}. " if experiment.alternative else ""
        _LOG.info(f"\n{title}{folds_summary(of_input, costs)}")
        for line in [
            *_sentences(of_input),
            *remarks(name, by_group(of_input), dataset),
        ]:
            _LOG.info(f"\n{line}")
        if events:
            _LOG.info(f"\n{events_summary(events)}")
        rows += [{"input": each.input, **row} for row in of_input]
        parts.append(
            {"input": each.input, "costs": costs, **({"events": events} if events else {})}
        )
    report = {
        "folds": recipe.evaluate.folds,
        "seed": recipe.seed,
        "pooling": recipe.sequence.pooling,
        "ensemble": recipe.sequence.ensemble,
        "models": rows,
        "inputs": parts,
    }
    path = out / "folds.json"
    write_json(path, report)
    _LOG.info(f"\n{path}")
    return FoldsReport(path, report)


def _costs(experiment: Experiment, found: Validated) -> dict[str, dict]:
    """Return the costs of all models by name; no fold writes files or measures speed."""
    costs: dict[str, dict] = {}
    folder, config, fold = experiment.folder, experiment.config, found.folds[0]
    for name, head in fold.heads.items():
        known = model_costs(folder, config, head, fold.mean, fold.linear, saved=False)
        costs |= {name if key == HEAD else key: cost for key, cost in known.items()}
    return costs


def by_group(rows: Sequence[dict]) -> list[dict]:
    """Return the rows of the folds that keep groups whole."""
    return [row for row in rows if row.get("folds_by") != BY_CLIP]


def _sentences(rows: Sequence[dict]) -> list[str]:
    """Return what the table says about time, and about folds that ignore groups."""
    whole = by_group(rows)
    name, lines = whole[0]["name"], []
    shuffled = [row for row in whole if row["name"] == SHUFFLED]
    if shuffled:
        score = task_of_report(shuffled[0]["clip"]).score
        value = _mean([row for row in whole if row["name"] == name], score)
        interval = np.mean([row["difference_to_head"]["interval"] for row in shuffled], axis=0)
        gain = np.mean([row["difference_to_head"][score] for row in shuffled])
        joined = {
            "draws": shuffled[0]["draws"],
            "clip": {score: _mean(shuffled, score)},
            "difference_to_head": {score: gain, "interval": interval},
        }
        lines.append(time_remark(name, float(value), joined))
    ignoring = [row for row in rows if row.get("folds_by") == BY_CLIP and row["name"] == name]
    if ignoring:
        score = task_of_report(ignoring[0]["clip"]).score
        whole_score = _mean([row for row in whole if row["name"] == name], score)
        low, high = np.mean([row["difference_to_groups"]["interval"] for row in ignoring], axis=0)
        about = f"{len(ignoring)} repeats" if len(ignoring) > 1 else "one repeat"
        lines.append(
            folds_remark(
                "Folds by clip",
                _mean(ignoring, score),
                f"the {whole[0]['clip']['groups']} groups",
                whole_score,
                [low, high],
                f"{name}, {about}",
            )
        )
    return lines


def _mean(rows: Sequence[dict], score: str) -> float:
    return float(np.mean([row["clip"][score] for row in rows]))


def folds_summary(rows: Sequence[dict], costs: dict[str, dict] | None = None) -> str:
    """Return a table of cross-validation with one line per model, averaged over the repeats.

    Args:
        rows: Rows of `cross_validation.cross_validate`.
        costs: Costs of the models by name; None to leave the columns out.
    """
    first = rows[0]
    task = task_of_report(first["clip"])
    score, per_fold = task.score_title, FOLD_SCORES[task.name]
    folds = len(first[per_fold])
    repeats = len({row["repeat"] for row in rows})
    clip = first["clip"]
    names = list(dict.fromkeys((row["name"], row.get("folds_by")) for row in rows))
    width = max([18, *(len(f"{name}, {kind} ") for name, kind in names if kind)])
    lines = [
        f"Cross-validation with {folds} folds{f', {repeats} repeats' if repeats > 1 else ''}: "
        f"{clip['count']} clips in {clip['groups']} groups; no group is in both the training and "
        "the test part of a fold",
        "",
        f"{'':<{width}}{f'clip {score}':>14}{'95 % interval':>17}{'log loss':>10}"
        + (COST_HEADER if costs else "")
        + f"   {score} per fold",
    ]
    for name, kind in names:
        mine = [row for row in rows if (row["name"], row.get("folds_by")) == (name, kind)]
        low, high = np.mean([row["clip"][f"{task.score}_interval"] for row in mine], axis=0)
        loss = "-" if name == "ridge" else f"{_mean(mine, 'log_loss'):.3f}"
        each = "  ".join(f"{value:.2f}" for row in mine for value in row[per_fold])
        shown = f"{name}, {BY_CLIP}" if kind == BY_CLIP else name
        cells = f"{cost_cells(costs.get(name)):<37}" if costs else ""
        lines.append(
            f"{shown:<{width}}{_mean(mine, task.score):>14.3f}{f'{low:.3f} - {high:.3f}':>17}"
            f"{loss:>10}{cells}   {each}"
        )
    if costs:
        lines += ["", costs_note(costs)]
    rules = Counter(rule for row in rows for rule in row.get("fold_poolings", ()))
    if set(rules) - {"mean"}:
        shares = ", ".join(f"{rule} in {count}" for rule, count in rules.most_common())
        lines += ["", f"pooling of the trained models: {shares}"]
    return "\n".join(lines)
