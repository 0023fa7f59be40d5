"""Training pictures, drawn from the clips as they are needed: nothing is written to disk."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from clips.augmentation import augmented
from clips.spans import Span
from recipes.schema import Augment
from video.errors import VideoError
from video.frame import Frame
from video.preprocessing import Preprocessing, Preprocessor
from video.sampling import Sampler, Sampling
from video.sources import FileSource

_THREADS = 2
_CLIPS_AHEAD = 8
# Pictures that wait to be mixed, so that a batch does not hold one clip's frames alone.
_MIXED_PICTURES = 512


@dataclass(frozen=True)
class Drawing:
    """How pictures are drawn from a clip.

    Attributes:
        folder: what the spans' paths are relative to.
        sampling: the steps that can be drawn.
        preprocessing: how a frame becomes a picture.
        count: pictures a clip, or `all`.
        augment: variation of training pictures; None for validation.
    """

    folder: Path
    sampling: Sampling
    preprocessing: Preprocessing
    count: int | str
    augment: Augment | None


def draw_clip(span: Span, drawing: Drawing, random: np.random.Generator) -> np.ndarray:
    """Return pictures of random steps of a span: uint8 RGB (n, 1, H, W, 3); n may be 0.

    Raises:
        VideoError: the file cannot be read.
    """
    preprocess = Preprocessor(drawing.preprocessing)
    chosen: list[Frame | np.ndarray] = []
    with FileSource(drawing.folder / span.video) as source:
        seen = 0
        for frame in _sampled(source, span, drawing.sampling):
            if drawing.count == "all":
                chosen.append(preprocess(frame))
                continue
            # Reservoir sampling: the clip's length need not be known, and only drawn frames are
            # ever converted.
            seen += 1
            if len(chosen) < drawing.count:
                chosen.append(frame)
            elif (place := random.integers(seen)) < drawing.count:
                chosen[place] = frame
        pictures = [p if isinstance(p, np.ndarray) else preprocess(p) for p in chosen]
    if drawing.augment:
        pictures = [augmented(p[None], drawing.augment, random)[0] for p in pictures]
    if not pictures:
        side = drawing.preprocessing
        return np.empty((0, 1, side.height, side.width, 3), np.uint8)
    return np.stack(pictures)[:, None]


def _sampled(source: FileSource, span: Span, sampling: Sampling) -> Iterator[Frame]:
    sampler = Sampler(sampling.fps)
    for frame in source:
        for sample in sampler.push(frame):
            if span.holds(sample.seconds):
                yield sample.frame


def drawn_clips(
    spans: list[Span], drawing: Drawing, seed: tuple[int, ...]
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (index of the span, its pictures) in order, decoded ahead by threads.

    What is drawn depends on `seed` and the span's index alone. A clip that cannot be read gives no
    pictures: extraction will name it.
    """

    def draw(index: int) -> tuple[int, np.ndarray]:
        random = np.random.default_rng([*seed, index])
        return index, draw_clip(spans[index], drawing, random)

    with ThreadPoolExecutor(_THREADS) as pool:
        waiting: deque[Future] = deque()
        for index in range(len(spans)):
            waiting.append(pool.submit(draw, index))
            if len(waiting) >= _CLIPS_AHEAD:
                yield from _result(waiting.popleft())
        while waiting:
            yield from _result(waiting.popleft())


def _result(future: Future) -> Iterator[tuple[int, np.ndarray]]:
    try:
        yield future.result()
    except VideoError:
        return


def training_batches(
    spans: list[Span],
    labels: dict[str, int],
    drawing: Drawing,
    batch_size: int,
    seed: int,
    epoch: int,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield shuffled batches of an epoch: uint8 (B, 1, H, W, 3) and int class indices (B,)."""
    random = np.random.default_rng([seed, epoch])
    order = [spans[index] for index in random.permutation(len(spans))]
    pool: list[tuple[np.ndarray, int]] = []
    for index, pictures in drawn_clips(order, drawing, (seed, epoch)):
        pool += [(picture, labels[order[index].label]) for picture in pictures]
        while len(pool) >= _MIXED_PICTURES + batch_size:
            yield _take(pool, batch_size, random)
    while pool:
        yield _take(pool, min(batch_size, len(pool)), random)


def _take(
    pool: list[tuple[np.ndarray, int]], count: int, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    # From the end of a list, after a swap: taking from the middle would move all the rest.
    for place in range(len(pool) - 1, len(pool) - 1 - count, -1):
        other = random.integers(place + 1)
        pool[place], pool[other] = pool[other], pool[place]
    taken = pool[-count:]
    del pool[-count:]
    return np.stack([picture for picture, _ in taken]), np.array([label for _, label in taken])
