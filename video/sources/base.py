"""The interface of a source of frames."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from fractions import Fraction
from typing import Self

from video.frame import Frame


class VideoSource(ABC):
    """Yields frames once, in order of time; a context manager that closes the device or file.

    Attributes:
        name: Name in messages; never contains a password.
        size: Width and height in pixels, upright.
        rate: Nominal frames per second.
        pixel_aspect: Width of a pixel divided by its height, upright; 1 except for DVDs and some
            cameras.
        live: Whether the source runs in real time, so that a slow reader misses frames.
        note: Faults of the source, or empty; complete after the last frame.
    """

    name: str
    size: tuple[int, int]
    rate: float
    pixel_aspect: Fraction = Fraction(1)
    live: bool
    note: str = ""

    @abstractmethod
    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames; index and seconds strictly increase, the first frame is at 0 s."""

    @abstractmethod
    def close(self) -> None:
        """Close the file or device. May be called twice."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
