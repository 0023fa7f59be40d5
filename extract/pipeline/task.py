"""The shard of extract.py in a job array."""

from clips.preparation import manifest_path
from clips.shards import Shard, parse_shard
from recipes.commands import command
from recipes.loader import Settings
from video.errors import UsageError


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
