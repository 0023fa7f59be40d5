"""The labelled pieces of the feature store. Features stay on disk until a batch needs them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from clips.drawing import evenly_spread
from clips.manifest import BACKGROUND, SPLITS, Manifest
from clips.spans import Span, spans_of
from extract.feature_store import FeatureStore
from sequence.windows import full_steps, windows
from video.errors import LookbackError
from video.sampling import steps_before_full

# A unit that hardly fires in training has hardly any deviation, and dividing by it would blow up
# whatever it does in use. So none counts as less than this share of the mean deviation.
LEAST_DEVIATION = 0.1


@dataclass(frozen=True)
class LabelledSteps:
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


class Dataset:
    """Labelled pieces of a store's videos, and windows read from it.

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
        clip_length, hop = store.spec["clip_length"], store.spec["sampling"]["hop"]
        self._filled = steps_before_full(clip_length, hop)
        self.labels = manifest.labels
        self.without_features = [video for video in manifest.videos if video not in store]
        missing = set(self.without_features)
        numbers = {label: number for number, label in enumerate(self.labels)}
        self.pieces: list[LabelledSteps] = []
        for span in spans_of(manifest):
            if span.video not in missing:
                piece = _piece(store, span, numbers)
                if piece.first < piece.last:
                    self.pieces.append(piece)
        if not self.pieces:
            raise LookbackError(
                f"{store.path}: has features of no clip of {manifest.path}; python extract.py "
                "computes them"
            )

    def split(self, name: str) -> list[LabelledSteps]:
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
                        "python extract.py, or split anew with python prepare.py --split"
                    )

    def full_steps(self, piece: LabelledSteps) -> range:
        """Return the steps whose windows and clips lie in the piece whole; else its last."""
        return full_steps(piece.first, piece.last, self.look_back + self._filled)

    def window(self, piece: LabelledSteps, step: int) -> np.ndarray:
        """Return the window at a step: float32 (L, D), read from disk."""
        start = max(0, step - self.look_back + 1)
        rows = self.store.features(piece.video, start, step + 1)
        return windows(rows, self.look_back)[-1]

    def full_windows(
        self, piece: LabelledSteps, at_once: int, views: int | str = "all"
    ) -> Iterator[np.ndarray]:
        """Yield the full windows of a piece in order, at most `at_once` at a time: (n, L, D).

        With a number of `views`, only so many, evenly spread.
        """
        steps = self.full_steps(piece)
        if views != "all" and views < len(steps):
            yield np.stack([self.window(piece, step) for step in evenly_spread(steps, views)])
            return
        for start in range(steps.start, steps.stop, at_once):
            stop = min(start + at_once, steps.stop)
            first = max(0, start - self.look_back + 1)
            rows = self.store.features(piece.video, first, stop)
            yield windows(rows, self.look_back)[start - first :]

    def rows(self, piece: LabelledSteps) -> np.ndarray:
        """Return the features of a piece: float32 (n, D)."""
        return self.store.features(piece.video, piece.first, piece.last)

    def moments(self, pieces: list[LabelledSteps]) -> Moments:
        """Return mean and deviation over all steps of `pieces`, reading one piece at a time."""
        return _moments(self.rows(piece) for piece in pieces)

    def difference_moments(self, pieces: list[LabelledSteps], of: Moments) -> Moments:
        """Return the moments of |x_t - x_(t-1)| of features standardised by `of`."""
        return _moments(
            np.abs(np.diff(self.rows(piece), axis=0)) / of.deviation for piece in pieces
        )

    def training_batches(
        self,
        pieces: list[LabelledSteps],
        windows_per_clip: int | str,
        batch_size: int,
        random: np.random.Generator,
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield shuffled batches of random full windows: float32 (B, L, D), class numbers (B,)."""
        drawn = []
        for number, piece in enumerate(pieces):
            steps = self.full_steps(piece)
            if windows_per_clip != "all":
                steps = random.choice(steps, min(windows_per_clip, len(steps)), replace=False)
            drawn += [(number, int(step)) for step in steps]
        order = random.permutation(len(drawn))
        for start in range(0, len(drawn), batch_size):
            batch = [drawn[index] for index in order[start : start + batch_size]]
            inputs = np.stack([self.window(pieces[number], step) for number, step in batch])
            yield inputs, np.array([pieces[number].label for number, _ in batch])


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


def _piece(store: FeatureStore, span: Span, numbers: dict[str, int]) -> LabelledSteps:
    first, last = 0, store.steps(span.video)
    if span.start > 0 or span.end < float("inf"):
        first, last = np.searchsorted(store.seconds(span.video), [span.start, span.end]).tolist()
    return LabelledSteps(span.video, numbers[span.label], span.split, span.group, first, last)
