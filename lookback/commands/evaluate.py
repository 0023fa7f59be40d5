"""Measure the model and its baselines on the test clips; with --folds, train and test by
cross-validation; with --alarms, measure false alarms on long videos."""

from live.alarm_options import add_alarm_flags, alarm_options
from lookback.commands.evaluate_flags import FLAGS, add_switches
from recipes.command_line import parser, settings
from storage.roles import out_folder

__all__ = ["FLAGS", "main"]


def main(arguments: list[str] | None = None) -> int:
    flags = parser("evaluate", __doc__, FLAGS)
    out = "report folder (default: reports/<name of the model folder>)"
    flags.add_argument("--out", type=out_folder, metavar="FOLDER", help=out)
    add_switches(flags)
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

    from sequence.evaluation_folds import evaluate_folds
    from sequence.evaluator import evaluate

    if chosen.recipe.evaluate.folds:
        evaluate_folds(experiment, chosen, parsed.out)
    else:
        evaluate(experiment, chosen, parsed.out)
    return 0
