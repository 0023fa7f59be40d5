"""What a camera gives, in the form in which it is kept: copied H.264 packets, or frames."""

import av

from live.recording.coded import Coded, Coding
from live.recording.h264 import byte_stream, parameter_sets, read_extradata
from video.frame import Frame

# H.264 of other pixel formats does not play in browsers.
_PLAYABLE = (None, "yuv420p", "yuvj420p")
_NEW_RUN_SECONDS = 2.0


class Intake:
    """Decides for each packet and frame whether it is kept; used by the reading thread alone.

    Attributes:
        run: Number of the uninterrupted run of the camera. Each has files of its own.
    """

    def __init__(self, copies: bool) -> None:
        """Begin without a run.

        Args:
            copies: Whether packets may be kept.
        """
        self.run = 0
        self._copies = copies
        self._began, self._newest = 0.0, 0.0
        self._session: int | None = None
        self._stream: object = None
        self._coding: Coding | None = None
        self._extradata: bytes | None = None
        self._header, self._length_size = b"", 0
        self._is_copying = False  # so frames are not needed
        self._is_turned = False
        self._is_restarting = False

    def restart(self) -> None:
        """Begin a new run with the next key picture."""
        # The first packet of a session comes before its first frame, with which the session begins.
        if self._newest - self._began > _NEW_RUN_SECONDS:
            self._is_restarting = True

    def coded(self, packet: av.Packet, seconds: float, session: int | None) -> Coded | None:
        """Return a packet as it is kept; None if it is not kept."""
        if not self._copies or not packet.size:
            return None
        context = packet.stream.codec_context
        is_ours = context is not None and context.name == "h264" and context.pix_fmt in _PLAYABLE
        if not is_ours or self._is_turned:
            self._is_copying = False
            return None
        if packet.stream is not self._stream:  # another connection
            self._stream = packet.stream
            self._begin_run(seconds)
            self._coding = None
        self._enter(session, seconds)
        data = bytes(packet)
        coding = self._coding_of(data, context.extradata or b"", packet.is_keyframe, seconds)
        if coding is None:
            return None
        base = packet.time_base
        pts = None if packet.pts is None else float(packet.pts * base)
        dts = None if packet.dts is None else float(packet.dts * base)
        data = byte_stream(data, self._length_size)
        return Coded(data, packet.is_keyframe, seconds, pts, dts, coding)

    def wants_frame(self, frame: Frame, seconds: float, session: int | None) -> bool:
        """Return whether a frame is kept: no packets are."""
        if self._is_copying:
            if not (frame.quarter_turns or frame.mirrored):
                return False
            self._is_turned, self._is_copying = True, False  # packets cannot be turned
        self._enter(session, seconds)
        if self._is_restarting:
            self._begin_run(seconds)
        return True

    def _enter(self, session: int | None, seconds: float) -> None:
        self._newest = seconds
        if session is not None and session != self._session:
            self._session = session
            self.restart()

    def _begin_run(self, seconds: float) -> None:
        self.run, self._began, self._is_restarting = self.run + 1, seconds, False

    def _coding_of(
        self, data: bytes, extradata: bytes, is_key: bool, seconds: float
    ) -> Coding | None:
        """Return the coding of a packet; None before the first key picture with parameter sets."""
        if extradata != self._extradata:
            self._extradata = extradata
            self._header, self._length_size = read_extradata(extradata)
        if is_key and not self._length_size:
            # A camera whose menu was used sends other sets; those of the stream stay the old ones.
            self._header = parameter_sets(data) or self._header
        if not self._header:
            return None
        self._is_copying = True
        if is_key:
            if self._is_restarting:
                self._begin_run(seconds)
            coding = Coding("h264", self._header, run=self.run)
            # One object for all pictures of a run.
            self._coding = self._coding if self._coding == coding else coding
        return self._coding
