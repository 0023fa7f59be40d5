"""Caches the outputs of the frozen part of a network in memory.

    epoch            0   1   2   3   4   5   6  ...     finetune.cache.epochs: 3
    clips of epoch   0   1   2   0   1   2   0  ...     epochs 0 to 2 equal those without a cache
    computed         x   x   x                          and validation once

Epochs beyond the memory limit are computed again each time, so they also get new random clips.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from extract.finetuning.dataset import ClipDataset, Rows
from extract.finetuning.frozen_trunk import FrozenTrunk
from recipes.schema import Cache
from video.console import progress_bar

_MEGABYTE = 10**6


@dataclass(frozen=True)
class _CachedClips:
    """Activations (n, ...) in the order of their segments, whose indices are (n,)."""

    activations: np.ndarray
    segments: np.ndarray

    def rows(self, order: np.ndarray) -> np.ndarray:
        """Return the activations of an order (B, 2) of (segment, clip of the segment)."""
        first = np.searchsorted(self.segments, order[:, 0])
        return self.activations[first + order[:, 1]]


class ActivationCache:
    """Batches of activations of the frozen part, float32 (B, *trunk.shape).

    It replaces the `extract.finetuning.dataset.ClipDataset` of a run. All activations of an epoch
    are computed together, in the segments' order, when the epoch first needs them. Their bits
    depend only on the epoch, so a resumed run has the same ones.

    Attributes:
        trunk: The frozen part.
        epochs: Number of epochs whose training clips are cached.
        keeps_validation: Whether the validation clips are cached; they take precedence.
    """

    def __init__(self, clips: ClipDataset, trunk: FrozenTrunk, chosen: Cache) -> None:
        """Determine what fits into memory; nothing is computed yet.

        Args:
            clips: Clips of the run.
            trunk: Frozen part of its network.
            chosen: Maximum epochs and megabytes; 0 epochs cache nothing, validation included.
        """
        self.trunk, self._clips, self._chosen = trunk, clips, chosen
        self._row = 4 * prod(trunk.shape)
        self._rows = self._validation_rows = self.epochs = 0
        if chosen.epochs:
            # Mixed batches are new in every epoch, and their activations are not mixed ones.
            self._rows = 0 if clips.mixes else clips.max_training_clips()
            self._validation_rows = clips.max_validation_clips()
        room = chosen.megabytes * _MEGABYTE // self._row
        self.keeps_validation = 0 < self._validation_rows <= room
        if self.keeps_validation:
            room -= self._validation_rows
        if self._rows:
            self.epochs = min(chosen.epochs, room // self._rows)
        self._cached: dict[int, _CachedClips] = {}
        self._validation: _CachedClips | None = None

    def __str__(self) -> str:
        engine, epochs = f"{self.trunk.engine} computes the frozen part", self._chosen.epochs
        if not epochs:
            return f"{engine} in every epoch."
        if self._clips.mixes:
            return f"{engine} in every epoch: mixup and cutmix make other clips each time."
        shape = "x".join(map(str, self.trunk.shape))
        size = (epochs * self._rows + self._validation_rows) * self._row / _MEGABYTE
        megabytes = f"{size:{'.0f' if size >= 10 else '.2g'}} MB"
        maximum = (
            f"({self._rows} clips x {epochs} epoch{'s' * (epochs > 1)} + {self._validation_rows} "
            f"validation clips) x {shape} float32 = at most {megabytes} of memory"
        )
        if self.epochs == epochs and self.keeps_validation:
            first = f"first {epochs} epochs" if epochs > 1 else "first epoch"
            return (
                f"{engine}; cache: {maximum}; after the {first} only the trained part is computed."
            )
        cached = f"{'validation and ' if self.keeps_validation else ''}{self.epochs} of the epochs"
        return (
            f"{engine}; cache: {maximum}; finetune.cache.megabytes {self._chosen.megabytes} has "
            f"room for {cached}, the rest is computed in every epoch."
        )

    @property
    def cached_bytes(self) -> int:
        """Current size of the cache in bytes."""
        cached = [*self._cached.values(), *([self._validation] if self._validation else [])]
        return sum(clips.activations.nbytes for clips in cached)

    def train(self, epoch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the shuffled activations of an epoch with their class indices (B,)."""
        sampled = epoch % self._chosen.epochs if self._chosen.epochs else epoch
        if sampled >= self.epochs:
            for clips, classes in self._clips.train(epoch):
                yield self.trunk(clips), classes
            return
        cached = self._cached_clips(sampled)
        for batch in self._orders(cached, epoch):
            yield cached.rows(batch), self._clips.training_classes[batch[:, 0]]

    def train_rows(self, epoch: int, rows_of: Callable[[int], np.ndarray]) -> Iterator[Rows]:
        """Yield some rows of each batch, as `ClipDataset.train_rows` does.

        Of several processes, each computes a part of the cache, and all have the whole.

        Args:
            epoch: The epoch.
            rows_of: Function from the number of rows of a batch to the different rows to yield.
        """
        sampled = epoch % self._chosen.epochs if self._chosen.epochs else epoch
        if sampled >= self.epochs:
            for rows in self._clips.train_rows(epoch, rows_of):
                yield replace(rows, inputs=self.trunk(rows.inputs))
            return
        cached = self._cached_clips(sampled)
        for batch in self._orders(cached, epoch):
            chosen = batch[rows_of(len(batch))]
            classes = self._clips.training_classes[chosen[:, 0]]
            yield Rows(cached.rows(chosen), classes, np.ones(len(chosen), bool), len(batch))

    def _cached_clips(self, sampled: int) -> _CachedClips:
        if sampled not in self._cached:
            batches = self._clips.train_in_order(sampled)
            mine = self._computed(batches, self._rows, f"clips of epoch {sampled + 1}")
            self._cached[sampled] = self._of_all_processes(mine)
        return self._cached[sampled]

    def _orders(self, cached: _CachedClips, epoch: int) -> Iterator[np.ndarray]:
        """Yield the order (B, 2) of each batch of an epoch."""
        counts = np.bincount(cached.segments, minlength=len(self._clips.training))
        order, size = self._clips.train_order(epoch, counts), self._clips.batch_size
        for start in range(0, len(order), size):
            yield order[start : start + size]

    def _of_all_processes(self, mine: _CachedClips) -> _CachedClips:
        if self._clips.processes is None:
            return mine
        segments = np.concatenate(self._clips.processes.gathered(mine.segments))
        activations = np.concatenate(self._clips.processes.gathered(mine.activations))
        order = np.argsort(segments, kind="stable")
        return _CachedClips(activations[order], segments[order])

    def validate(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the validation clips' activations with the indices of their segments (B,)."""
        if not self.keeps_validation:
            for clips, segments in self._clips.validate():
                yield self.trunk(clips), segments
            return
        if self._validation is None:
            batches = self._clips.validate()
            self._validation = self._computed(batches, self._validation_rows, "validation")
        cached, size = self._validation, self._clips.batch_size
        for start in range(0, len(cached.segments), size):
            yield cached.activations[start : start + size], cached.segments[start : start + size]

    def _computed(
        self, batches: Iterator[tuple[np.ndarray, np.ndarray]], max_rows: int, name: str
    ) -> _CachedClips:
        activations = np.empty((max_rows, *self.trunk.shape), np.float32)
        segments = np.empty(max_rows, int)
        count = 0
        with progress_bar(total=max_rows, desc=name, unit="clip", leave=False) as bar:
            for clips, indices in batches:
                end = count + len(clips)
                activations[count:end], segments[count:end] = self.trunk(clips), indices
                count = end
                bar.update(len(clips))
        return _CachedClips(activations[:count], segments[:count])
