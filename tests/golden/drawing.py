"""Weights and pixels drawn alike by every numpy: `RandomState` gives one stream for ever (NEP 19).

So a golden file holds the names and shapes of a network's tensors, and not their values.
"""

import zlib
from math import prod

import numpy as np

# The blocks of a clip: frames that one lasts, and how many stand side by side.
_LASTING, _ACROSS = 4, 4


def draw_tensors(shapes: dict[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """Return float32 tensors; each depends on its own name and shape alone."""
    return {name: _draw_tensor(name, tuple(shape)) for name, shape in shapes.items()}


def draw_clip(shape: tuple[int, int, int], seed: int = 0) -> np.ndarray:
    """Return uint8 RGB (1, T, H, W, 3): large blocks of colour that last four frames, under noise,
    so that a clip differs from place to place, from time to time and from the next seed's."""
    random = np.random.RandomState(seed)
    steps = (_LASTING, *(-(-size // _ACROSS) for size in shape[1:]))
    counts = [-(-size // step) for size, step in zip(shape, steps, strict=True)]
    coarse = random.randint(0, 256, (*counts, 3), dtype=np.uint8)
    for axis, (size, step) in enumerate(zip(shape, steps, strict=True)):
        coarse = coarse.repeat(step, axis).take(range(size), axis)
    fine = random.randint(0, 256, (*shape, 3), dtype=np.uint8)
    return (coarse // 4 * 3 + fine // 4)[None]


def _draw_tensor(name: str, shape: tuple[int, ...]) -> np.ndarray:
    random = np.random.RandomState(zlib.crc32(name.encode()))
    if name.endswith(".running_var"):
        values = random.uniform(0.5, 1.5, shape)
    elif len(shape) == 1 and name.endswith(".weight"):
        # Of a normalisation. Larger ones let what passes 26 residual blocks grow a thousandfold,
        # and gates that saturate turn float32's rounding into differences of 2e-4.
        values = random.uniform(0.4, 1.2, shape)
    elif len(shape) == 1:
        values = 0.1 * random.standard_normal(shape)
    elif shape[0] == 1:  # embeddings of positions
        values = 0.5 * random.standard_normal(shape)
    else:  # He et al. 2015: a rectified layer keeps the size of what passes it
        values = np.sqrt(2 / prod(shape[1:])) * random.standard_normal(shape)
    return values.astype(np.float32)
