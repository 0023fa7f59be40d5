"""The features that the second stage works on: read once, into one array."""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from extract.feature_store.reader import FeatureStore
from video.errors import LookbackError

IN_MEMORY_BYTES = 2**30
_ROWS_AT_ONCE = 4096


class FeatureMatrix:
    """Features of many videos in one array, one video after another.

    A video is read when it is first asked for, and takes no memory before. An array of more than
    `IN_MEMORY_BYTES` lies in a temporary file without a name beside the store: the system maps as
    much of it into memory as is free, and whoever indexes the array does not see the difference.

    Attributes:
        array: float32 (N, D); what lies in a video's rows before `first_row` was called is
            undefined.

    Raises:
        LookbackError: the temporary file cannot be made.
    """

    def __init__(self, store: FeatureStore, steps: Mapping[str, int]) -> None:
        """Lay out the array; `steps` gives the number of steps of every video."""
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
        """Return the row of a video's step 0, with its features read.

        Raises:
            LookbackError: the disk has no room for the temporary file to grow.
        """
        first = self._first_rows[video]
        if video not in self._read:
            for start in range(0, self._steps[video], _ROWS_AT_ONCE):
                features = self._store.features(video, start, start + _ROWS_AT_ONCE)
                if self._folder is not None:
                    _require_room(self._folder, features.nbytes)
                self.array[first + start : first + start + len(features)] = features
            self._read.add(video)
        return first


def _mapped(shape: tuple[int, int], beside: Path) -> tuple[np.ndarray, Path]:
    """Return an array in a temporary file, and the file's folder: where the store lies if possible,
    since that disk holds files of such a size."""
    for folder in (beside, Path(tempfile.gettempdir())):
        try:
            # Without a name, or deleted by its last close on Windows: even a kill leaves nothing.
            # The map keeps the file for as long as the array lives.
            with tempfile.TemporaryFile(dir=folder) as file:
                return np.memmap(file, np.float32, "w+", shape=shape).view(np.ndarray), folder
        except OSError as error:
            reason = error.strerror
    raise LookbackError(
        f"{folder}: cannot hold a temporary file for the features ({reason}); let TMPDIR name "
        "another folder"
    )


def _require_room(folder: Path, size: int) -> None:
    # Where a disk is full, writing to a map ends the program without a word.
    if shutil.disk_usage(folder).free < size:
        raise LookbackError(
            f"{folder}: no room for the temporary file that holds the features; make room there"
        )
