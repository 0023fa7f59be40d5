"""Privacy polygons: parts of the picture that are black for the network, the page and all files."""

from collections.abc import Sequence
from dataclasses import replace

import av
import cv2
import numpy as np

from live.cameras.config import Polygon
from video.frame import Frame

# Black and gray of the formats whose planes are changed directly.
_BLACK = {"yuv420p": (16, 128), "yuvj420p": (0, 128)}


class PrivacyMask:
    """Blackens polygons of frames. The masks of a frame size are computed once."""

    def __init__(self, polygons: Sequence[Polygon]) -> None:
        """Keep the polygons.

        Args:
            polygons: Corners (x, y) of each polygon, from 0 to 1 of the upright picture.
        """
        self._polygons = polygons
        self._masks: dict[tuple[int, int], tuple[np.ndarray, np.ndarray]] = {}

    def __call__(self, frame: Frame) -> Frame:
        """Return a copy of a frame with black polygons; without polygons, the frame itself.

        The decoder's own image is never changed: later frames refer to it.
        """
        if not self._polygons:
            return frame
        return self._blackened(frame)

    def _blackened(self, frame: Frame) -> Frame:
        image = frame.image
        kind, width, height = image.format.name, image.width, image.height
        is_turned = frame.quarter_turns or frame.mirrored
        if kind not in _BLACK or is_turned or width % 2 or height % 2:
            pixels = frame.rgb.copy()
            pixels[self._mask(pixels.shape[1], pixels.shape[0])[0]] = 0
            made = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            return replace(frame, image=made, quarter_turns=0, mirrored=False)
        planes = image.to_ndarray()
        luma, chroma = self._mask(width, height)
        black, gray = _BLACK[kind]
        planes[:height][luma] = black
        for plane in planes[height:].reshape(2, height // 2, width // 2):
            plane[chroma] = gray
        made = av.VideoFrame.from_ndarray(planes, format=kind)
        made.colorspace, made.color_range = image.colorspace, image.color_range
        return replace(frame, image=made)

    def _mask(self, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the masks (height, width) and, of the chroma planes, half of that: bool."""
        if (width, height) not in self._masks:
            mask = np.zeros((height, width), np.uint8)
            for polygon in self._polygons:
                corners = np.array(polygon) * (width, height)
                cv2.fillPoly(mask, [np.rint(corners).astype(np.int32)], 1)
            # A chroma sample belongs to four pixels: it is gray if any of them is black.
            chroma = mask[: height // 2 * 2, : width // 2 * 2]
            chroma = chroma.reshape(height // 2, 2, width // 2, 2).max((1, 3))
            self._masks[width, height] = (mask.astype(bool), chroma.astype(bool))
        return self._masks[width, height]
