"""Files of a timeline: a table (.csv), JSON (.json), and subtitles for players (.srt, .vtt)."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from clips.manifest.entries import BACKGROUND
from metrics.timeline import TimelineSegment
from video.atomic_write import atomic_write
from video.errors import LookbackError, UsageError

COLUMNS = ("label", "start", "end", "probability")
SUFFIXES = (".csv", ".json", ".srt", ".vtt")


def require_suffix(path: Path, flag: str = "") -> None:
    """Raise `UsageError` unless a file's suffix names a format.

    Args:
        path: The file.
        flag: The flag that named it, for the message.
    """
    if path.suffix.lower() not in SUFFIXES:
        known = ", ".join(SUFFIXES)
        raise UsageError(f"{f'{flag} {path}'.strip()}: the suffix names the format; use {known}")


def write_timeline(path: Path, segments: Sequence[TimelineSegment], video: str = "") -> None:
    """Write a timeline in the format of the file's suffix, replacing the file in one step.

    Times have milliseconds. Subtitles leave out the class `background`, and have a cue per segment
    with its label and probability.

    Args:
        path: The file: .csv, .json, .srt or .vtt. Its folder is created.
        segments: The segments, in order of time.
        video: Name of the video, for JSON.

    Raises:
        LookbackError: The file cannot be written.
        UsageError: The suffix names no format.
    """
    require_suffix(path)
    text = _WRITERS[path.suffix.lower()](segments, video)
    try:
        with atomic_write(path) as temporary:
            temporary.write_bytes(text.encode())
    except OSError as error:
        raise LookbackError(f"{path}: cannot be written ({error.strerror})") from None


def _csv(segments: Sequence[TimelineSegment], video: str) -> str:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    for each in segments:
        times = (f"{each.start:.3f}", f"{each.end:.3f}")
        rows.writerow([each.label, *times, f"{each.probability:.4f}"])
    return text.getvalue()


def _json(segments: Sequence[TimelineSegment], video: str) -> str:
    found = [{name: _rounded(value) for name, value in asdict(each).items()} for each in segments]
    return json.dumps({"video": video, "segments": found}, indent=2, ensure_ascii=False) + "\n"


def _rounded(value: str | float) -> str | float:
    return value if isinstance(value, str) else round(value, 4)


def _srt(segments: Sequence[TimelineSegment], video: str) -> str:
    cues = []
    for number, each in enumerate(_cues(segments), 1):
        text = _line(each).replace("-->", "->")  # an arrow separates times
        cues.append(f"{number}\n{_time(each.start, ',')} --> {_time(each.end, ',')}\n{text}\n")
    return "\n".join(cues)


def _vtt(segments: Sequence[TimelineSegment], video: str) -> str:
    cues = ["WEBVTT\n"]
    for each in _cues(segments):
        text = _line(each).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        cues.append(f"{_time(each.start, '.')} --> {_time(each.end, '.')}\n{text}\n")
    return "\n".join(cues)


def _cues(segments: Sequence[TimelineSegment]) -> list[TimelineSegment]:
    """Return the segments that subtitles show; players refuse cues without a length."""
    shown = [each for each in segments if each.label != BACKGROUND]
    return [each for each in shown if _milliseconds(each.end) > _milliseconds(each.start)]


def _line(segment: TimelineSegment) -> str:
    return f"{' '.join(segment.label.split())} ({segment.probability:.2f})"


def _milliseconds(seconds: float) -> int:
    return round(1000 * seconds)


def _time(seconds: float, point: str) -> str:
    """Return a time as `01:02:03,500`.

    >>> _time(3723.5, ",")
    '01:02:03,500'
    """
    minutes, milliseconds = divmod(_milliseconds(seconds), 60_000)
    whole, rest = divmod(milliseconds, 1000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{whole:02}{point}{rest:03}"


_WRITERS = {".csv": _csv, ".json": _json, ".srt": _srt, ".vtt": _vtt}
