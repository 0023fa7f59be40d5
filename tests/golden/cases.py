"""Small networks of every family of converted networks, held against the original's logits.

`tests/parity/references.py` builds the originals in the same sizes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from extract.architectures.efficient_x3d import efficient_x3d
from extract.architectures.efficientnet_lite import efficientnet_lite
from extract.architectures.i3d import i3d
from extract.architectures.r2plus1d import r2plus1d
from extract.architectures.slowfast import slow_r50, slowfast_r50
from extract.architectures.timesformer import timesformer
from extract.architectures.videomae import videomae
from extract.architectures.x3d import x3d

if TYPE_CHECKING:
    import keras

CLASSES = 10
FOLDER = Path(__file__).parent  # where the originals' logits are, a file a case


@dataclass(frozen=True)
class Case:
    """A small network.

    Attributes:
        backbone: whose pixel scaling and classifier it has.
        shape: T, H, W of its input; sides that halve to odd numbers show how it pads.
        make: builds it for such a shape, up to its features.
    """

    backbone: str
    shape: tuple[int, int, int]
    make: "Callable[[tuple[int, int, int]], keras.Model]"


CASES = {
    "r2plus1d": Case("r2plus1d_18", (6, 36, 36), lambda shape: r2plus1d(shape, (8, 12, 16, 24), 5)),
    "x3d": Case("x3d_xs", (5, 40, 40), lambda shape: x3d(shape, depth=0.4)),
    "efficient_x3d": Case("efficient_x3d_xs", (4, 40, 40), efficient_x3d),
    "i3d": Case("i3d", (20, 40, 40), i3d),
    "slow": Case("slow_r50", (4, 40, 40), lambda shape: slow_r50(shape, (8, 16, 32, 64))),
    "slowfast": Case(
        "slowfast_r50", (8, 40, 40), lambda shape: slowfast_r50(shape, (16, 32, 64, 128))
    ),
    "videomae": Case("videomae_small", (4, 48, 48), lambda shape: videomae(shape, 32, 2, 16)),
    "timesformer": Case(
        "timesformer_base", (3, 32, 32), lambda shape: timesformer(shape, 32, 2, 16)
    ),
}
# Their T is 1, and their core has no axis for it.
IMAGE_CASES = {
    "efficientnet_lite": Case(
        "efficientnet_lite0", (1, 40, 40), lambda shape: efficientnet_lite(shape[1], 0.5, 0.5)
    ),
}
ALL_CASES = CASES | IMAGE_CASES


@cache
def built(name: str) -> "keras.Model":
    """Return the network of a case with random weights, built once for all tests.

    Do not change its weights; what trains of it, whoever needs it sets.
    """
    case = CASES[name]
    return case.make(case.shape)
