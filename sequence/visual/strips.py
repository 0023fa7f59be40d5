"""Strips of frames: some frames of a clip side by side."""

from pathlib import Path

import cv2
import numpy as np

from video.errors import VideoError
from video.frame import Frame
from video.sources import FileSource
from video.sources.chosen_frames import ChosenFrames, NotAsIndexedError, index_of

_MAX_FRAMES = 3000  # of a clip; the rest of a longer one is not shown


def frames_of(
    path: Path, start: float, end: float, count: int, height: int = 90
) -> list[np.ndarray]:
    """Return frames of a clip, evenly spaced: uint8 RGB (height, W, 3); none if it cannot be read.

    Args:
        path: The video.
        start: Start of the clip in seconds.
        end: End in seconds; infinity for the end of the video.
        count: Number of frames; fewer if the clip has fewer.
        height: Height of a frame in pixels.
    """
    kept: list[np.ndarray] = []
    every, number = 1, 0
    try:
        with FileSource(path) as source:
            for frame in source:
                if frame.seconds < start:
                    continue
                if frame.seconds >= end or number >= _MAX_FRAMES:
                    break
                if number % every == 0:
                    kept.append(_of_height(frame, height))
                    if len(kept) > 4 * count:  # keep memory bounded: every second frame goes
                        kept, every = kept[::2], 2 * every
                number += 1
    except VideoError:
        return []
    if not kept:
        return []
    places = np.linspace(0, len(kept) - 1, min(count, len(kept))).round().astype(int)
    return [kept[place] for place in places]


def middle_frame(path: Path, start: float, end: float, height: int = 120) -> np.ndarray | None:
    """Return the frame in the middle of a clip, found by seeking where the file allows it: uint8
    RGB (height, W, 3); None if it cannot be read. Arguments as for `frames_of`.
    """
    try:
        index = index_of(path)
        if index is None:
            return next(iter(frames_of(path, start, end, 1, height)), None)
        inside = np.flatnonzero((index.seconds >= start) & (index.seconds < end))
        if not len(inside):
            return None
        with ChosenFrames(index, [int(inside[len(inside) // 2])]) as source:
            for frame in source:
                return _of_height(frame, height)
    except (VideoError, NotAsIndexedError):
        pass
    return None


def _of_height(frame: Frame, height: int) -> np.ndarray:
    width = max(1, round(height * frame.size[0] / frame.size[1]))
    return frame.resized(width, height)


def strip_jpeg(frames: list[np.ndarray]) -> bytes:
    """Return frames of one height side by side as a JPEG file."""
    gap = np.full((frames[0].shape[0], 3, 3), 255, np.uint8)
    parts = [part for frame in frames for part in (frame, gap)][:-1]
    return jpeg_of(np.concatenate(parts, axis=1))


def jpeg_of(rgb: np.ndarray) -> bytes:
    """Return a picture, uint8 RGB (H, W, 3), as a JPEG file."""
    _, data = cv2.imencode(
        ".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 82]
    )
    return data.tobytes()
