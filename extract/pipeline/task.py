"""The flags of extract.py for a job array: `--shard`, `--threads` and `--network-only`."""

import argparse
import os

from clips.preparation import manifest_path
from clips.shards import Shard, parse_shard
from recipes.commands import command
from recipes.loader import Settings
from video.cores import VARIABLE, usable_cores
from video.errors import UsageError


def add_task_flags(flags: argparse.ArgumentParser) -> None:
    """Add `--shard`, `--threads` and `--network-only` to the flags of a command."""
    flags.add_argument(
        "--shard",
        metavar="NUMBER/COUNT",
        help="compute the videos of one of COUNT shards, from 1; auto: from the variables of AWS "
        "Batch, SLURM or Cloud Run; auto/COUNT: on Kubernetes (default: all videos)",
    )
    flags.add_argument(
        "--threads",
        metavar="N",
        help=f"number of threads (default: {VARIABLE}, or the cores of this process)",
    )
    flags.add_argument(
        "--network-only",
        action="store_true",
        help="save, quantize and convert the network in the model folder, and compute no features: "
        "once before a job array, whose tasks then share it",
    )


def take_threads(threads: str | None) -> None:
    """Let decoders and engines use as many threads as `--threads` says, if it is given.

    Raises:
        UsageError: It is no whole number above 0.
    """
    if threads:
        os.environ[VARIABLE] = threads
    usable_cores()


def shard_of(text: str | None, settings: Settings) -> Shard | None:
    """Return the shard that `--shard` names; None for all videos.

    Raises:
        UsageError: It names none, or there is no manifest yet.
    """
    if text is None:
        return None
    shard = parse_shard(text)
    if not (path := manifest_path(settings)).is_file():
        raise UsageError(
            f"--shard: there is no {path} yet, and all shards need the same one; run "
            f"{command('prepare')} once before"
        )
    return shard
