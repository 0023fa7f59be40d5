"""The note on a file: what of it was missing, damaged or assumed, as decoding showed."""

from dataclasses import dataclass, field

import av
from av.container import InputContainer

from video.clock import FILE_GAP_SECONDS

# AVFMT_NOTIMESTAMPS: a bare stream of pictures, such as .h264 from a Raspberry Pi.
_NO_TIMES = 0x80

# Differences to the header below this are how codecs start, not a missing beginning.
_LATE_SECONDS = 0.5


@dataclass
class Ending:
    """How decoding a file went.

    Attributes:
        frames: decoded.
        seconds: of the last one, on the clip's clock.
        first_stamp: of the first one, in seconds as the container counts; None where it has none.
        gaps: seconds of the frames that come after a gap.
        breaks_off: why nothing could be read any more; empty where the file was read to its end.
        damaged: packets that could not be decoded.
        damage: why the last of these could not be, in brackets; empty where it is plain damage.
    """

    frames: int = 0
    seconds: float = 0.0
    first_stamp: float | None = None
    gaps: list[float] = field(default_factory=list)
    breaks_off: str = ""
    damaged: int = 0
    damage: str = ""


def remarks(container: InputContainer, stream: av.VideoStream, rate: float, ending: Ending) -> str:
    """Return the note, empty where nothing was wrong.

    Args:
        container: The file, still open.
        stream: Its video.
        rate: Nominal frames a second.
        ending: How decoding went.
    """
    late = _seconds_before(stream, ending)
    begins = late > max(_LATE_SECONDS, 2 / rate)
    promised = _promised_seconds(container, stream)
    missing = promised - (ending.seconds + 1 / rate) - (late if begins else 0.0)
    found = []
    if begins:
        found.append(f"its first {late:.1f} s cannot be decoded (cut off before a key frame)")
    if ending.breaks_off:
        found.append(f"breaks off after {ending.frames} frames ({ending.breaks_off})")
    elif missing > max(1.0, 0.1 * promised):
        early = f"{missing:.1f} s before what its header says"
        found.append(f"ends after {ending.frames} frames, {early}")
    if ending.damaged:
        skipped = f"{ending.damaged} damaged packet{'s' * (ending.damaged > 1)} skipped"
        found.append(f"{skipped}{ending.damage}, {ending.frames} frames")
    if ending.gaps:
        found.append(_gap_note(ending.gaps))
    if ending.frames and container.format.flags & _NO_TIMES:
        found.append(f"holds no times: {rate:.3g} frames a second are assumed")
    return "; ".join(found)


def _seconds_before(stream: av.VideoStream, ending: Ending) -> float:
    """Return how long after the stream's start its first decoded frame is."""
    if ending.first_stamp is None or stream.start_time is None or stream.time_base is None:
        return 0.0
    return ending.first_stamp - float(stream.start_time * stream.time_base)


def _promised_seconds(container: InputContainer, stream: av.VideoStream) -> float:
    """Return the seconds that the header promises, counted from the stream's start."""
    promised = float((stream.duration or 0) * (stream.time_base or 0))
    if promised or "matroska" not in container.format.name:
        return promised
    # Matroska has the duration of the file alone, and it is the time of its end.
    start = max(0, container.start_time or 0)
    return max(0, (container.duration or 0) - start) / av.time_base


def _gap_note(gaps: list[float]) -> str:
    many = f"{len(gaps)} gaps" if len(gaps) > 1 else "a gap"
    which = f", the first before {gaps[0]:.0f} s" if len(gaps) > 1 else f" before {gaps[0]:.0f} s"
    return f"{many} of more than {FILE_GAP_SECONDS:.0f} s without frames{which}: no steps there"
