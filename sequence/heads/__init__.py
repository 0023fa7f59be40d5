"""Heads of the sequence model, which map the rows of a window to one vector.

To add a head, write a module with a function `head(rows, units, dropout)` from rows (B, L, F) to
vectors (B, U), and add it to `HEADS`. The classifier follows the head.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sequence.heads.bilstm_attention import bilstm_attention
from sequence.heads.gru import gru
from sequence.heads.lstm import lstm
from sequence.heads.mean import mean
from sequence.heads.statistics import statistics


@dataclass(frozen=True)
class Head:
    """A head and the regularization of the classifier that follows it.

    Attributes:
        layers: Function from rows (B, L, F), units and dropout rate to vectors (B, U).
        l2: L2 penalty of the classifier's kernel, of a head without weights of its own. The kernel
            then starts at 0: random initial values in directions that a few hundred clips do not
            show would remain as noise.
    """

    layers: Callable
    l2: float = 0.0

    def __call__(self, rows, units: tuple[int, ...], dropout: float):
        """Return the vectors of the windows, (B, U)."""
        return self.layers(rows, units, dropout)


HEADS = {
    "lstm": Head(lstm),
    "gru": Head(gru),
    "bilstm_attention": Head(bilstm_attention),
    "mean": Head(mean),
    "statistics": Head(statistics, l2=0.1),
}
