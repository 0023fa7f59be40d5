"""What a frozen trunk makes of the clips, computed once and kept in memory.

    epoch          0   1   2   3   4   5   6  ...     draws = 3
    draw           0   1   2   0   1   2   0  ...     the first three are those of a run without
    computed       x   x   x                          and validation once

A draw that the bound leaves no room for is computed in every epoch that comes to it, and since that
costs the same, drawn afresh.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

import numpy as np

from extract.finetuning.dataset import ClipDataset
from extract.finetuning.frozen_trunk import FrozenTrunk
from recipes.schema import Cache
from video.console import progress_bar

_MEGABYTE = 10**6


@dataclass(frozen=True)
class _Draw:
    """Activations (n, ...) in the order of their segments, whose indices are (n,)."""

    activations: np.ndarray
    segments: np.ndarray

    def rows_of(self, segment: int) -> range:
        return range(*np.searchsorted(self.segments, [segment, segment + 1]).tolist())


class ActivationCache:
    """The clips of a run as the trained part of its network sees them: float32 (B, *trunk.shape).

    Stands where `extract.finetuning.dataset.ClipDataset` stands without a frozen trunk. A draw is
    computed when an epoch first asks for it, all of it and in the segments' order, so that its bits
    depend on the draw alone, and a resumed run finds the same.

    Attributes:
        trunk: what computes them.
        draws: how many of the training clips' draws are kept.
        keeps_validation: whether the validation clips are, which come first.
    """

    def __init__(self, clips: ClipDataset, trunk: FrozenTrunk, chosen: Cache) -> None:
        """Lay out what is kept; nothing is computed yet.

        Args:
            clips: of the run.
            trunk: the frozen part of its network.
            chosen: draws and megabytes at most; 0 draws keep nothing, validation neither.
        """
        self.trunk, self._clips, self._chosen = trunk, clips, chosen
        self._row = 4 * prod(trunk.shape)
        self._rows = self._validation_rows = self.draws = 0
        if chosen.epochs:
            self._rows, self._validation_rows = clips.most_training(), clips.most_validation()
        room = chosen.megabytes * _MEGABYTE // self._row
        self.keeps_validation = 0 < self._validation_rows <= room
        if self.keeps_validation:
            room -= self._validation_rows
        if self._rows:
            self.draws = min(chosen.epochs, room // self._rows)
        self._kept: dict[int, _Draw] = {}
        self._validation: _Draw | None = None

    def __str__(self) -> str:
        told, draws = f"The frozen part is computed by {self.trunk.engine}", self._chosen.epochs
        if not draws:
            return f"{told}, in every epoch."
        shape = "x".join(map(str, self.trunk.shape))
        size = (draws * self._rows + self._validation_rows) * self._row / _MEGABYTE
        told += (
            f"; cache: ({self._rows} inputs x {draws} draw{'s' * (draws > 1)} + "
            f"{self._validation_rows} of validation) x {shape} float32 = at most "
            f"{size:{'.0f' if size >= 10 else '.2g'}} MB of memory"
        )
        if self.draws == draws and self.keeps_validation:
            first = f"first {draws} epochs" if draws > 1 else "first epoch"
            return f"{told}; after its {first} only what is trained is computed."
        kept = f"{'validation and ' if self.keeps_validation else ''}{self.draws} of the draws"
        return (
            f"{told}; finetune.cache.megabytes {self._chosen.megabytes} holds {kept}, the rest is "
            "computed in every epoch."
        )

    @property
    def kept_bytes(self) -> int:
        """Size of what is kept by now."""
        kept = [*self._kept.values(), *([self._validation] if self._validation else [])]
        return sum(draw.activations.nbytes for draw in kept)

    def train(self, epoch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield an epoch's activations, mixed, with their class numbers (B,)."""
        number = epoch % self._chosen.epochs if self._chosen.epochs else epoch
        if number >= self.draws:
            for clips, classes in self._clips.train(epoch):
                yield self.trunk(clips), classes
            return
        if number not in self._kept:
            clips = self._clips.draw(number)
            self._kept[number] = self._computed(clips, self._rows, f"draw {number + 1}")
        draw = self._kept[number]
        for batch in self._clips.mixed(epoch, draw.rows_of):
            segments, rows = np.array(batch).T
            yield draw.activations[rows], self._clips.training_classes[segments]

    def validate(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the validation clips' activations, each with its segment's index (B,)."""
        if not self.keeps_validation:
            for clips, segments in self._clips.validate():
                yield self.trunk(clips), segments
            return
        if self._validation is None:
            clips = self._clips.validate()
            self._validation = self._computed(clips, self._validation_rows, "validation")
        draw, size = self._validation, self._clips.batch_size
        for start in range(0, len(draw.segments), size):
            yield draw.activations[start : start + size], draw.segments[start : start + size]

    def _computed(
        self, batches: Iterator[tuple[np.ndarray, np.ndarray]], most: int, name: str
    ) -> _Draw:
        activations = np.empty((most, *self.trunk.shape), np.float32)
        segments = np.empty(most, int)
        count = 0
        with progress_bar(total=most, desc=name, unit="clip", leave=False) as bar:
            for clips, indices in batches:
                end = count + len(clips)
                activations[count:end], segments[count:end] = self.trunk(clips), indices
                count = end
                bar.update(len(clips))
        return _Draw(activations[:count], segments[:count])
