"""Train the second stage: a sequence model that classifies windows of features."""

from recipes.command_line import Flag, parser, settings

FLAGS = (
    Flag(
        "--look-back",
        "sequence.look_back",
        "number of steps in a window, the input of one prediction",
        "L",
        "16, or 4 with a clip network",
    ),
    Flag(
        "--head",
        "sequence.head",
        "head to train: lstm, gru, bilstm_attention, mean or statistics, or auto to compare",
        "NAME",
    ),
    Flag(
        "--pooling",
        "sequence.pooling",
        "from windows to a clip: mean, top, attention or auto",
        "RULE",
    ),
    Flag("--ensemble", "sequence.ensemble", "models to train and average", "N"),
    Flag(
        "--input",
        "backbone.input",
        "features to use after an extraction with auto: frame, change, or auto to compare",
        "NAME",
        "that of the extraction",
    ),
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
