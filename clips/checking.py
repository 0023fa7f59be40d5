"""Check of the files of a manifest: missing ones, broken ones, short ones, equal ones."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from clips import manifest as manifests
from clips.finding.probing import ClipFacts, probe
from clips.manifest import Entry, Manifest
from clips.manifest.duplicates import equal_videos
from clips.manifest.presence import REJECTED, drop_videos, missing_videos, refuse_many_missing
from video.console import logger, progress_bar
from video.errors import LookbackError, VideoError

_LOG = logger(__name__)


@dataclass(frozen=True)
class Check:
    """Result of decoding the files of a manifest.

    Attributes:
        missing: Videos whose file is missing.
        facts: Properties of each decoded video.
        rejected: Videos that cannot be decoded or are too short, each with the reason.
        equal: Groups of videos with the same content.
    """

    missing: list[str]
    facts: dict[str, ClipFacts]
    rejected: list[tuple[str, str]]
    equal: list[list[str]]


def check_files(
    rows: Manifest, min_seconds: float = 0.0, left_out: Sequence[tuple[str, str]] = ()
) -> Check:
    """Decode every existing video; write rejected.csv.

    Args:
        rows: The rows.
        min_seconds: Duration below which a video is rejected.
        left_out: Further lines of rejected.csv, each a video and the reason.

    Raises:
        LookbackError: No clip can be used.
    """
    folder = rows.path.parent
    missing = missing_videos(rows)
    facts, rejected = _probe_all(folder, drop_videos(rows, missing).videos)
    short = [
        (video, f"{fact.duration:.2f} s, shorter than --min-seconds {min_seconds:g}")
        for video, fact in facts.items()
        if fact.duration < min_seconds
    ]
    for video, _ in short:
        del facts[video]
    rejected += short
    lines = [*rejected, *left_out]
    manifests.write_rows(folder / REJECTED, ["video", "reason"], lines)
    if not facts:
        refuse_many_missing(rows, missing)
        raise LookbackError(f"{folder}: no clip can be read; see {folder / REJECTED}")
    return Check(missing, facts, rejected, equal_videos(folder, facts))


def without_short_parts(
    entries: Sequence[Entry], facts: dict[str, ClipFacts], min_seconds: float
) -> list[Entry]:
    """Return the rows without the parts of videos that are shorter than a time in seconds.

    With a time of 0, all rows stay, also a part behind the end of its video.
    """
    if not min_seconds:
        return list(entries)

    def seconds(entry: Entry) -> float:
        whole = facts[entry.video].duration if entry.video in facts else float("inf")
        end = whole if entry.end is None else min(entry.end, whole)
        return end - (entry.start or 0.0)

    kept = [each for each in entries if not each.is_part or seconds(each) >= min_seconds]
    if len(kept) < len(entries):
        short = next(each for each in entries if each not in set(kept))
        _LOG.warning(
            f"note: {len(entries) - len(kept)} parts of videos are shorter than --min-seconds "
            f"{min_seconds:g} and left out, such as {short.label} of {short.video} from "
            f"{short.start or 0.0:g} s; their time counts as background if the video has other rows"
        )
    return kept


def _probe_all(
    folder: Path, videos: list[str]
) -> tuple[dict[str, ClipFacts], list[tuple[str, str]]]:
    def look(video: str) -> ClipFacts | str:
        try:
            return probe(folder / video)
        except VideoError as error:
            return str(error).removeprefix(f"{folder / video}: ")

    # The decoder has its own threads; two clips at once use the time between clips.
    with ThreadPoolExecutor(2) as pool:
        results = list(progress_bar(pool.map(look, videos), "check", len(videos), unit="clip"))
    answers = dict(zip(videos, results, strict=True))
    facts = {video: answer for video, answer in answers.items() if isinstance(answer, ClipFacts)}
    return facts, [(video, answer) for video, answer in answers.items() if video not in facts]
