"""Reading the feature store: a folder of parts, or one part as a file.

`part.py` describes a part, `folder.py` the folder.
"""

from itertools import pairwise
from pathlib import Path

import numpy as np

from extract.feature_store.earlier_file import take_over
from extract.feature_store.folder import read_parts
from extract.feature_store.part import Part
from extract.feature_store.spec import differences, spec_sha256
from recipes.commands import command
from recipes.loader import Settings
from video.errors import LookbackError

# Mapped pages count as memory of the process; after so many bytes read they are given back.
_MAPPED_BYTES = 2**26


def features_path(settings: Settings) -> Path:
    """Return the folder, or the file, of the features that the settings name."""
    data = settings.recipe.data
    return Path(data.features) if data.features else Path(data.folder) / "features"


def change_path(path: Path) -> Path:
    """Return the path of the features of change pictures beside those of frames, with
    `backbone.input: auto`.

    >>> change_path(Path("data/features")).as_posix(), change_path(Path("a/b.h5")).as_posix()
    ('data/features.change', 'a/b.change.h5')
    """
    return path.with_name(f"{path.stem}.change{path.suffix}")


class FeatureStore:
    """Reader of a feature store.

    Attributes:
        path: Its folder or file.
        spec: Description of the features.
        spec_sha256: Hash of the spec.
    """

    def __init__(self, path: Path) -> None:
        """Read which videos there are; features are read when they are needed.

        Raises:
            LookbackError: There are no features, or a part is damaged or of another spec.
        """
        self.path = path
        take_over(path)
        self._parts = read_parts(path)
        if not self._parts:
            raise LookbackError(
                f"{path}: there are no features yet; {command('extract')} makes them"
            )
        self.spec = self._parts[0].spec
        for part in self._parts:
            if part.spec != self.spec:
                raise LookbackError(
                    f"{part.path}: has {differences(part.spec, self.spec)} than the other parts; "
                    "move it away"
                )
        self.spec_sha256 = spec_sha256(self.spec)
        ends = np.cumsum([0, *(int(part.first[-1]) for part in self._parts)])
        self._starts = ends[:-1]  # row of each part's first row
        self._rows_of: dict[str, tuple[int, int]] = {}
        for part, start in zip(self._parts, self._starts, strict=True):
            self._rows_of |= zip(part.videos, pairwise((part.first + start).tolist()), strict=True)
        self._read_bytes = 0

    @property
    def feature_size(self) -> int:
        """D, the width of a feature."""
        return int(self.spec["feature_size"])

    def __contains__(self, video: str) -> bool:
        start, stop = self._rows_of.get(video, (0, 0))
        return start < stop

    def contents(self) -> dict[str, str]:
        """Return the SHA-256 of each video's content, also under former paths."""
        found: dict[str, str] = {}
        for part in self._parts:
            sources = ((video, part.source(n)) for n, video in enumerate(part.videos))
            found |= {video: source.get("sha256", "") for video, source in sources}
        return {video: sha256 for video, sha256 in found.items() if sha256 and video in self}

    def steps(self, video: str) -> int:
        """Return N, the number of steps of a video."""
        rows = self._rows(video)
        return rows.stop - rows.start

    def first_row(self, video: str) -> int:
        """Return the row of a video's step 0, for `take`; the other steps follow."""
        return self._rows(video).start

    def features(self, video: str, start: int = 0, stop: int | None = None) -> np.ndarray:
        """Return the features of a video's steps `start` to `stop` (exclusive): float32 (n, D)."""
        return self._copy("features", self._rows(video, start, stop)).astype(np.float32, copy=False)

    def take(self, rows: np.ndarray) -> np.ndarray:
        """Return the features of rows of any videos.

        Args:
            rows: Rows by `first_row`, int64 of any shape (...).

        Returns:
            float32 (..., D).
        """
        flat = rows.ravel()
        numbers = np.searchsorted(self._starts, flat, side="right") - 1
        found = np.empty((len(flat), self.feature_size), np.float32)
        for number in np.unique(numbers):
            mine = numbers == number
            found[mine] = self._parts[number].array("features")[flat[mine] - self._starts[number]]
        self._note_read(found.nbytes)
        return found.reshape(*rows.shape, self.feature_size)

    def seconds(self, video: str) -> np.ndarray:
        """Return the times of a video's steps in seconds: float64 (N,)."""
        return self._copy("seconds", self._rows(video))

    def has_motion(self, video: str) -> bool:
        """Return whether a video has motion energy, see `video.motion`.

        Features of other programs, and those of earlier versions, have none.
        """
        part, _ = self._part(self.first_row(video))
        return "motion" in part and not np.isnan(self.motion(video)).any()

    def motion(self, video: str, start: int = 0, stop: int | None = None) -> np.ndarray:
        """Return the motion energy of the steps `start` to `stop` (exclusive): float32 (n, 16).

        Only for a video that `has_motion`.
        """
        return self._copy("motion", self._rows(video, start, stop))

    def _rows(self, video: str, start: int = 0, stop: int | None = None) -> slice:
        """Return the rows of some steps of a video."""
        if video not in self:
            raise LookbackError(
                f"{self.path}: has no features of {video}; {command('extract')} computes them"
            )
        first, last = self._rows_of[video]
        start, stop, _ = slice(start, stop).indices(last - first)
        return slice(first + start, first + max(start, stop))

    def _copy(self, name: str, rows: slice) -> np.ndarray:
        part, start = self._part(rows.start)
        found = part.array(name)[rows.start - start : rows.stop - start].copy()
        self._note_read(found.nbytes)
        return found

    def _part(self, row: int) -> tuple[Part, int]:
        """Return the part of a row, and the part's first row."""
        number = int(np.searchsorted(self._starts, row, side="right")) - 1
        return self._parts[number], int(self._starts[number])

    def _note_read(self, count: int) -> None:
        self._read_bytes += count
        if self._read_bytes > _MAPPED_BYTES:
            self._read_bytes = 0
            self.close()

    def close(self) -> None:
        """Let go of the files. Windows cannot delete or replace a file that is mapped."""
        for part in self._parts:
            part.close()

    def __enter__(self) -> "FeatureStore":
        return self

    def __exit__(self, *_) -> None:
        self.close()
