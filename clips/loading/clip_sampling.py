"""Choice of the frames of training clips, before any frame is converted.

frames of a segment    0 1 2 3 4 5 6 7     T = 4
random                  # # # #         T in a row, ending at any frame
dense                                   the same, on all frames of the source
uniform             #   #   #     #     spread over the segment, with its first and last frame
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from video.sampling import is_step

ClipSampling = Literal["random", "uniform", "dense"]


def full_ends(frames: range, clip_length: int) -> range:
    """Return the last frame of every clip that lies completely inside the segment.

    If the segment is shorter than a clip, return its last frame.

    >>> list(full_ends(range(2, 8), 4)), list(full_ends(range(2, 5), 4))
    ([5, 6, 7], [4])
    """
    return frames[clip_length - 1 :] or frames[-1:]


def evenly_spread(places: range, count: int) -> list[int]:
    """Return `count` evenly spaced places: the centers of as many equal parts.

    >>> evenly_spread(range(10, 20), 2), evenly_spread(range(3), 1)
    ([12, 17], [1])
    """
    return [places[(2 * part + 1) * len(places) // (2 * count)] for part in range(count)]


def plan(
    frames: range,
    clip_length: int,
    count: int | Literal["all"],
    mode: ClipSampling,
    random: np.random.Generator | None,
    stride: int = 1,
) -> list[np.ndarray]:
    """Return the frames of each clip sampled from a segment, in order of time.

    A clip that ends at a frame is the one that `video.steps.Stepper` gives there: the T frames up
    to it. In a segment shorter than a clip, these include frames before the segment. Before the
    start of the video, its first frame is repeated.

    Args:
        frames: Indices of the segment's frames from the start of the video: of sampled frames for
            `random`, of all frames for `dense` and `uniform`.
        clip_length: Frames per clip, T.
        count: Number of clips. All are different, so a short segment may give fewer; `uniform`
            gives one.
        mode: The mode of sampling; `dense` and `random` differ only in the numbering of `frames`.
        random: Generator that samples the last frames of the clips uniformly; None spaces them
            evenly.
        stride: Stride of the sampling. With `count` = `all`, clips end at the steps. Otherwise they
            end at any frame, because a live video starts at any time.

    Returns:
        Nondecreasing int arrays (T,).

    >>> [clip.tolist() for clip in plan(range(6), 4, "all", "random", None)]
    [[0, 1, 2, 3], [1, 2, 3, 4], [2, 3, 4, 5]]
    >>> [clip.tolist() for clip in plan(range(9), 4, 1, "uniform", None)]
    [[0, 2, 5, 8]]
    """
    if not frames:
        return []
    if mode == "uniform":
        return [_spread(frames, clip_length)]
    back = np.arange(1 - clip_length, 1)
    ends = full_ends(frames, clip_length)
    chosen: Sequence[int] | np.ndarray
    if count == "all":
        chosen = [end for end in ends if is_step(end, clip_length, stride)] or ends[-1:]
    else:
        chosen = _places(ends, min(count, len(ends)), random)
    return [np.maximum(end + back, 0) for end in chosen]


def _places(
    ends: range, count: int, random: np.random.Generator | None
) -> Sequence[int] | np.ndarray:
    if random is None:
        return evenly_spread(ends, count)
    return ends.start + np.sort(random.choice(len(ends), count, replace=False))


def _spread(frames: range, clip_length: int) -> np.ndarray:
    # UniformTemporalSubsample of PyTorchVideo, with integers. For one frame, PyTorchVideo takes the
    # first, which is black in many videos; this takes the middle one.
    if clip_length == 1:
        return np.array([frames[len(frames) // 2]])
    return frames.start + np.arange(clip_length) * (len(frames) - 1) // (clip_length - 1)
