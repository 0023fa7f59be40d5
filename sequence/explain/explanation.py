"""Explanation of one clip: its maps, and the pictures and the video that show them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from model_folder.config import ModelConfig
from sequence.explain.drawing import Layout, Panels, legend, spaced
from video.atomic_write import atomic_write
from video.preprocessing import Preprocessing
from video.sources import open_video
from video.writer import Mp4Writer

_HEIGHT = 240  # pixels of a frame in the video
_STRIP_HEIGHT = 120
_STRIP_TEXT = 1.6  # factor on the text below a strip, which pages show small
_STRIP_FRAMES = 6


@dataclass(frozen=True)
class Explanation:
    """Which places of a clip speak for a class.

    Attributes:
        path: Video.
        label: Class.
        probability: Its probability for the clip, 0 to 1.
        method: Method in words.
        indices: Index in the video of each sampled frame: (N,).
        seconds: Time of each: (N,).
        maps: How much each place speaks for the class, 0 to 1, where 1 is the strongest place of
            the clip; 0 everywhere if no place does: float32 (N, h, w). They cover the part of the
            frame that the network sees.
        earlier: Index of the earlier frame of each change picture: (N,); None if the network sees
            frames.
        preprocessing: Preprocessing, which says what part of the frame that is.
    """

    path: Path
    label: str
    probability: float
    method: str
    indices: np.ndarray
    seconds: np.ndarray
    maps: np.ndarray
    earlier: np.ndarray | None
    preprocessing: Preprocessing

    @classmethod
    def of(
        cls,
        path: Path,
        label: str,
        probability: float,
        frames: Mapping[int, Any],
        config: ModelConfig,
        method: str,
    ) -> "Explanation":
        """Return the explanation of frames with `seconds`, `earlier` and `map`, by their index."""
        order = sorted(frames)
        maps = np.stack([frames[index].map for index in order])
        largest = float(maps.max())
        change = config.sampling.is_change
        return cls(
            path,
            label,
            probability,
            method,
            np.array(order),
            np.array([frames[index].seconds for index in order]),
            maps / np.float32(largest) if largest > 0 else maps,
            np.array([frames[index].earlier for index in order]) if change else None,
            config.preprocessing,
        )

    def save_video(self, path: str | Path, note: str = "") -> None:
        """Write the clip as H.264 mp4: its frames, and beside them the same with the maps.

        Args:
            path: File to write.
            note: Text after the label, such as the true label.

        Raises:
            VideoError: The file cannot be written, or the video cannot be read.
        """
        rate = 1 / float(np.median(np.diff(self.seconds))) if len(self.seconds) > 1 else 10.0
        writer: Mp4Writer | None = None
        below: np.ndarray | None = None
        try:
            for seconds, panels in self._panels(self.indices, _HEIGHT):
                picture = np.concatenate(panels.named(seconds), axis=1)
                if below is None:
                    below = legend(self._title(note), picture.shape[1])
                    size = picture.shape[1], picture.shape[0] + below.shape[0]
                    writer = Mp4Writer(path, size, min(60.0, max(1.0, rate)), Fraction(1))
                assert writer is not None
                writer.write(np.concatenate([picture, below]), seconds - self.seconds[0])
        finally:
            if writer:
                writer.close()

    def strip(self, note: str = "") -> np.ndarray:
        """Return some frames side by side, above the same with their maps: uint8 RGB (H, W, 3).

        They are evenly spaced, but the frame with the strongest place is one of them.
        """
        count = min(_STRIP_FRAMES, len(self.indices))
        places = np.linspace(0, len(self.indices) - 1, count).round().astype(int)
        strongest = int(self.maps.max((1, 2)).argmax())  # shown too, in the nearest place
        places[np.abs(places - strongest).argmin()] = strongest
        chosen = self.indices[places]
        picture = spaced(
            [
                np.concatenate(panels.named(seconds, first=not place), axis=0)
                for place, (seconds, panels) in enumerate(self._panels(chosen, _STRIP_HEIGHT))
            ]
        )
        return np.concatenate([picture, legend(self._title(note), picture.shape[1], _STRIP_TEXT)])

    def save_strip(self, path: str | Path, note: str = "") -> np.ndarray:
        """Write `strip` as a PNG file, and return it.

        Args:
            path: File to write.
            note: Text after the label.
        """
        picture = self.strip(note)
        _, data = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        with atomic_write(Path(path)) as temporary:
            temporary.write_bytes(data.tobytes())
        return picture

    def _title(self, note: str) -> str:
        found = f"{self.label} {self.probability:.0%}" + (f" ({note})" if note else "")
        return found if self.maps.any() else f"{found}: no place speaks for it"

    def _panels(self, indices: np.ndarray, height: int) -> Iterator[tuple[float, Panels]]:
        """Yield time and panels of frames, in their order."""
        wanted = {int(index): place for place, index in enumerate(self.indices)}
        chosen = {int(index) for index in indices}
        layout: Layout | None = None
        kept: dict[int, np.ndarray] = {}
        pairs = {} if self.earlier is None else dict(zip(self.indices, self.earlier, strict=True))
        needed = {int(pairs[index]) for index in chosen if index in pairs}
        with open_video(self.path, 0) as source:
            for frame in source:
                if frame.index > max(chosen):
                    break
                if frame.index not in chosen | needed:
                    continue
                layout = layout or Layout.of(self.preprocessing, frame.size, height)
                if pairs:
                    kept[frame.index] = layout.seen(frame)
                if frame.index not in chosen:
                    continue
                change = None
                if pairs:
                    since = int(pairs[frame.index])
                    change = kept[since], kept[frame.index]
                    kept = {index: kept[index] for index in kept if index >= since}
                place = wanted[frame.index]
                yield float(self.seconds[place]), layout.panels(frame, self.maps[place], change)
