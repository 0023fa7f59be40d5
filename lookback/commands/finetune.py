"""Fine-tune a backbone on the labeled clips."""

from extract.finetuning.joining import add_distributed_flag, join
from recipes.command_line import BACKBONE_FLAGS, INPUT_FLAG, Flag, parser, settings

FLAGS = (
    *BACKBONE_FLAGS,
    INPUT_FLAG,
    Flag("--epochs", "finetune.epochs", "maximum number of epochs", "N"),
    Flag(
        "--batch-size", "finetune.batch_size", "clips per batch", "N", "32, or 4 for clip networks"
    ),
    Flag(
        "--clips-per-video",
        "finetune.clips_per_video",
        "clips sampled per labeled clip and epoch, or all",
        "N",
        "5, or 1 for clip networks",
    ),
    Flag(
        "--cache-epochs",
        "finetune.cache.epochs",
        "epochs for which the frozen stages' outputs are cached in memory; 0: off",
        "N",
    ),
    Flag(
        "--limit",
        "finetune.limit",
        "maximum labeled clips in each of train and val; 0: no limit",
        "N",
    ),
)


def main(arguments: list[str] | None = None) -> int:
    flags = parser("finetune", __doc__, FLAGS)
    flags.add_argument(
        "--resume", action="store_true", help="resume the unfinished run in --weights"
    )
    add_distributed_flag(flags)
    parsed = flags.parse_args(arguments)
    chosen = settings(parsed)
    is_first = join(parsed.distributed, chosen)
    # Check the command line and the manifest first: the imports below are slow.
    from clips.preparation import load_manifest

    manifest = load_manifest(chosen)

    from extract.finetuning.trainer import Trainer, print_outcome
    from training.keras_backend import device_line

    if is_first:
        print(device_line())
    tuning = Trainer(chosen, manifest, parsed.resume)
    print_outcome(tuning, tuning.train(parsed.resume))
    return 0
