"""Network streams (RTSP, HTTP and other protocols of FFmpeg), through PyAV."""

import errno
import re
import time
from collections.abc import Iterator

import av
from av.container import InputContainer

from video.errors import RefusedError, VideoError
from video.frame import Frame
from video.libav import fault_of, open_input
from video.orientation import orientation_of
from video.sources.device import Device
from video.sources.newest import NewestFrameSource
from video.sources.streams import best_stream, nominal_rate, pixel_aspect, use_threads

_OPEN_SECONDS, _READ_SECONDS = 10.0, 10.0

# The server answers and refuses: trying again soon cannot help.
_REFUSALS = (
    av.HTTPUnauthorizedError,
    av.HTTPForbiddenError,
    av.HTTPNotFoundError,
    av.HTTPBadRequestError,
    av.HTTPOtherClientError,
    av.PermissionError,
)


def without_secrets(address: str) -> str:
    """Return an address for messages, without user, password and query.

    >>> without_secrets("rtsp://admin:secret@10.0.0.7:554/stream?token=abc")
    'rtsp://10.0.0.7:554/stream'
    """
    scheme = "".join(address.partition("://")[:2]) if "://" in address else ""
    # A password may contain any character, also one that ends a host: drop all up to the last @.
    place = address.removeprefix(scheme).rsplit("@", 1)[-1]
    return scheme + re.split("[?#]", place)[0]


class Stream(Device):
    """A network stream. RTSP uses TCP, because packet loss over UDP damages images."""

    def __init__(self, address: str, open_seconds: float = 0.0, read_seconds: float = 0.0) -> None:
        """Keep the address; `open` connects.

        Args:
            address: Address of the stream, with user and password if it needs them.
            open_seconds: Time limit for connecting, in seconds; 0 for the default of 10.
            read_seconds: Time limit for the next packet, in seconds; 0 for the default of 10.
                RTSP ends after twice this time: FFmpeg tries once more.
        """
        self.name = without_secrets(address)
        self._address = address
        self._limits = (open_seconds or _OPEN_SECONDS, read_seconds or _READ_SECONDS)
        self._container: InputContainer | None = None
        self._images: Iterator[av.VideoFrame] = iter(())
        self._ahead: av.VideoFrame | None = None

    def open(self) -> None:
        """See `Device.open`."""
        options = {"rtsp_transport": "tcp"} if self._address.startswith("rtsp") else {}
        began = time.monotonic()
        try:
            self._container = open_input(self._address, options=options, timeout=self._limits)
            self._read_first(self._container)
        except Exception as error:
            self.close()
            why = fault_of(self.name, error).replace(self._address, self.name)
            if time.monotonic() - began >= 0.95 * self._limits[0]:
                # FFmpeg reports a time-out of RTSP as invalid data.
                why = f"no answer within {self._limits[0]:.0f} s"
            failure = f"{self.name}: cannot be opened ({why}); check the address, the network, and "
            kind = RefusedError if isinstance(error, _REFUSALS) else VideoError
            raise kind(f"{failure}the user name and password") from None

    def _read_first(self, container: InputContainer) -> None:
        stream = best_stream(container, self.name)
        use_threads(stream, None)
        self.rate = nominal_rate(stream)
        self._images = self._decoded(container, stream)
        image = next(self._images, None)
        if image is None:
            raise VideoError(f"{self.name}: gives no image")
        self._ahead = image
        first = Frame(0, 0.0, image, *orientation_of(image))
        self.size = first.size
        self.pixel_aspect = pixel_aspect(stream, first.quarter_turns)

    def _decoded(
        self, container: InputContainer, stream: av.VideoStream
    ) -> Iterator[av.VideoFrame]:
        packets = container.demux(stream)
        while (packet := self._next_packet(container, packets)) is not None:
            if self.on_packet is not None and packet.size:
                self.on_packet(packet)
            try:
                yield from packet.decode()
            except av.InvalidDataError:
                continue  # a damaged packet loses its images, the stream continues

    def _next_packet(
        self, container: InputContainer, packets: Iterator[av.Packet]
    ) -> av.Packet | None:
        try:
            return next(packets, None)
        except av.OSError as error:
            # FFmpeg reports the end of a stream of JPEGs (mpjpeg) as an I/O error.
            if container.format.name == "mpjpeg" and error.errno == errno.EIO:
                return None
            raise

    def read(self) -> av.VideoFrame | None:
        """See `Device.read`."""
        if self._ahead is not None:
            image, self._ahead = self._ahead, None
            return image
        return next(self._images, None)

    def close(self) -> None:
        """See `Device.close`."""
        # The decoder's buffers would stay for as long as the camera is lost.
        self._images, self._ahead = iter(()), None
        if self._container is not None:
            self._container.close()
            self._container = None


class UrlSource(NewestFrameSource):
    """A network stream, until it ends.

    Raises:
        VideoError: The address cannot be opened.
    """

    def __init__(self, address: str) -> None:
        super().__init__(Stream(address))
