"""Compute the features of every clip with the backbone and store them in features/."""

from pathlib import Path

from clips.task_flags import take_threads
from extract.pipeline.task import shard_of
from lookback.commands.extract_flags import FLAGS, flag_parser
from recipes.command_line import settings
from storage.trees import leave
from video.signals import ended_by_signals

__all__ = ["FLAGS", "main"]


def main(arguments: list[str] | None = None) -> int:
    parsed = flag_parser(__doc__).parse_args(arguments)
    chosen = settings(parsed)
    take_threads(parsed.threads)
    shard = shard_of(parsed.shard, chosen)
    # Check the command line and the manifest first: the imports below are slow.
    from clips.preparation import load_manifest

    manifest = load_manifest(chosen)

    from extract.extraction import extract, set_up
    from model_folder.config import CONFIG
    from training.keras_backend import device_line

    print(device_line())
    folder = Path(chosen.recipe.model.folder)
    if shard and (folder / CONFIG).is_file():
        leave(folder)  # each shard would send the same converted networks
    with ended_by_signals():
        if parsed.network_only:
            set_up(chosen, manifest)
        else:
            extract(chosen, manifest, shard=shard)
    return 0
