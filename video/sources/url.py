"""Network streams (RTSP, HTTP and other protocols of FFmpeg), through PyAV."""

import errno
import re
from collections.abc import Iterator

import av

from video.errors import VideoError
from video.frame import Frame
from video.libav import fault_of, open_input
from video.orientation import orientation_of
from video.sources.newest import NewestFrameSource
from video.sources.streams import best_stream, nominal_rate, pixel_aspect, use_threads

_OPEN_SECONDS, _READ_SECONDS = 10.0, 10.0


def without_secrets(address: str) -> str:
    """Return an address for messages, without user, password and query.

    >>> without_secrets("rtsp://admin:secret@10.0.0.7:554/stream?token=abc")
    'rtsp://10.0.0.7:554/stream'
    """
    scheme = "".join(address.partition("://")[:2]) if "://" in address else ""
    # A password may contain any character, also one that ends a host: drop all up to the last @.
    place = address.removeprefix(scheme).rsplit("@", 1)[-1]
    return scheme + re.split("[?#]", place)[0]


class UrlSource(NewestFrameSource):
    """A network stream. RTSP uses TCP, because packet loss over UDP damages images.

    Raises:
        VideoError: The address cannot be opened.
    """

    def __init__(self, address: str) -> None:
        self.name = without_secrets(address)
        options = {"rtsp_transport": "tcp"} if address.startswith("rtsp") else {}
        timeout = (_OPEN_SECONDS, _READ_SECONDS)
        try:
            self._container = open_input(address, options=options, timeout=timeout)
            try:
                self._read_first()
            except Exception:
                self._container.close()
                raise
        except Exception as error:
            why = fault_of(self.name, error).replace(address, self.name)
            raise VideoError(
                f"{self.name}: cannot be opened ({why}); check the address, the network, and "
                "the user name and password"
            ) from None
        self._start()

    def _read_first(self) -> None:
        stream = best_stream(self._container, self.name)
        use_threads(stream, None)
        self.rate = nominal_rate(stream)
        self._images = self._decoded(stream)
        image = next(self._images, None)
        if image is None:
            raise VideoError(f"{self.name}: gives no image")
        self._ahead: av.VideoFrame | None = image
        first = Frame(0, 0.0, image, *orientation_of(image))
        self.size = first.size
        self.pixel_aspect = pixel_aspect(stream, first.quarter_turns)

    def _decoded(self, stream: av.VideoStream) -> Iterator[av.VideoFrame]:
        packets = self._container.demux(stream)
        while (packet := self._next_packet(packets)) is not None:
            try:
                yield from packet.decode()
            except av.InvalidDataError:
                continue  # a damaged packet loses its images, the stream continues

    def _next_packet(self, packets: Iterator[av.Packet]) -> av.Packet | None:
        try:
            return next(packets, None)
        except av.OSError as error:
            # FFmpeg reports the end of a stream of JPEGs (mpjpeg) as an I/O error.
            if self._container.format.name == "mpjpeg" and error.errno == errno.EIO:
                return None
            raise

    def _grab(self) -> av.VideoFrame | None:
        if self._ahead is not None:
            image, self._ahead = self._ahead, None
            return image
        return next(self._images, None)

    def _release(self) -> None:
        self._container.close()
