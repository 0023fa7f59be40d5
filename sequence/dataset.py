"""The labelled pieces of the feature store, and look-back windows as places in its features."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from clips.loading.clip_sampling import evenly_spread
from clips.manifest import BACKGROUND, SPLITS, Manifest
from clips.manifest.segments import Segment, segments_of
from extract.feature_store.reader import FeatureStore
from recipes.commands import command
from sequence.feature_matrix import FeatureMatrix
from sequence.windows import full_steps, window_rows
from video.errors import LookbackError
from video.sampling import steps_before_full

# A unit that hardly fires in training has hardly any deviation, and dividing by it would blow up
# whatever it does in use. So none counts as less than this share of the mean deviation.
LEAST_DEVIATION = 0.1

# Of the largest feature: what lies closer together differs by the arithmetic alone.
LEAST_DIFFERENCE = 1e-6


@dataclass(frozen=True)
class LabeledSegment:
    """Steps `first`..`last`-1 of a video, which show class number `label`."""

    video: str
    label: int
    split: str
    group: str
    first: int
    last: int


@dataclass(frozen=True)
class Moments:
    """Mean and deviation of every feature over the training steps: float32 (D,)."""

    mean: np.ndarray
    deviation: np.ndarray


@dataclass(frozen=True)
class Windows:
    """Windows as places in the held features: `windows[4:9]` copies five of them out.

    Attributes:
        features: float32 (N, D), video after video.
        newest: (n,) row of each window's newest step.
        first: (n,) row of its video's step 0.
        piece: (n,) number of the piece that a window belongs to.
        look_back: L.
    """

    features: np.ndarray
    newest: np.ndarray
    first: np.ndarray
    piece: np.ndarray
    look_back: int

    def __len__(self) -> int:
        return len(self.newest)

    def __getitem__(self, chosen: slice) -> np.ndarray:
        """Return windows: float32 (B, L, D)."""
        rows = window_rows(self.newest[chosen], self.first[chosen], self.look_back)
        return self.features.take(rows, axis=0)

    def in_order(self, order: np.ndarray) -> "Windows":
        """Return the same windows in another order."""
        newest, first, piece = (each[order] for each in (self.newest, self.first, self.piece))
        return replace(self, newest=newest, first=first, piece=piece)


class Dataset:
    """Labelled pieces of a store's videos, and windows of them.

    Attributes:
        pieces: all labelled pieces that have steps.
        labels: class names in the order of the class numbers.
        without_features: videos of the manifest that the store lacks.
        look_back: L.

    Raises:
        LookbackError: a split or a class has no features at all.
    """

    def __init__(self, store: FeatureStore, manifest: Manifest, look_back: int) -> None:
        self.store = store
        self.look_back = look_back
        # A clip network's first steps see fewer frames than it takes.
        clip_length, stride = store.spec["clip_length"], store.spec["sampling"]["hop"]
        self._filled = steps_before_full(clip_length, stride)
        self.labels = manifest.labels
        self.without_features = [video for video in manifest.videos if video not in store]
        missing = set(self.without_features)
        steps = {video: store.steps(video) for video in manifest.videos if video not in missing}
        numbers = {label: number for number, label in enumerate(self.labels)}
        self.pieces: list[LabeledSegment] = []
        for segment in segments_of(manifest):
            if segment.video not in missing:
                piece = _piece(store, segment, numbers, steps[segment.video])
                if piece.first < piece.last:
                    self.pieces.append(piece)
        if not self.pieces:
            raise LookbackError(
                f"{store.path}: has features of no clip of {manifest.path}; {command('extract')} "
                "computes them"
            )
        self._held = FeatureMatrix(store, steps)

    def split(self, name: str) -> list[LabeledSegment]:
        return [piece for piece in self.pieces if piece.split == name]

    def require_splits(self) -> None:
        """Raise `LookbackError` where a class has no features on a side of the split."""
        for split in SPLITS:
            there = {piece.label for piece in self.split(split)}
            for number, label in enumerate(self.labels):
                # The rest of partly labelled videos may be empty; a class of its own may not.
                absent = not any(piece.label == number for piece in self.pieces)
                if number not in there and not (label == BACKGROUND and absent):
                    raise LookbackError(
                        f"{self.store.path}: no clip of {label} in {split} has features; run "
                        f"{command('extract')}, or split anew with {command('prepare')} --split"
                    )

    def require_variation(self, pieces: list[LabeledSegment]) -> None:
        """Raise `LookbackError` where all pieces have the same features: nothing can be learned."""
        first = self.rows(pieces[0])
        close = LEAST_DIFFERENCE * float(np.abs(first).max())
        still = all(_same(self.rows(piece), first[:1], close) for piece in pieces)
        if still or all(_same(self.rows(piece), first, close) for piece in pieces):
            raise LookbackError(
                f"{self.store.path}: all {len(pieces)} clips have the same features, and nothing "
                "can be learned from them; look at the clips (black, empty, all alike?), or make "
                f"other features: {command('extract')} --backbone NAME"
            )

    def full_steps(self, piece: LabeledSegment) -> range:
        """Return the steps whose windows and clips lie in the piece whole; else its last."""
        return full_steps(piece.first, piece.last, self.look_back + self._filled)

    def windows(self, pieces: list[LabeledSegment], steps: Iterable[ArrayLike]) -> Windows:
        """Return the windows at some steps of each piece, piece after piece."""
        chosen = [np.asarray(each, np.int64) for each in steps]
        firsts = np.array([self._held.first_row(piece.video) for piece in pieces], np.int64)
        counts = [len(each) for each in chosen]
        first = np.repeat(firsts, counts)
        piece = np.repeat(np.arange(len(pieces)), counts)
        newest = first + np.concatenate(chosen)
        return Windows(self._held.array, newest, first, piece, self.look_back)

    def full_windows(self, pieces: list[LabeledSegment], views: int | str = "all") -> Windows:
        """Return the full windows of pieces, piece after piece, in order of time.

        With a number of `views`, only so many of each, evenly spread.
        """
        return self.windows(pieces, [_spread(self.full_steps(piece), views) for piece in pieces])

    def training_windows(
        self,
        pieces: list[LabeledSegment],
        windows_per_clip: int | str,
        random: np.random.Generator,
    ) -> Windows:
        """Return random full windows of each piece, or all of them, shuffled."""
        steps = [self.full_steps(piece) for piece in pieces]
        if windows_per_clip != "all":
            steps = [
                random.choice(each, min(windows_per_clip, len(each)), replace=False)
                for each in steps
            ]
        drawn = self.windows(pieces, steps)
        return drawn.in_order(random.permutation(len(drawn)))

    def rows(self, piece: LabeledSegment) -> np.ndarray:
        """Return the features of a piece: float32 (n, D), a view to be read."""
        first = self._held.first_row(piece.video)
        return self._held.array[first + piece.first : first + piece.last]

    def moments(self, pieces: list[LabeledSegment]) -> Moments:
        """Return mean and deviation over all steps of `pieces`."""
        return _moments(self.rows(piece) for piece in pieces)

    def difference_moments(self, pieces: list[LabeledSegment], of: Moments) -> Moments:
        """Return the moments of |x_t - x_(t-1)| of features standardised by `of`."""
        return _moments(
            np.abs(np.diff(self.rows(piece), axis=0)) / of.deviation for piece in pieces
        )


def _same(rows: np.ndarray, others: np.ndarray, close: float) -> bool:
    """Whether rows (n, D) equal others, (n, D) or one for all (1, D)."""
    if len(others) not in (1, len(rows)):
        return False
    return bool(np.abs(rows - others).max() <= close)


def _spread(steps: range, views: int | str) -> Sequence[int]:
    return steps if views == "all" or views >= len(steps) else evenly_spread(steps, views)


def _moments(arrays: Iterator[np.ndarray]) -> Moments:
    count, total, squares = 0, 0.0, 0.0
    for array in arrays:
        rows = array.astype(np.float64)
        count, total, squares = count + len(rows), total + rows.sum(0), squares + (rows**2).sum(0)
    mean = total / max(count, 1)
    deviation = np.sqrt(np.maximum(squares / max(count, 1) - mean**2, 0.0))
    if not deviation.any():  # clips of stills have no differences: leave the scale as it is
        deviation = np.ones_like(mean)
    floor = max(LEAST_DEVIATION * float(deviation.mean()), 1e-6)
    return Moments(mean.astype(np.float32), np.maximum(deviation, floor).astype(np.float32))


def _piece(
    store: FeatureStore, segment: Segment, numbers: dict[str, int], steps: int
) -> LabeledSegment:
    first, last = 0, steps
    if segment.start > 0 or segment.end < float("inf"):
        first, last = np.searchsorted(
            store.seconds(segment.video), [segment.start, segment.end]
        ).tolist()
    return LabeledSegment(
        segment.video, numbers[segment.label], segment.split, segment.group, first, last
    )
