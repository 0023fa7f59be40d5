"""From a frame to the pixels that a network takes. Training, extraction and live all call this."""

import math
from dataclasses import asdict, dataclass

import numpy as np

from video.frame import Frame
from video.scaling import Scaler

RESIZES = ("stretch", "crop")


@dataclass(frozen=True)
class Preprocessing:
    """How a frame becomes a network's input; stored with every model and every feature file.

    Attributes:
        width, height: the network's input in pixels.
        resize: `stretch` squeezes the whole picture into the input; `crop` scales it until its
            short side has `short_side` pixels and takes the middle.
        short_side: only for `crop`; at least the input's larger side.
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
    """Where a crop lies, and how large the picture is that it is cut from. Only training varies it.

    Attributes:
        across, down: from 0, the left or upper edge, to 1, the right or lower one.
        short_side: of the scaled picture, in pixels; None is the preprocessing's own.
    """

    across: float = 0.5
    down: float = 0.5
    short_side: int | None = None


CENTER = Placement()


class Preprocessor:
    """Applies a `Preprocessing`. One instance a thread (it keeps a scaling context)."""

    def __init__(self, preprocessing: Preprocessing) -> None:
        self.preprocessing = preprocessing
        self._scaler = Scaler()

    def __call__(self, frame: Frame, place: Placement = CENTER) -> np.ndarray:
        """Return uint8 RGB of shape (height, width, 3); `place` counts where `resize` is `crop`."""
        wanted = self.preprocessing
        if wanted.resize == "stretch":
            return frame.resized(wanted.width, wanted.height, self._scaler)
        width, height = frame.size
        scale = (place.short_side or wanted.short_side) / min(width, height)
        # A rounded side may not fall below the crop.
        width = max(round(width * scale), wanted.width)
        height = max(round(height * scale), wanted.height)
        pixels = frame.resized(width, height, self._scaler)
        left = _offset(place.across, width - wanted.width)
        top = _offset(place.down, height - wanted.height)
        return np.ascontiguousarray(pixels[top : top + wanted.height, left : left + wanted.width])


def _offset(share: float, room: int) -> int:
    # Rounded, and down from the half: the centre of 3 pixels of room is 1.
    return math.ceil(share * room - 0.5)
