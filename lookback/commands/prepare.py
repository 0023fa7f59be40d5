"""Check the clips of a folder, group and split them, and write manifest.csv and rejected.csv."""

from clips.converting import convert
from clips.flags import FLAGS, add_flags
from clips.flattening import flatten
from clips.inspecting import Unconfirmed
from clips.inspection.report import report_folder
from clips.multiplying import copied_amounts, parse_splits, write_copies
from clips.preparation import manifest_path, prepare, probe_shard
from clips.shards import parse_shard
from clips.task_flags import add_task_flags, take_threads
from lookback.commands.prepare_flags import (
    add_prepare_flags,
    check_conversion,
    check_shard,
    confirmation,
)
from recipes.command_line import parser, settings
from video.console import logger
from video.signals import ended_by_signals

_LOG = logger(__name__)
__all__ = ["FLAGS", "main"]


def main(arguments: list[str] | None = None) -> int:
    flags = parser("prepare", __doc__, FLAGS)
    add_flags(flags)
    add_prepare_flags(flags)
    add_task_flags(flags, "only read", "all videos, and write the manifest")
    parsed = flags.parse_args(arguments)
    take_threads(parsed.threads)
    chosen, splits = settings(parsed), parse_splits(parsed.augment_splits)
    if parsed.augment:
        copied_amounts(chosen.recipe.finetune.augment)  # before the clips are decoded
    data = manifest_path(chosen).parent
    if parsed.shard:
        check_shard(parsed)
        with ended_by_signals():
            probe_shard(chosen, parse_shard(parsed.shard))
        return 0
    check_conversion(parsed, data)
    out = report_folder(parsed.out, data)
    try:
        with ended_by_signals():
            manifest = prepare(chosen, parsed.drop_missing, out, confirmation(parsed.yes))
    except Unconfirmed as end:
        _LOG.info(str(end))
        return 0
    if parsed.augment:
        write_copies(manifest, chosen, parsed.augment, splits)
    if parsed.flatten:
        flatten(manifest, parsed.flatten)
    if parsed.convert:
        convert(manifest, parsed.convert, parsed.short_side)
    return 0
