"""Feature matrix of the second stage: the features of all videos in one array."""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from extract.feature_store.reader import FeatureStore
from video.errors import LookbackError

IN_MEMORY_BYTES = 2**30
_ROWS_PER_READ = 4096


class FeatureMatrix:
    """Features of many videos in one array, one video after another.

    A video is read when its rows are first needed, and uses no memory before. An array of more than
    `IN_MEMORY_BYTES` is memory-mapped from an unnamed temporary file in the folder of the store.

    Attributes:
        array: Features of all videos: float32 (N, D). The rows of a video are undefined until
            `first_row` is called for it.

    Raises:
        LookbackError: The temporary file cannot be created.
    """

    def __init__(self, store: FeatureStore, steps: Mapping[str, int]) -> None:
        """Allocate the array without reading features.

        Args:
            store: Feature store that contains all the videos.
            steps: Number of steps of each video, in the order of the rows.
        """
        self._store, self._steps = store, dict(steps)
        ends = np.cumsum([0, *steps.values()]).tolist()
        self._first_rows = dict(zip(steps, ends, strict=False))
        self._read: set[str] = set()
        shape = (ends[-1], store.feature_size)
        self._folder = None
        if ends[-1] * store.feature_size * 4 > IN_MEMORY_BYTES:
            self.array, self._folder = _mapped(shape, store.path.parent)
        else:
            self.array = np.empty(shape, np.float32)

    def first_row(self, video: str) -> int:
        """Read a video's features if needed, and return the row of its step 0.

        Raises:
            LookbackError: The disk has no space left for the temporary file.
        """
        first = self._first_rows[video]
        if video not in self._read:
            for start in range(0, self._steps[video], _ROWS_PER_READ):
                features = self._store.features(video, start, start + _ROWS_PER_READ)
                if self._folder is not None:
                    _require_free_space(self._folder, features.nbytes)
                self.array[first + start : first + start + len(features)] = features
            self._read.add(video)
        return first


def _mapped(shape: tuple[int, int], store_folder: Path) -> tuple[np.ndarray, Path]:
    """Return an array in a temporary file, and the folder of the file.

    The first choice is the store's folder, because its disk holds files of this size.
    """
    for folder in (store_folder, Path(tempfile.gettempdir())):
        try:
            # The file has no name (on Windows it is deleted on close), so that a killed process
            # leaves nothing behind. The map keeps the file as long as the array exists.
            with tempfile.TemporaryFile(dir=folder) as file:
                return np.memmap(file, np.float32, "w+", shape=shape).view(np.ndarray), folder
        except OSError as error:
            reason = error.strerror
    raise LookbackError(
        f"{folder}: cannot create a temporary file for the features ({reason}); set TMPDIR to "
        "another folder"
    )


def _require_free_space(folder: Path, size: int) -> None:
    # Writing to a memory map on a full disk kills the process without a message.
    if shutil.disk_usage(folder).free < size:
        raise LookbackError(
            f"{folder}: no space left for the temporary file that holds the features; free some "
            "space"
        )
