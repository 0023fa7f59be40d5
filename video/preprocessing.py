"""Conversion of a frame to a network's input, shared by training, extraction and live."""

import math
from dataclasses import asdict, dataclass

import numpy as np

from video.frame import Frame
from video.scaling import Scaler

RESIZES = ("stretch", "crop")


@dataclass(frozen=True)
class Preprocessing:
    """Settings of the preprocessing; stored with every model and every feature file.

    Attributes:
        width, height: Size of the network's input in pixels.
        resize: `stretch` scales the whole frame to the input size. `crop` scales it until its short
            side has `short_side` pixels and takes the center.
        short_side: Pixels of the short side, for `crop` only; at least the input's larger side.
    """

    width: int
    height: int
    resize: str = "stretch"
    short_side: int = 0

    def __post_init__(self) -> None:
        if self.resize not in RESIZES:
            raise ValueError(f"resize is {self.resize!r}; it is one of {', '.join(RESIZES)}")
        if self.resize == "crop" and self.short_side < max(self.width, self.height):
            raise ValueError(
                f"short_side is {self.short_side}; a crop of {self.width}x{self.height} "
                f"needs at least {max(self.width, self.height)}"
            )

    def to_dict(self) -> dict:
        return asdict(self)


@dataclass(frozen=True)
class Placement:
    """Position of a crop and scale of the frame that it is cut from. Only training varies them.

    Attributes:
        across, down: Position from 0, the left or upper edge, to 1, the right or lower edge.
        short_side: Short side of the scaled frame in pixels; None for the preprocessing's value.
    """

    across: float = 0.5
    down: float = 0.5
    short_side: int | None = None


CENTER = Placement()


class Preprocessor:
    """Applies a `Preprocessing`. Use one instance per thread: it keeps a scaling context."""

    def __init__(self, preprocessing: Preprocessing) -> None:
        self.preprocessing = preprocessing
        self._scaler = Scaler()

    def __call__(self, frame: Frame, place: Placement = CENTER) -> np.ndarray:
        """Return uint8 RGB of shape (height, width, 3); `place` is for `crop` only."""
        wanted = self.preprocessing
        if wanted.resize == "stretch":
            return frame.resized(wanted.width, wanted.height, self._scaler)
        width, height = _scaled(wanted, frame.size, place.short_side or wanted.short_side)
        pixels = frame.resized(width, height, self._scaler)
        left = _offset(place.across, width - wanted.width)
        top = _offset(place.down, height - wanted.height)
        return np.ascontiguousarray(pixels[top : top + wanted.height, left : left + wanted.width])


def seen_part(wanted: Preprocessing, size: tuple[int, int]) -> tuple[float, float, float, float]:
    """Return the part of a frame that a network sees: left, top, right and lower edge, 0 to 1.

    Args:
        wanted: Preprocessing of the network.
        size: Width and height of the frame in pixels.

    >>> seen_part(Preprocessing(100, 100, "crop", 100), (400, 200))
    (0.25, 0.0, 0.75, 1.0)
    """
    if wanted.resize == "stretch":
        return 0.0, 0.0, 1.0, 1.0
    width, height = _scaled(wanted, size, wanted.short_side)
    left = _offset(CENTER.across, width - wanted.width)
    top = _offset(CENTER.down, height - wanted.height)
    right, bottom = left + wanted.width, top + wanted.height
    return left / width, top / height, right / width, bottom / height


def _scaled(wanted: Preprocessing, size: tuple[int, int], short_side: int) -> tuple[int, int]:
    """Return width and height of a frame that is scaled for a crop."""
    width, height = size
    scale = short_side / min(width, height)
    # Rounding must not make a side smaller than the crop.
    return max(round(width * scale), wanted.width), max(round(height * scale), wanted.height)


def _offset(share: float, room: int) -> int:
    # Round, and halves down: the center of 3 spare pixels is 1.
    return math.ceil(share * room - 0.5)
