"""Check of the files of a manifest: missing ones, broken ones, short ones, equal ones."""

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from clips import manifest as manifests
from clips.finding.probing import ClipFacts
from clips.inspecting import inspect
from clips.inspection.report import Inspection
from clips.kept_looks import KeptLooks
from clips.looking import Look, Outcome, outcome_of
from clips.manifest import Entry, Manifest
from clips.manifest.duplicates import equal_videos
from clips.manifest.hashes import Hashes
from clips.manifest.presence import REJECTED, drop_videos, missing_videos, refuse_many_missing
from storage.mirror import url_of
from video.console import logger, progress_bar
from video.cores import usable_cores
from video.errors import LookbackError

_LOG = logger(__name__)
# Whose results are waited for together: a list of a million tasks would take a gigabyte.
_CLIPS_AT_ONCE = 1024
_REQUESTS = 8


@dataclass(frozen=True)
class Check:
    """Result of a look at the files of a manifest.

    Attributes:
        missing: Videos whose file is missing.
        facts: Properties of each usable video.
        rejected: Videos that cannot be decoded or are too short, each with the reason.
        equal: Groups of videos with the same content.
        found: What else was found out about the clips.
    """

    missing: list[str]
    facts: dict[str, ClipFacts]
    rejected: list[tuple[str, str]]
    equal: list[list[str]]
    found: Inspection


def check_files(
    rows: Manifest,
    min_seconds: float = 0.0,
    left_out: Sequence[tuple[str, str]] = (),
    compared_clips: int | None = None,
) -> Check:
    """Look at every existing video that is not known yet; write rejected.csv.

    Args:
        rows: The rows.
        min_seconds: Duration below which a video is rejected.
        left_out: Further lines of rejected.csv, each a video and the reason.
        compared_clips: Number of videos up to which they are compared with each other; None for
            no limit.

    Raises:
        LookbackError: No clip can be used.
    """
    folder = rows.path.parent
    missing = missing_videos(rows)
    videos = drop_videos(rows, missing).videos
    compared = compared_clips is None or len(videos) <= compared_clips
    kept = KeptLooks(folder, videos)
    look_at_new(folder, videos, kept, compared)
    kept.join()
    # A file that changed since has no outcome yet.
    outcomes = {
        video: kept.get(video, compared) or outcome_of(folder / video, compared) for video in videos
    }
    _keep_hashes(folder, outcomes)
    looks = {video: each.found for video, each in outcomes.items() if isinstance(each.found, Look)}
    rejected = [
        (video, each.found) for video, each in outcomes.items() if isinstance(each.found, str)
    ]
    facts = {video: look.facts for video, look in looks.items()}
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
    known = {video: (each.state[0], each.sha256) for video, each in outcomes.items() if each.sha256}
    equal = equal_videos(folder, facts, known)
    if not compared:
        _LOG.warning(
            f"note: {len(videos)} clips are more than data.compared_clips ({compared_clips}): they "
            "are not compared with each other, so copies that were encoded again and clips of one "
            "scene are not found"
        )
    contents = {video: sha256 for video, (_, sha256) in known.items()}
    usable = {video: looks[video] for video in facts}
    found = inspect(folder, usable, rejected, missing, equal, contents, compared)
    return Check(missing, facts, rejected, equal, found)


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
        long = set(kept)
        short = next(each for each in entries if each not in long)
        _LOG.warning(
            f"note: {len(entries) - len(kept)} parts of videos are shorter than --min-seconds "
            f"{min_seconds:g} and left out, such as {short.label} of {short.video} from "
            f"{short.start or 0.0:g} s; their time counts as background if the video has other rows"
        )
    return kept


def look_at_new(folder: Path, videos: Collection[str], kept: KeptLooks, compared: bool) -> int:
    """Look at the videos that are not known yet, on all cores; return their number.

    What is found is kept also where a signal ends the command.

    Args:
        folder: Folder to which the videos are relative.
        videos: The videos, which exist.
        kept: The outcomes that are known, which get the new ones.
        compared: Whether sketches are made, for the comparison.
    """
    new = [video for video in videos if kept.get(video, compared) is None]
    cores = usable_cores()
    # Few clips leave cores to the decoder of each.
    decoder_threads = 1 if len(new) >= cores else 0

    def look(video: str) -> Outcome:
        return outcome_of(folder / video, compared, decoder_threads)

    # Those on S3 and other storage are waited for.
    pool = ThreadPoolExecutor(max(cores, _REQUESTS) if url_of(folder) else cores)
    try:
        with progress_bar(
            desc="check", total=len(videos), initial=len(videos) - len(new), unit="clip"
        ) as bar:
            for start in range(0, len(new), _CLIPS_AT_ONCE):
                some = new[start : start + _CLIPS_AT_ONCE]
                for video, outcome in zip(some, pool.map(look, some), strict=True):
                    kept.put(video, outcome)
                    bar.update()
    finally:
        pool.shutdown(cancel_futures=True)
        kept.save()
    return len(new)


def _keep_hashes(folder: Path, outcomes: Mapping[str, Outcome]) -> None:
    """Let extraction know the hashes of the files, so that it need not read them for that."""
    hashes = Hashes(folder)
    for video, outcome in outcomes.items():
        if outcome.sha256:
            hashes.put(video, outcome.state, outcome.sha256)
    hashes.save()
