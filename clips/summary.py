"""The lines that prepare.py prints."""

from collections import Counter

from clips.finding.probing import ClipFacts
from clips.manifest import SPLITS, Manifest
from video.console import logger

_LOG = logger(__name__)


def print_notes(facts: dict[str, ClipFacts], rejected: list[tuple[str, str]]) -> None:
    """Print a line for each clip that is read only in part or not at all."""
    for video, fact in facts.items():
        if fact.note:
            _LOG.warning(f"note: {video}: {fact.note}; what decodes is used")
    for video, reason in rejected:
        _LOG.warning(f"rejected: {video}: {reason}")


def print_repeated(equal: list[list[str]]) -> int:
    """Print how many videos have the same content as another one before; return that number."""
    repeated = sum(len(videos) - 1 for videos in equal)
    if repeated:
        _LOG.warning(
            f"note: the same content as another one: {repeated} clips (such as {equal[0][0]} and "
            f"{equal[0][1]}); those of one content are in one group"
        )
    return repeated


def print_table(
    manifest: Manifest, facts: dict[str, ClipFacts], rejected: int, missing: int, repeated: int
) -> None:
    """Print the clips of each class on each side of the split, and the totals.

    Args:
        manifest: The rows that can be used.
        facts: What decoding showed, by video.
        rejected: The number of files that cannot be decoded.
        missing: The number of listed videos that are not there.
        repeated: The number of videos with the same content as another one before.
    """
    counts = Counter((entry.label, entry.split) for entry in manifest.entries)
    width = max(5, *(len(label) for label in manifest.labels))
    _LOG.info(f"\n{'class':<{width}}" + "".join(f"{split:>7}" for split in SPLITS))
    for label in manifest.labels:
        _LOG.info(f"{label:<{width}}" + "".join(f"{counts[label, split]:>7}" for split in SPLITS))
    groups = len({entry.group for entry in manifest.entries})
    if groups == len(manifest.videos) - repeated:
        _LOG.info(
            "Every clip is a group of its own. If several come from one video, scene or person, "
            "say so with --group-by, or the test will flatter."
        )
    seconds = sum(fact.seconds for fact in facts.values())
    absent = f"; {missing} not there" if missing else ""
    _LOG.info(
        f"{len(facts)} clips, {seconds:.0f} s, {groups} groups, each on one side of the split; "
        f"{rejected} rejected{absent}\n{manifest.path}"
    )
