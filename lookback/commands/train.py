"""Train the second stage, which classifies the features of the last steps."""

from recipes.command_line import Flag, parser, settings

FLAGS = (
    Flag(
        "--look-back",
        "sequence.look_back",
        "number of steps that one prediction sees",
        "L",
        "16, or 4 with a clip network",
    ),
    Flag("--head", "sequence.head", "kind of network: lstm, gru, bilstm_attention or mean", "NAME"),
    Flag("--epochs", "sequence.epochs", "maximum number of epochs", "N"),
    Flag("--batch-size", "sequence.batch_size", "windows per training batch", "N"),
)


def main(arguments: list[str] | None = None) -> int:
    chosen = settings(parser("train", __doc__, FLAGS).parse_args(arguments))
    # Slow imports wait until the command line and the files it names are known to be right.
    from sequence.experiment import open_experiment

    experiment = open_experiment(chosen)

    from sequence.trainer import train
    from training.keras_backend import device_line

    print(device_line())
    train(experiment, chosen)
    return 0
