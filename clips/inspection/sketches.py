"""Sketches of clips: small gray pictures of sampled frames and their perceptual hashes.

The hash is a pHash: the signs of the low frequencies of the cosine transform of a 32x32 gray
picture, against their median. It hardly changes when a clip is encoded again or resized.
"""

import base64
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

import cv2
import numpy as np

from clips.inspection.backgrounds import SIDE as BACKGROUND_SIDE
from clips.inspection.backgrounds import BackgroundMeter
from video.frame import Frame

SIDE = 32  # of a small picture, in pixels
_LOW = 8  # frequencies of the hash in each direction
_SAMPLES_PER_SECOND = 8.0
# Above this number every second sample is dropped, so the rates are 8, 4, 2 ... a second.
_MAX_SAMPLES = 256
# A picture with a smaller deviation, in gray levels, has a hash of noise: black frames, fades.
_MIN_DEVIATION = 3.0
_TOLERANCE_SECONDS = 1e-3
_GRAY = np.array([0.299, 0.587, 0.114], np.float32)

Item = TypeVar("Item")


@dataclass(frozen=True)
class Sketch:
    """Small pictures of a clip at regular times.

    Attributes:
        rate: Samples per second; 8 divided by a power of two.
        pictures: uint8 gray (n, 32, 32).
        hashes: Hashes of the pictures, uint64 (n,).
        textured: Whether a picture has enough contrast for a hash, bool (n,).
        background: What stays in place, uint8 RGB (64, 64, 3).
    """

    rate: float
    pictures: np.ndarray
    hashes: np.ndarray
    textured: np.ndarray
    background: np.ndarray

    @property
    def brightness(self) -> float:
        """Mean gray level, 0 to 255."""
        return float(self.pictures.mean())

    def as_values(self) -> dict[str, Any]:
        """Return the arrays as text, for JSON."""
        # What changes between two pictures is packed into less than half of the bytes.
        changes = np.diff(self.pictures, axis=0, prepend=np.zeros_like(self.pictures[:1]))
        flags = np.packbits(self.textured)
        arrays = (changes, self.hashes.astype("<u8"), flags, self.background)
        packed = zlib.compress(b"".join(each.tobytes() for each in arrays), 1)
        return {
            "rate": self.rate,
            "pictures": len(self.pictures),
            "arrays": base64.b64encode(packed).decode(),
        }

    @classmethod
    def of_values(cls, values: Mapping[str, Any]) -> "Sketch":
        """Return the sketch that `as_values` stored.

        Raises:
            ValueError: The values are not those of a sketch.
        """
        count = int(values["pictures"])
        lengths = (count * SIDE * SIDE, count * 8, -(-count // 8))
        try:
            content = zlib.decompress(base64.b64decode(values["arrays"]))
        except zlib.error as error:
            raise ValueError(str(error)) from None
        ends = np.cumsum(lengths).tolist()
        changes, hashes, flags, background = (
            np.frombuffer(content[start:end], np.uint8)
            for start, end in zip((0, *ends), (*ends, None), strict=True)
        )
        return cls(
            float(values["rate"]),
            changes.reshape(count, SIDE, SIDE).cumsum(0, np.uint8),
            hashes.view("<u8").astype(np.uint64),
            np.unpackbits(flags, count=count).astype(bool),
            background.reshape(BACKGROUND_SIDE, BACKGROUND_SIDE, 3),
        )


def phash(picture: np.ndarray) -> int:
    """Return the hash of a gray picture, 63 bits.

    Args:
        picture: uint8 or float32 gray (32, 32).
    """
    low = cv2.dct(picture.astype(np.float32))[:_LOW, :_LOW].ravel()[1:]  # without the mean
    bits = low > np.median(low)
    return int(np.packbits(bits, bitorder="little").view("<u8")[0])


class _Samples(Generic[Item]):
    """The sampled frames of a clip, by the times of all its frames."""

    def __init__(self) -> None:
        self.rate = _SAMPLES_PER_SECOND
        self.pictures: list[Item] = []
        self.background: BackgroundMeter[Item] = BackgroundMeter()
        self._ticks = 0  # of the current rate that have passed

    def take(
        self, seconds: float, picture: Callable[[], Item], background: Callable[[], Item]
    ) -> None:
        """Take a frame if it is the first one at or after the next sample's time.

        Args:
            seconds: Its time.
            picture: Function that returns its small picture.
            background: Function that returns its picture for the background.
        """
        if seconds < self._ticks / self.rate - _TOLERANCE_SECONDS:
            return
        # A variable frame rate can skip samples; the newest picture stands for them, so that the
        # place of a picture remains its time. After a gap of minutes there is no such picture.
        behind = int((seconds + _TOLERANCE_SECONDS) * self.rate) - self._ticks
        if self.pictures and 0 < behind <= _MAX_SAMPLES:
            self.pictures += [self.pictures[-1]] * behind
        self._ticks += max(behind, 0) + 1
        self.pictures.append(picture())
        if self.background.wants():
            self.background.add(background())
        while len(self.pictures) > _MAX_SAMPLES:
            self.pictures = self.pictures[::2]
            self.rate /= 2
            self._ticks = -(-self._ticks // 2)


class Sketcher:
    """Builds the sketch of a clip from its frames, while something else decodes them."""

    def __init__(self) -> None:
        self._samples: _Samples[np.ndarray] = _Samples()

    def __call__(self, frame: Frame) -> None:
        """Take a frame if the sketch needs it.

        Raises:
            VideoError: Its pixels cannot be converted.
        """
        self._samples.take(frame.seconds, lambda: small_picture(frame), lambda: _scene(frame))

    def sketch(self) -> Sketch:
        """Return the sketch of the frames so far; at least one is needed."""
        return _sketch(self._samples.rate, self._samples.pictures, self._samples.background)


def sketch_of_chosen(
    seconds: Iterable[float], decode: Callable[[list[int]], Iterable[Frame]]
) -> Sketch:
    """Return the sketch that a `Sketcher` of all frames returns, from the frames that it keeps.

    Args:
        seconds: Time of each frame of the clip.
        decode: Function from the indices of frames, ascending, to these frames.

    Raises:
        VideoError: The pixels of a frame cannot be converted.
    """
    chosen: _Samples[int] = _Samples()
    for number, each in enumerate(seconds):
        chosen.take(each, partial(int, number), partial(int, number))
    scenes = set(chosen.background.frames)
    pictures: dict[int, np.ndarray] = {}
    background: BackgroundMeter[np.ndarray] = BackgroundMeter()
    for frame in decode(sorted({*chosen.pictures, *scenes})):
        pictures[frame.index] = small_picture(frame)
        if frame.index in scenes:
            background.frames.append(_scene(frame))
    return _sketch(chosen.rate, [pictures[number] for number in chosen.pictures], background)


def small_picture(frame: Frame) -> np.ndarray:
    """Return a frame as uint8 gray (32, 32)."""
    return np.rint(frame.resized(SIDE, SIDE) @ _GRAY).astype(np.uint8)


def _scene(frame: Frame) -> np.ndarray:
    return frame.resized(BACKGROUND_SIDE, BACKGROUND_SIDE)


def _sketch(
    rate: float, frames: list[np.ndarray], background: BackgroundMeter[np.ndarray]
) -> Sketch:
    pictures = np.stack(frames)
    hashes = np.array([phash(picture) for picture in pictures], np.uint64)
    textured = pictures.reshape(len(pictures), -1).std(1) >= _MIN_DEVIATION
    return Sketch(rate, pictures, hashes, textured, background.background())
