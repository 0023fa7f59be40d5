"""What an engine is: uint8 clips in, float32 features out, as fast as the machine allows."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Workload:
    """What an engine is wanted for.

    Attributes:
        precision: `f32` is the reference; `bf16` and `int8` are faster and cost accuracy.
        batch_size: clips at once; None for what suits the engine.
        live: whether one clip is wanted as soon as possible, not many in all.
    """

    precision: str = "f32"
    batch_size: int | None = None
    live: bool = False


EXACT = Workload()


class Engine:
    """Computes features, always `batch_size` clips at once: with one shape, the bits of a feature
    depend on its clip alone, whatever else is in the batch.

    It holds no state of any video, and any number of threads may call it.

    Attributes:
        name: as `--engine` takes it.
        precision: of the workload it was made for.
        feature_size: D.
        batch_size: B.
        parallel: how many threads must call it at once for its full speed.
    """

    name: str
    precision: str
    feature_size: int
    parallel: int = 1

    def __init__(self, batch_size: int) -> None:
        self.batch_size = batch_size

    def __call__(self, clips: np.ndarray) -> np.ndarray:
        """Return float32 features (N, D) of uint8 clips (N, T, H, W, 3), for any N."""
        features = np.empty((len(clips), self.feature_size), np.float32)
        for start in range(0, len(clips), self.batch_size):
            batch = clips[start : start + self.batch_size]
            count = len(batch)
            if count < self.batch_size:
                batch = np.concatenate([batch, np.repeat(batch[-1:], self.batch_size - count, 0)])
            features[start : start + count] = self._compute(batch)[:count]
        return features

    def stream(self) -> "ClipStream":
        """Return what computes the clips of one running video."""
        return ClipStream(self)

    def _compute(self, clips: np.ndarray) -> np.ndarray:
        """Return the features (B, D) of one batch; the array may be used again by the next call of
        the same thread."""
        raise NotImplementedError


class ClipStream:
    """Computes the clips of one running video by an engine. One instance a video."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def feature(self, clip: np.ndarray, frames: tuple[int, ...]) -> np.ndarray:
        """Return the float32 feature (D,) of the video's newest clip.

        Args:
            clip: Pictures, uint8 (T, H, W, 3).
            frames: Places of the T pictures in the video, by which they are known again.
        """
        return self._engine(clip[None])[0]
