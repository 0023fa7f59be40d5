"""Output of prepare.py: notes and the table of classes and splits."""

from collections import Counter

from clips.finding.probing import ClipFacts
from clips.manifest import SPLITS, Manifest
from clips.manifest.entries import overlapping
from clips.manifest.segments import segments_within
from clips.manifest.time_blocks import time_blocks
from video.console import logger

_LOG = logger(__name__)


def print_notes(facts: dict[str, ClipFacts], rejected: list[tuple[str, str]]) -> None:
    """Print a line for each clip that is damaged or cannot be read."""
    for video, fact in facts.items():
        if fact.note:
            _LOG.warning(f"note: {video}: {fact.note}; the rest is used")
    for video, reason in rejected:
        _LOG.warning(f"rejected: {video}: {reason}")


def print_repeated(equal: list[list[str]]) -> int:
    """Print and return the number of videos with the same content as an earlier one."""
    repeated = sum(len(videos) - 1 for videos in equal)
    if repeated:
        _LOG.warning(
            f"note: {repeated} clips have the same content as another clip (such as {equal[0][0]} "
            f"and {equal[0][1]}); clips with the same content are in one group"
        )
    return repeated


def print_table(
    manifest: Manifest, facts: dict[str, ClipFacts], rejected: int, missing: int, repeated: int
) -> None:
    """Print the number of clips of each class in each split, and the totals.

    Args:
        manifest: The rows that can be used.
        facts: Properties of each decoded video, by its name.
        rejected: The number of files that cannot be decoded.
        missing: The number of listed videos whose file is missing.
        repeated: The number of videos with the same content as an earlier one.
    """
    lengths = {video: fact.seconds for video, fact in facts.items()}
    segments = segments_within(manifest, lengths)
    counts = Counter((each.label, each.split) for each in segments)
    labels = manifest.listed_labels
    width = max(5, *(len(label) for label in labels))
    _LOG.info(f"\n{'class':<{width}}" + "".join(f"{split:>7}" for split in SPLITS))
    for label in labels:
        _LOG.info(f"{label:<{width}}" + "".join(f"{counts[label, split]:>7}" for split in SPLITS))
    if manifest.several:
        _LOG.info(_several_line(manifest))
    groups = len({entry.group for entry in manifest.entries})
    in_time = len(time_blocks(manifest.entries))
    if groups == len(manifest.videos) - repeated and not in_time:
        _LOG.info(
            "Every clip is its own group. If several clips show one source video, scene or person, "
            "group them with --group-by; otherwise the test accuracy is too high."
        )
    seconds = sum(fact.seconds for fact in facts.values())
    absent = f"; {missing} missing" if missing else ""
    parts = f", {len(segments)} labeled parts" if any(e.is_part for e in manifest.entries) else ""
    where = f"{in_time} of them split in time" if in_time else "each in one split"
    _LOG.info(
        f"{len(facts)} clips{parts}, {seconds:.0f} s, {groups} groups, {where}; "
        f"{rejected} rejected{absent}\n{manifest.path}"
    )


def _several_line(manifest: Manifest) -> str:
    """Return the line that says why a clip may have several classes."""
    rows = sum(len(entry.labels) > 1 for entry in manifest.entries)
    found = overlapping(manifest.entries)
    start = "A clip may have several classes (a multi-label set): "
    if rows:
        return f"{start}{rows} of {len(manifest.entries)} rows have several labels."
    assert found is not None  # the other reason
    one, other = found
    return (
        f"{start}{one.label} and {other.label} of {one.video} overlap at {other.span[0]:g} s. If "
        "that is a mistake, correct their times."
    )
