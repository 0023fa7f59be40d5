"""Measure the model and its baselines on the test clips; with --folds, train and test by
cross-validation; with --alarms, measure false alarms on long videos."""

from dataclasses import replace
from pathlib import Path

from live.alarm_options import add_alarm_flags, alarm_options
from recipes.command_line import SECOND_STAGE_FLAGS, Flag, parser, settings

FLAGS = (
    Flag("--split", "evaluate.split", "clips to measure on: train, val, test or all", "SPLIT"),
    Flag(
        "--label-map",
        "evaluate.label_map",
        "labels of another data set: kick=fight,other=- or a YAML file",
        "MAP",
        "none",
    ),
    Flag("--folds", "evaluate.folds", "folds of a cross-validation over groups; 0: off", "N"),
    Flag("--repeats", "evaluate.repeats", "repeats of it, each with new folds", "N"),
    Flag("--views", "evaluate.views", "windows averaged per clip, evenly spaced, or all", "N"),
    Flag("--explain", "evaluate.explain", "show where the model looks in 2 N clips", "N"),
    Flag(
        "--head",
        "sequence.head",
        "own: evaluate the fine-tuned backbone's classifier; with --folds: head to train",
        "NAME",
        "the second stage, or own if there is none; with --folds: lstm",
    ),
    *(replace(flag, help=f"with --folds: {flag.help}") for flag in SECOND_STAGE_FLAGS),
)


def main(arguments: list[str] | None = None) -> int:
    flags = parser("evaluate", __doc__, FLAGS)
    out = "report folder (default: reports/<name of the model folder>)"
    flags.add_argument("--out", type=Path, metavar="FOLDER", help=out)
    speed = "also measure the speed of both stages, and store it in the model folder"
    flags.add_argument(
        "--speed", dest="evaluate.speed", action="store_const", const=True, help=speed
    )
    add_alarm_flags(flags)
    parsed = flags.parse_args(arguments)
    chosen = settings(parsed)
    if options := alarm_options(parsed, chosen):
        from live.alarm_evaluation import evaluate_alarms

        evaluate_alarms(options, chosen)
        return 0
    # Check the command line and its files first: the imports below are slow.
    from sequence.experiment import open_experiment

    experiment = open_experiment(chosen)
    from sequence.evaluator import evaluate, evaluate_folds

    if chosen.recipe.evaluate.folds:
        evaluate_folds(experiment, chosen, parsed.out)
    else:
        evaluate(experiment, chosen, parsed.out)
    return 0
