"""Fine-tune a backbone on the clips, so that its features fit the task."""

from recipes.command_line import BACKBONE_FLAGS, Flag, parser, settings

FLAGS = (
    *BACKBONE_FLAGS,
    Flag("--epochs", "finetune.epochs", "epochs at most", "N"),
    Flag(
        "--batch-size",
        "finetune.batch_size",
        "draws a step of training",
        "N",
        "32 pictures, or 4 clips",
    ),
    Flag(
        "--draws-per-clip",
        "finetune.draws_per_clip",
        "drawn a clip and epoch, or all",
        "N",
        "5 pictures, or 1 clip",
    ),
    Flag("--cache", "finetune.cache.draws", "draws kept of what a frozen trunk gives; 0: off", "N"),
    Flag("--limit", "finetune.limit", "clips of train and of val at most; 0 takes all", "N"),
)


def main(arguments: list[str] | None = None) -> int:
    flags = parser("finetune", __doc__, FLAGS)
    flags.add_argument(
        "--resume", action="store_true", help="go on with the unfinished run in --weights"
    )
    parsed = flags.parse_args(arguments)
    chosen = settings(parsed)
    # Slow imports wait until the command line and the manifest are known to be right.
    from clips.preparation import load_manifest

    manifest = load_manifest(chosen)

    from extract.finetuning.trainer import Trainer, print_outcome
    from training.keras_backend import device_line

    print(device_line())
    tuning = Trainer(chosen, manifest, parsed.resume)
    print_outcome(tuning, tuning.train(parsed.resume))
    return 0
