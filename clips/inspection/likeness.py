"""Clips that show the same: copies of one recording, and clips of one scene.

Perceptual hashes find candidates. A fixed camera makes all its clips alike, at any time, so a copy
must also move alike: what changes between its frames has to agree at one offset in time. Clips that
look alike without that are of one scene.

What stays in place (`backgrounds.py`) tells scenes apart that look alike from afar. The limits are
chosen on half of the groups of 247 surveillance clips (40 source videos) and of 688 rendered clips
(172 scenes with a figure each, the harder case), and measured on the other half:

| rule | pairs of one source found | of two sources taken | one rendered scene | two |
|---|---|---|---|---|
| same view | 0.48 (173 of 358) | 0 of 5,102 | 1.00 | 0 of 58,480 |
| same scene | 0.53 (188 of 358) | 0 of 5,102 | 1.00 | 14 of 58,480 |
| copy | 0 (there are none) | 0 of 5,102 | 0 (there are none) | 0 of 58,480 |

Many of the sources are compilations of several cameras, so their clips do not look alike. Of 40
copies, encoded again with visible loss at a short side of 96 to 240 pixels and begun 0 to 0.6 s
later, 39 are found; the other one hardly moves. Motion of two surveillance clips agrees by 0.51 at
most.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from clips.inspection.backgrounds import agreements
from clips.inspection.sketches import SIDE, Sketch

_COPY_DISTANCE = 16  # of hashes, in bits of 63
_COPY_LIKENESS, _COPY_AGREEMENT = 0.9, 0.65
_SCENE_AGREEMENT, _VIEW_AGREEMENT = 0.4, 0.55  # of backgrounds
# Of clips that are also numbered one after the other.
NEIGHBOR_DISTANCE, NEIGHBOR_LIKENESS = 20, 0.5

MIN_SAMPLES = 8  # that two clips have in common: one second
_HASH_BITS = 64
_MIN_MOTION = 1.0  # mean square of what changes, in gray levels
_HASHES_ASKED = 16  # of a clip, against all hashes of the others
MAX_PAIRS = 300_000  # compared in full, the nearest hashes first


@dataclass(frozen=True)
class Pair:
    """Two clips that look alike.

    Attributes:
        one, other: Their videos.
        distance: Smallest distance of two of their hashes, in bits.
        likeness: Largest correlation of two of their small pictures.
        background: Agreement of their backgrounds; 0 if it is below that of a scene.
        agreement: Correlation of what changes in them, at the best offset; 0 if they do not move.
        offset_seconds: Time in `one` at which `other` begins.
        overlap_seconds: Time that they have in common at this offset.
    """

    one: str
    other: str
    distance: int
    likeness: float
    background: float = 0.0
    agreement: float = 0.0
    offset_seconds: float = 0.0
    overlap_seconds: float = 0.0

    @property
    def is_copy(self) -> bool:
        """Whether both are of one recording, at the same time."""
        alike = self.distance <= _COPY_DISTANCE and self.likeness >= _COPY_LIKENESS
        return alike and self.agreement >= _COPY_AGREEMENT

    @property
    def is_scene(self) -> bool:
        """Whether both probably show one scene; good enough for a proposal."""
        return self.background >= _SCENE_AGREEMENT or self.is_copy

    @property
    def is_view(self) -> bool:
        """Whether both show the same view almost without doubt; good enough for a warning."""
        return self.background >= _VIEW_AGREEMENT or self.is_copy


@dataclass(frozen=True)
class Likeness:
    """All pairs of clips that look alike.

    Attributes:
        pairs: The pairs, copies first.
        too_short: Videos that are too short, or too dark, to be compared.
        left_out: Number of pairs of similar hashes that were not compared, for want of time.
    """

    pairs: tuple[Pair, ...] = ()
    too_short: tuple[str, ...] = ()
    left_out: int = 0

    @property
    def copies(self) -> list[Pair]:
        return [pair for pair in self.pairs if pair.is_copy]

    @property
    def scenes(self) -> list[Pair]:
        return [pair for pair in self.pairs if pair.is_scene]


def compare(sketches: Mapping[str, Sketch]) -> Likeness:
    """Return the pairs of clips that look alike.

    The time grows with the square of the number of clips.

    Args:
        sketches: Sketch of each video.
    """
    usable = {
        video: sketch
        for video, sketch in sketches.items()
        if np.count_nonzero(sketch.textured) >= MIN_SAMPLES
    }
    too_short = tuple(video for video in sketches if video not in usable)
    backgrounds = agreements([each.background for each in usable.values()], _SCENE_AGREEMENT)
    distances = dict.fromkeys(backgrounds, _HASH_BITS) | _candidates(list(usable.values()))
    found = sorted(distances.items(), key=lambda each: each[1])
    videos = list(usable)
    normalized = [_normalized(sketch) for sketch in usable.values()]
    pairs = []
    for (one, other), distance in found[:MAX_PAIRS]:
        background = backgrounds.get((one, other), 0.0)
        likeness = float((normalized[one] @ normalized[other].T).max())
        if likeness < NEIGHBOR_LIKENESS and not background:
            continue
        a, b = usable[videos[one]], usable[videos[other]]
        can_be_copy = distance <= _COPY_DISTANCE and likeness >= _COPY_LIKENESS
        motion = _agreement(a, b) if can_be_copy else (0.0, 0.0, 0.0)
        pairs.append(Pair(videos[one], videos[other], distance, likeness, background, *motion))
    pairs.sort(key=lambda pair: (-pair.agreement, pair.distance, pair.one, pair.other))
    return Likeness(tuple(pairs), too_short, max(0, len(found) - MAX_PAIRS))


def _candidates(sketches: Sequence[Sketch]) -> dict[tuple[int, int], int]:
    """Return the distance of clips with similar hashes by their indices, the smaller one first."""
    if len(sketches) < 2:
        return {}
    hashes = [np.unique(sketch.hashes[sketch.textured]) for sketch in sketches]
    starts = np.cumsum([0] + [len(each) for each in hashes[:-1]])
    everything = np.concatenate(hashes)
    nearest: dict[tuple[int, int], int] = {}
    for one, sketch in enumerate(sketches):
        some = sketch.hashes[sketch.textured]
        places = np.linspace(0, len(some) - 1, min(len(some), _HASHES_ASKED)).round().astype(int)
        distances = np.full(len(everything), _HASH_BITS, np.uint8)
        for value in np.unique(some[places]):
            np.minimum(distances, np.bitwise_count(everything ^ value), out=distances)
        per_clip = np.minimum.reduceat(distances, starts)
        for other in np.flatnonzero(per_clip <= NEIGHBOR_DISTANCE):
            if other != one:
                pair = (min(one, int(other)), max(one, int(other)))
                nearest[pair] = min(nearest.get(pair, _HASH_BITS), int(per_clip[other]))
    return nearest


def _normalized(sketch: Sketch) -> np.ndarray:
    """Return the textured pictures with mean 0 and norm 1: float32 (n, 1024)."""
    flat = _rows(sketch.pictures[sketch.textured])
    flat -= flat.mean(1, keepdims=True)
    unit: np.ndarray = flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)
    return unit


def _rows(pictures: np.ndarray) -> np.ndarray:
    return pictures.reshape(-1, SIDE * SIDE).astype(np.float32)


def _agreement(one: Sketch, other: Sketch) -> tuple[float, float, float]:
    """Return how much what changes agrees at the best offset, that offset and the overlap, in
    seconds; 0 if they hardly move."""
    rate = min(one.rate, other.rate)
    a = _rows(one.pictures[:: round(one.rate / rate)])
    b = _rows(other.pictures[:: round(other.rate / rate)])
    best = (0.0, 0, 0)
    for offset, length, value in _at_each_offset(a, b):
        best = max(best, (value, offset, length))
    return best[0], best[1] / rate, best[2] / rate


def _at_each_offset(a: np.ndarray, b: np.ndarray) -> Iterator[tuple[int, int, float]]:
    """Yield offset, overlap and the correlation of a and b around their means in the overlap.

    Args:
        a, b: float32 (n, 1024) and (m, 1024).
    """
    products = (a @ b.T).astype(np.float64)
    sums = [
        np.concatenate([np.zeros((1, each.shape[1])), each.cumsum(0, np.float64)])
        for each in (a, b)
    ]
    squares = [
        np.concatenate([[0.0], (each**2).sum(1, dtype=np.float64).cumsum()]) for each in (a, b)
    ]
    for offset in range(MIN_SAMPLES - len(b), len(a) - MIN_SAMPLES + 1):
        first, second = max(offset, 0), max(-offset, 0)
        length = min(len(a) - first, len(b) - second)
        parts = [
            each[at + length] - each[at] for each, at in zip(sums, (first, second), strict=True)
        ]
        energy = [
            each[at + length] - each[at] - part @ part / length
            for each, at, part in zip(squares, (first, second), parts, strict=True)
        ]
        if min(energy) < _MIN_MOTION * length * SIDE * SIDE:
            continue
        diagonal = products.diagonal(-first if first else second)[:length]
        together = diagonal.sum() - parts[0] @ parts[1] / length
        yield offset, length, float(together / np.sqrt(energy[0] * energy[1]))
