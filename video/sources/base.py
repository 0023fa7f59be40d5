"""What a source of frames is."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from fractions import Fraction

from video.frame import Frame


class VideoSource(ABC):
    """Gives frames once, in order of time; a context manager that lets go of the device or file.

    Attributes:
        name: how a message calls it; never holds a password.
        size: width and height in pixels, upright.
        rate: nominal frames a second.
        pixel_aspect: width of a pixel over its height, upright; 1 but for DVDs and some cameras.
        live: whether time passes on its own, so that a late reader misses frames.
        note: empty, or what was wrong with the source; complete once the frames have ended.
    """

    name: str
    size: tuple[int, int]
    rate: float
    pixel_aspect: Fraction = Fraction(1)
    live: bool
    note: str = ""

    @abstractmethod
    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames; index and seconds rise strictly, the first frame is at 0 s."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the file or device. May be called twice."""

    def __enter__(self) -> "VideoSource":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
