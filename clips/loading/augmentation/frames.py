"""The frames that an augmented clip of a clip network shows: its speed, and dropped frames."""

import numpy as np

from recipes.schema import Augment


def retimed(
    shown: np.ndarray, first: int, amounts: Augment, random: np.random.Generator
) -> np.ndarray:
    """Return the frames of a clip at another speed, and with frames that were dropped.

    The last frame stays. A faster clip reaches further back, but not before the segment. In place
    of a dropped frame the one before it is shown, as a camera does that falls behind. A clip of one
    frame stays as it is.

    Args:
        shown: Indices of the frames, nondecreasing (T,).
        first: Index of the first frame of the segment.
        amounts: Ranges of the random values.
        random: Generator of the random values.
    """
    if len(shown) == 1:
        return shown
    if amounts.speed:
        speed = 1 + random.uniform(-amounts.speed, amounts.speed)
        back = shown[-1] - shown
        lowest = min(first, shown[0])
        if back[0]:
            speed = min(speed, (shown[-1] - lowest) / back[0])
        shown = shown[-1] - np.rint(speed * back).astype(shown.dtype)
    if amounts.frame_drop:
        places = np.arange(len(shown))
        places[1:][random.random(len(shown) - 1) < amounts.frame_drop] = 0
        shown = shown[np.maximum.accumulate(places)]
    return shown
