"""What an engine is: uint8 clips in, float32 features out, as fast as the machine allows."""

import numpy as np

# A batch is cut into these sizes so that few shapes are compiled and few rows are padding.
_SMALL_BATCHES = (8, 1)


class Engine:
    """Computes features. How a batch is cut depends on its length alone, so the same clips give the
    same bits.

    Attributes:
        name: as `--engine` takes it.
        precision: f32 is the reference; bf16 is faster and costs accuracy.
        feature_size: D.
    """

    name: str
    precision: str
    feature_size: int

    def __init__(self, batch_size: int) -> None:
        self._sizes = (batch_size, *(size for size in _SMALL_BATCHES if size < batch_size))

    def __call__(self, clips: np.ndarray) -> np.ndarray:
        """Return float32 features (B, D) of uint8 clips (B, T, H, W, 3)."""
        parts, start = [np.empty((0, self.feature_size), np.float32)], 0
        while start < len(clips):
            size = next(size for size in self._sizes if size <= len(clips) - start)
            parts.append(self._compute(clips[start : start + size]))
            start += size
        return np.concatenate(parts)

    def _compute(self, clips: np.ndarray) -> np.ndarray:
        """Return the features of one batch of a size that is compiled."""
        raise NotImplementedError
