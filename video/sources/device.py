"""The interface of a camera or stream that one thread reads and closes."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from fractions import Fraction

import av

# Takes every packet of a stream before it is decoded.
PacketHook = Callable[[av.Packet], None]


class Device(ABC):
    """A camera or stream. The thread that reads it also closes it: FFmpeg crashes if another
    thread closes a stream that is being read.

    Attributes:
        name: Name in messages; never contains a password.
        size: Width and height in pixels, upright; known after `open`.
        rate: Nominal frames per second; known after `open`.
        pixel_aspect: Width of a pixel divided by its height, upright; known after `open`.
        on_packet: Takes the packets of a network stream; None for nobody.
    """

    name: str
    size: tuple[int, int] = (0, 0)
    rate: float = 25.0
    pixel_aspect: Fraction = Fraction(1)
    on_packet: PacketHook | None = None

    @abstractmethod
    def open(self) -> None:
        """Open the device and read its first image.

        Raises:
            RefusedError: It answers, but refuses: a wrong password, a wrong path.
            VideoError: It cannot be opened or gives no image.
        """

    @abstractmethod
    def read(self) -> av.VideoFrame | None:
        """Wait for the next image; None if the device is gone or the stream has ended.

        The first call returns the image that `open` has read, or one after it.
        """

    @abstractmethod
    def close(self) -> None:
        """Close the device. May be called twice."""
