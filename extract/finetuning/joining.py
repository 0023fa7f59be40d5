"""The flag `--distributed` of finetune.py: joins the processes of a training.

It imports no Keras: JAX has to know the other processes before Keras starts.
"""

import argparse

from clips.preparation import manifest_path
from recipes.commands import command
from recipes.loader import Settings
from training.processes import join_processes, parse_processes, require_jax
from video.console import silence
from video.errors import UsageError


def add_distributed_flag(flags: argparse.ArgumentParser) -> None:
    """Add `--distributed` to the flags of a command."""
    flags.add_argument(
        "--distributed",
        metavar="HOST:PORT,N,RANK",
        help="train with N processes, of which this is number RANK, from 0; HOST:PORT is a free "
        "port of the first; auto: from the variables of SLURM and other clusters; needs "
        "KERAS_BACKEND=jax",
    )


def join(distributed: str | None, settings: Settings) -> bool:
    """Join the processes that `--distributed` names, if any.

    Args:
        distributed: Value of the flag; None for a training in one process.
        settings: Settings, which name the manifest.

    Returns:
        Whether this process is the first, which alone shows messages.

    Raises:
        UsageError: The processes or the backend do not fit, or there is no manifest yet.
    """
    if distributed is None:
        return True
    processes = parse_processes(distributed)
    require_jax()
    if not (path := manifest_path(settings)).is_file():
        raise UsageError(
            f"--distributed: there is no {path} yet, and every process needs the same one; run "
            f"{command('prepare')} once before"
        )
    is_first = join_processes(processes) == 0
    if not is_first:
        silence()
    return is_first
