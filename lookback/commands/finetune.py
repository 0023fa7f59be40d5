"""Fine-tune a backbone on the labeled clips."""

from recipes.command_line import BACKBONE_FLAGS, INPUT_FLAG, Flag, parser, settings
from recipes.commands import command
from recipes.loader import Settings
from video.console import silence
from video.errors import UsageError

FLAGS = (
    *BACKBONE_FLAGS,
    INPUT_FLAG,
    Flag("--epochs", "finetune.epochs", "maximum number of epochs", "N"),
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
    flags.add_argument(
        "--distributed",
        metavar="HOST:PORT,N,RANK",
        help="train with N processes, of which this is number RANK, from 0; HOST:PORT is a free "
        "port of the first; auto: from the variables of SLURM and other clusters; needs "
        "KERAS_BACKEND=jax",
    )
    parsed = flags.parse_args(arguments)
    chosen = settings(parsed)
    is_first = parsed.distributed is None or _join(parsed.distributed, chosen) == 0
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


def _join(distributed: str, chosen: Settings) -> int:
    """Join the processes of a training and return this one's rank; only the first shows messages.

    Raises:
        UsageError: The processes or the backend do not fit, or there is no manifest yet.
    """
    from clips.preparation import manifest_path
    from training.processes import join_processes, parse_processes, require_jax

    processes = parse_processes(distributed)
    require_jax()
    if not (path := manifest_path(chosen)).is_file():
        raise UsageError(
            f"--distributed: there is no {path} yet, and every process needs the same one; run "
            f"{command('prepare')} once before"
        )
    rank = join_processes(processes)
    if rank > 0:
        silence()
    return rank
