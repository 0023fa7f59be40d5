"""Measure the model and its baselines on the test clips, or a recipe by cross-validation."""

from pathlib import Path

from recipes.command_line import Flag, parser, settings

FLAGS = (
    Flag("--split", "evaluate.split", "clips to measure on: train, val or test", "SPLIT"),
    Flag("--folds", "evaluate.folds", "cross-validate over N folds of the groups; 0: off", "N"),
    Flag("--repeats", "evaluate.repeats", "times to cross-validate, each with other folds", "N"),
    Flag("--views", "evaluate.views", "evenly spaced windows averaged per clip, or all", "N"),
    Flag(
        "--head",
        "sequence.head",
        "own: the fine-tuned network's own head; with --folds: the head to train",
        "NAME",
        "the second stage, or own if there is none; with --folds lstm",
    ),
    Flag(
        "--look-back",
        "sequence.look_back",
        "with --folds: number of steps that one prediction sees",
        "L",
        "16, or 4 with a clip network",
    ),
)


def main(arguments: list[str] | None = None) -> int:
    flags = parser("evaluate", __doc__, FLAGS)
    flags.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="report folder (default: reports/<name of the model folder>)",
    )
    parsed = flags.parse_args(arguments)
    chosen = settings(parsed)
    # Slow imports wait until the command line and the files it names are known to be right.
    from sequence.experiment import open_experiment

    experiment = open_experiment(chosen)

    from sequence.evaluator import evaluate, evaluate_folds

    if chosen.recipe.evaluate.folds:
        evaluate_folds(experiment, chosen, parsed.out)
    else:
        evaluate(experiment, chosen, parsed.out)
    return 0
