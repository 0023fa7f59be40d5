"""The flags that place a command in a job array: `--shard` and `--threads`."""

import argparse
import os

from video.cores import VARIABLE, usable_cores


def add_task_flags(flags: argparse.ArgumentParser, work: str, default: str) -> None:
    """Add `--shard` and `--threads` to the flags of a command.

    Args:
        flags: The parser.
        work: What the command does with the videos of a shard, such as "compute".
        default: What it does without a shard.
    """
    flags.add_argument(
        "--shard",
        metavar="NUMBER/COUNT",
        help=f"{work} the videos of one of COUNT shards, from 1; auto: from the variables of AWS "
        f"Batch, SLURM or Cloud Run; auto/COUNT: on Kubernetes (default: {default})",
    )
    flags.add_argument(
        "--threads",
        metavar="N",
        help=f"number of threads (default: {VARIABLE}, or the cores of this process)",
    )


def take_threads(threads: str | None) -> None:
    """Let decoders and engines use as many threads as `--threads` says, if it is given.

    Raises:
        UsageError: It is no whole number above 0.
    """
    if threads:
        os.environ[VARIABLE] = threads
    usable_cores()
