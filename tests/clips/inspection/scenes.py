"""Rendered clips of scenes: a random background, and a block that moves over it."""

from pathlib import Path

import cv2
import numpy as np

from clips.inspection.sketches import Sketch, Sketcher
from video.frame import Frame
from video.writer import Mp4Writer


def frames_of(
    scene: int,
    moves: int,
    seconds: float = 2.5,
    fps: float = 16.0,
    size: tuple[int, int] = (96, 72),
) -> np.ndarray:
    """Return the frames of a clip, uint8 RGB (n, H, W, 3).

    Args:
        scene: Number of the background.
        moves: Number of the block's path.
        seconds: Length.
        fps: Frames per second.
        size: Width and height.
    """
    coarse = np.random.default_rng([1, scene]).integers(20, 236, (8, 10, 3)).astype(np.uint8)
    background = cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)
    random = np.random.default_rng([2, moves])
    stops = random.uniform(0.1, 0.8, (8, 2)) * size
    count = round(seconds * fps)
    times = np.arange(count) / fps
    path = np.stack(
        [np.interp(times, np.arange(len(stops)) * 0.6, stops[:, axis]) for axis in (0, 1)], 1
    )
    side = size[1] // 6
    frames = np.repeat(background[None], count, 0)
    for frame, (x, y) in zip(frames, path.round().astype(int), strict=True):
        cv2.rectangle(frame, (int(x), int(y)), (int(x) + side, int(y) + side), (250, 250, 250), -1)
    return frames


def sketch_of(frames: np.ndarray, fps: float = 16.0) -> Sketch:
    sketcher = Sketcher()
    for number, pixels in enumerate(frames):
        sketcher(Frame.from_array(pixels, number, number / fps))
    return sketcher.sketch()


def write_clip(path: Path, frames: np.ndarray, fps: float = 16.0) -> Path:
    height, width = frames.shape[1:3]
    with Mp4Writer(path, (width, height), fps) as writer:
        for number, pixels in enumerate(frames):
            writer.write(pixels, number / fps)
    return path


def resized(frames: np.ndarray, width: int, height: int) -> np.ndarray:
    return np.stack([cv2.resize(each, (width, height)) for each in frames])
