"""The crop of a training clip, which is drawn before its frames are resized."""

import numpy as np

from recipes.schema import Augment
from video.errors import UsageError
from video.preprocessing import CENTER, Placement, Preprocessing


def check_augment(amounts: Augment, preprocessing: Preprocessing) -> None:
    """Check that the settings of the crop fit the preprocessing.

    Raises:
        UsageError: There is no crop to vary, or the range of `short_side` is not valid.
    """
    for key in ("random_crop", "short_side"):
        if getattr(amounts, key) and preprocessing.resize != "crop":
            raise UsageError(
                f"finetune.augment.{key}: needs a crop; set preprocessing.resize to crop, or "
                f"remove {key}"
            )
    if amounts.short_side:
        low, high = amounts.short_side
        minimum = max(preprocessing.width, preprocessing.height)
        if not minimum <= low <= high:
            raise UsageError(
                f"finetune.augment.short_side is [{low}, {high}]; write the minimum first, which "
                f"must be {minimum} or more, the size of the network's input"
            )


def sample_placement(amounts: Augment, random: np.random.Generator) -> Placement:
    """Return a random position of a clip's crop and a random scale of its frames."""
    if not (amounts.random_crop or amounts.short_side):
        return CENTER
    across, down = random.random(2) if amounts.random_crop else (0.5, 0.5)
    short_side = None
    if amounts.short_side:
        low, high = amounts.short_side
        short_side = int(random.integers(low, high + 1))
    return Placement(float(across), float(down), short_side)
