"""From a frame to the pixels that a network takes. Training, extraction and live all call this."""

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


class Preprocessor:
    """Applies a `Preprocessing`. One instance a thread (it keeps a scaling context)."""

    def __init__(self, preprocessing: Preprocessing) -> None:
        self.preprocessing = preprocessing
        self._scaler = Scaler()

    def __call__(self, frame: Frame) -> np.ndarray:
        """Return uint8 RGB of shape (height, width, 3)."""
        wanted = self.preprocessing
        if wanted.resize == "stretch":
            return frame.resized(wanted.width, wanted.height, self._scaler)
        width, height = frame.size
        scale = wanted.short_side / min(width, height)
        # A rounded side may not fall below the crop.
        width = max(round(width * scale), wanted.width)
        height = max(round(height * scale), wanted.height)
        pixels = frame.resized(width, height, self._scaler)
        left, top = (width - wanted.width) // 2, (height - wanted.height) // 2
        return np.ascontiguousarray(pixels[top : top + wanted.height, left : left + wanted.width])
