"""Interface of an inference engine: uint8 clips to float32 features."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Workload:
    """Requirements on an engine.

    Attributes:
        precision: Compute precision. `f32` is the reference; `bf16` and `int8` are faster and less
            accurate.
        batch_size: Clips per batch; None for the engine's own.
        live: Whether to minimize the latency of one clip, instead of maximizing throughput.
    """

    precision: str = "f32"
    batch_size: int | None = None
    live: bool = False


EXACT = Workload()


def live_workload(precision: str, videos: int = 1) -> Workload:
    """Return the workload of live video.

    Of one video, all cores compute a clip together, which is fastest. Of several, each core
    computes a clip of its own: no core waits for another, which takes a fifth less processor time
    (EfficientNetB0, two busy cores, a clip every 60 ms: 16.4 against 21.1 ms).

    Args:
        precision: Compute precision.
        videos: Number of videos at once.
    """
    return Workload(precision, live=True) if videos <= 1 else Workload(precision, batch_size=1)


class Engine:
    """Computes features in batches of a constant size.

    With a constant batch shape, the bits of a feature depend only on its clip, not on the rest of
    the batch. An engine has no state of a video and is thread-safe.

    Attributes:
        name: Name of the engine, a value of `--engine`.
        precision: Compute precision.
        feature_size: D, width of a feature.
        batch_size: B, clips per batch.
        parallel: Number of threads that must call it concurrently for full throughput.
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
        """Return a stream that computes the successive clips of one live video."""
        return ClipStream(self)

    def _compute(self, clips: np.ndarray) -> np.ndarray:
        """Return the features (B, D) of one batch.

        The next call from the same thread may overwrite the array.
        """
        raise NotImplementedError


class ClipStream:
    """Computes the successive clips of one live video. Use one instance per video."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def feature(self, clip: np.ndarray, frames: tuple[int, ...]) -> np.ndarray:
        """Return the float32 feature (D,) of the video's newest clip.

        Args:
            clip: Frames, uint8 (T, H, W, 3).
            frames: Indices of the T frames in the video, which identify frames seen before.
        """
        return self._engine(clip[None])[0]
