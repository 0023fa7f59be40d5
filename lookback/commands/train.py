"""Train the second stage: a sequence model that classifies windows of features."""

from recipes.command_line import SECOND_STAGE_FLAGS, Flag, parser, settings

FLAGS = (
    Flag(
        "--head",
        "sequence.head",
        "head to train: lstm, gru, bilstm_attention, mean or statistics, or auto to compare",
        "NAME",
    ),
    *SECOND_STAGE_FLAGS,
    Flag("--epochs", "sequence.epochs", "maximum number of epochs", "N"),
    Flag("--batch-size", "sequence.batch_size", "windows per training batch", "N"),
    Flag(
        "--search",
        "search.trials",
        "settings of the second stage to try on train and val before training; 0: no search",
        "N",
    ),
)


def main(arguments: list[str] | None = None) -> int:
    chosen = settings(parser("train", __doc__, FLAGS).parse_args(arguments))
    # Check the command line and its files first: the imports below are slow.
    from sequence.experiment import open_experiment

    experiment = open_experiment(chosen)

    from sequence.search.run import search
    from sequence.trainer import train
    from training.keras_backend import device_line

    print(device_line())
    (search if chosen.recipe.search.trials else train)(experiment, chosen)
    return 0
