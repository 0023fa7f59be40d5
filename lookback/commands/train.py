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
)


def main(arguments: list[str] | None = None) -> int:
    chosen = settings(parser("train", __doc__, FLAGS).parse_args(arguments))
    # Check the command line and its files first: the imports below are slow.
    from sequence.experiment import open_experiment

    experiment = open_experiment(chosen)

    from sequence.trainer import train
    from training.keras_backend import device_line

    print(device_line())
    train(experiment, chosen)
    return 0
