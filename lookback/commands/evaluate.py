"""Measure the trained model on clips it never saw, beside baselines; or the recipe over folds."""

from pathlib import Path

from recipes.command_line import Flag, parser, settings

FLAGS = (
    Flag("--split", "evaluate.split", "train, val or test", "SPLIT"),
    Flag("--folds", "evaluate.folds", "train and test anew over N folds of the groups", "N"),
    Flag("--repeats", "evaluate.repeats", "of the folds, each drawn anew", "N"),
    Flag("--views", "evaluate.views", "windows of a clip that are averaged, evenly spread", "N"),
    Flag(
        "--head",
        "sequence.head",
        "own: the fine-tuned network's own classifier; with --folds: the head to train",
        "NAME",
        "the second stage; own where there is none; with --folds lstm",
    ),
    Flag(
        "--look-back",
        "sequence.look_back",
        "with --folds: steps a prediction sees",
        "L",
        "16, or 4 of clips",
    ),
)


def main(arguments: list[str] | None = None) -> int:
    flags = parser("evaluate", __doc__, FLAGS)
    flags.add_argument(
        "--out", type=Path, metavar="FOLDER", help="(default: reports/<model folder's name>)"
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
