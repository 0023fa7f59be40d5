"""Which frames a training clip shows: the plan, made before any frame is converted.

frames of a segment    0 1 2 3 4 5 6 7     T = 4
random                  # # # #         T in a row, ending at any of them
dense                                   the same, over the source's own frames
uniform             #   #   #     #     over the whole segment, the first and the last included
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from video.sampling import is_step

ClipSampling = Literal["random", "uniform", "dense"]


def full_ends(frames: range, clip_length: int) -> range:
    """Return the frames of a segment at which a clip ends that lies in it whole.

    A segment shorter than a clip has one: its last.

    >>> list(full_ends(range(2, 8), 4)), list(full_ends(range(2, 5), 4))
    ([5, 6, 7], [4])
    """
    return frames[clip_length - 1 :] or frames[-1:]


def evenly_spread(places: range, count: int) -> list[int]:
    """Return `count` of the places: the middles of as many equal parts; one is the centre.

    >>> evenly_spread(range(10, 20), 2), evenly_spread(range(3), 1)
    ([12, 17], [1])
    """
    return [places[(2 * part + 1) * len(places) // (2 * count)] for part in range(count)]


def plan(
    frames: range,
    clip_length: int,
    count: int | Literal["all"],
    how: ClipSampling,
    random: np.random.Generator | None,
    stride: int = 1,
) -> list[np.ndarray]:
    """Return the frames of each clip that is drawn from a segment, in order of time.

    A clip that ends at a frame is what `video.steps.Stepper` shows there: the T frames up to it,
    also from before the segment where that is shorter than a clip, and the video's first repeated
    where there are none.

    Args:
        frames: those of the segment, numbered from the start of its video: sampled ones for
            `random`, the source's own for `dense` and `uniform`.
        clip_length: T.
        count: clips wanted. All are different, so a short segment may give fewer; of `uniform`
            there is one.
        how: `dense` differs from `random` in what is numbered, not in the plan.
        random: draws the places, each as likely as any other; None spreads them evenly.
        stride: of the sampling; where `count` is `all`, clips end at the steps. Drawn ones end at
            any frame, since a live video begins anywhere.

    Returns:
        int arrays (T,) that do not fall.

    >>> [clip.tolist() for clip in plan(range(6), 4, "all", "random", None)]
    [[0, 1, 2, 3], [1, 2, 3, 4], [2, 3, 4, 5]]
    >>> [clip.tolist() for clip in plan(range(9), 4, 1, "uniform", None)]
    [[0, 2, 5, 8]]
    """
    if not frames:
        return []
    if how == "uniform":
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
    # UniformTemporalSubsample of PyTorchVideo, in whole numbers. Its one frame would be the first,
    # which in many videos is black: here it is the middle one.
    if clip_length == 1:
        return np.array([frames[len(frames) // 2]])
    return frames.start + np.arange(clip_length) * (len(frames) - 1) // (clip_length - 1)
