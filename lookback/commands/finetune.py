"""Fine-tune a backbone on the labelled clips."""

from recipes.command_line import BACKBONE_FLAGS, Flag, parser, settings

FLAGS = (
    *BACKBONE_FLAGS,
    Flag("--epochs", "finetune.epochs", "maximum epochs", "N"),
    Flag(
        "--batch-size",
        "finetune.batch_size",
        "clips per batch",
        "N",
        "32, or 4 for clip networks",
    ),
    Flag(
        "--clips-per-video",
        "finetune.clips_per_video",
        "clips sampled per labelled clip and epoch, or all",
        "N",
        "5, or 1 for clip networks",
    ),
    Flag(
        "--cache-epochs",
        "finetune.cache.epochs",
        "epochs whose frozen outputs are cached; 0: off",
        "N",
    ),
    Flag(
        "--limit", "finetune.limit", "maximum labelled clips in train and in val; 0: no limit", "N"
    ),
)


def main(arguments: list[str] | None = None) -> int:
    flags = parser("finetune", __doc__, FLAGS)
    flags.add_argument(
        "--resume", action="store_true", help="continue the unfinished run in --weights"
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
