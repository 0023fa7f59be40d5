"""The flag `--network-only` and the shard of extract.py in a job array."""

import argparse
from pathlib import Path

from clips.preparation import manifest_path
from clips.shards import Shard, parse_shard
from model_folder.config import CONFIG
from recipes.commands import command
from recipes.loader import Settings
from storage.trees import leave
from video.errors import UsageError


def add_network_only(flags: argparse.ArgumentParser) -> None:
    """Add `--network-only` to the flags of a command."""
    flags.add_argument(
        "--network-only",
        action="store_true",
        help="save, quantize and convert the network in the model folder, and compute no features: "
        "once before a job array, whose tasks then share it",
    )


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


def leave_network(settings: Settings) -> None:
    """Let a model folder on other storage stay as it is there: each shard would send the same."""
    folder = Path(settings.recipe.model.folder)
    if (folder / CONFIG).is_file():
        leave(folder)
