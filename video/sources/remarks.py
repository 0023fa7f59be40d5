"""The note about a file: parts that are missing, damaged or assumed, found by decoding."""

from dataclasses import dataclass, field

import av
from av.container import InputContainer

from video.clock import FILE_GAP_SECONDS

# AVFMT_NOTIMESTAMPS: a stream without a container, such as .h264 from a Raspberry Pi.
_NO_TIMES = 0x80

# Smaller differences to the header come from the codec, not from a missing beginning.
_LATE_SECONDS = 0.5


@dataclass
class Ending:
    """Result of decoding a file.

    Attributes:
        frames: Number of decoded frames.
        seconds: Time of the last frame in the video.
        first_stamp: Time of the first frame in the container, in seconds; None if it has none.
        gaps: Times of the frames that come after a gap.
        breaks_off: Reason for an early end of reading; empty if the file was read to its end.
        damaged: Number of packets that could not be decoded.
        damage: Reason for the last of these, in parentheses; empty for ordinary damage.
    """

    frames: int = 0
    seconds: float = 0.0
    first_stamp: float | None = None
    gaps: list[float] = field(default_factory=list)
    breaks_off: str = ""
    damaged: int = 0
    damage: str = ""


def remarks(container: InputContainer, stream: av.VideoStream, rate: float, ending: Ending) -> str:
    """Return the note, empty if nothing is wrong.

    Args:
        container: The file, still open.
        stream: Its video stream.
        rate: Nominal frames per second.
        ending: The result of decoding.
    """
    if not ending.frames:
        return _why_empty(ending)
    late = _seconds_before(stream, ending)
    begins = late > max(_LATE_SECONDS, 2 / rate)
    promised = _promised_seconds(container, stream)
    missing = promised - (ending.seconds + 1 / rate) - (late if begins else 0.0)
    found = []
    if begins:
        found.append(f"its first {late:.1f} s cannot be decoded (no key frame before them)")
    if ending.breaks_off:
        found.append(f"reading stops after {ending.frames} frames ({ending.breaks_off})")
    elif missing > max(1.0, 0.1 * promised):
        early = f"{missing:.1f} s earlier than its header says"
        found.append(f"ends after {ending.frames} frames, {early}")
    if ending.damaged:
        skipped = f"{ending.damaged} damaged packet{'s' * (ending.damaged > 1)} skipped"
        found.append(f"{skipped}{ending.damage}, {ending.frames} frames")
    if ending.gaps:
        found.append(_gap_note(ending.gaps))
    if container.format.flags & _NO_TIMES:
        found.append(f"has no time stamps: {rate:.3g} frames per second are assumed")
    return "; ".join(found)


def _why_empty(ending: Ending) -> str:
    """Return the reason why a file gives no frame; empty if its data ends before the first one."""
    if ending.damaged:
        packets = "packet is" if ending.damaged == 1 else f"{ending.damaged} packets are"
        return f"its {packets} damaged{ending.damage}"
    return ending.breaks_off


def _seconds_before(stream: av.VideoStream, ending: Ending) -> float:
    """Return the seconds between the start of the stream and its first decoded frame."""
    if ending.first_stamp is None or stream.start_time is None or stream.time_base is None:
        return 0.0
    return ending.first_stamp - float(stream.start_time * stream.time_base)


def _promised_seconds(container: InputContainer, stream: av.VideoStream) -> float:
    """Return the duration in the header in seconds, counted from the start of the stream."""
    promised = float((stream.duration or 0) * (stream.time_base or 0))
    if promised or "matroska" not in container.format.name:
        return promised
    # Matroska stores only the duration of the file, which is the time of its end.
    start = max(0, container.start_time or 0)
    return max(0, (container.duration or 0) - start) / av.time_base


def _gap_note(gaps: list[float]) -> str:
    many = f"{len(gaps)} gaps" if len(gaps) > 1 else "a gap"
    first = f", the first before {gaps[0]:.0f} s" if len(gaps) > 1 else f" before {gaps[0]:.0f} s"
    return f"{many} of more than {FILE_GAP_SECONDS:.0f} s without frames{first}: no steps there"
