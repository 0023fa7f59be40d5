"""Parts of the feature store: flat HDF5 files, each with the features of some videos.

    /                 attributes: format, version, spec (JSON), spec_sha256; of a shard's part also
                      shard and manifest_sha256
    features  (n, D)  float32, or float16 on request: the steps of all videos, one after another
    seconds   (n,)    float64, time of each step in its video
    motion    (n, 16) float32, motion energy since the step before; optional, NaN: unknown
    first     (v+1,)  int64, row of each video's first step, and n
    path      (v,)    text, the video's path in the manifest
    source    (v,)    text, JSON with size and sha256 of the video; optional
    note      (v,)    text, what is wrong with the video; optional

A part is complete when it is there, and is never changed. A video without rows cannot be read.
"""

import errno
import json
import math
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import h5py
import numpy as np

from extract.feature_store.spec import FORMAT, VERSION, read_spec, spec_sha256
from recipes.commands import command
from video.errors import LookbackError
from video.motion import CELLS

_ALIGNED = {"alignment_threshold": 1024, "alignment_interval": 64}  # bytes, for fast mapped reading


@dataclass(frozen=True, eq=False)
class VideoRows:
    """The features (N, D) of a video, and of each step its time and motion energy, if known.

    `source` is the video's size and SHA-256, {} if unknown; `note` what is wrong with it.
    """

    video: str
    source: dict
    features: np.ndarray
    seconds: np.ndarray
    motion: np.ndarray | None = None
    note: str = ""


class Part:
    """Reader of a part. Its arrays are mapped into memory where the file allows it.

    Attributes:
        path: The file.
        spec: Description of the features.
        shard: Shard that wrote the part, such as 3/250; empty without shards.
        manifest_sha256: Hash of the manifest of the shards.
        videos: Path of each video: v.
        first: Row of each video's first step, and the number of rows: int64 (v + 1,).
    """

    def __init__(self, path: Path) -> None:
        """Read which videos there are.

        Raises:
            LookbackError: The file is not a part of this version, or its arrays do not fit.
        """
        self.path = path
        self._arrays: dict[str, np.ndarray] = {}
        try:
            with h5py.File(path, "r", locking=False) as file:
                self.spec = read_spec(path, file)
                self.shard = str(file.attrs.get("shard", ""))
                self.manifest_sha256 = str(file.attrs.get("manifest_sha256", ""))
                for name in ("features", "seconds", "first", "path"):
                    if name not in file:
                        raise self._fault(f"has no {name}")
                self.videos: list[str] = file["path"].asstr()[:].tolist()
                self.first = file["first"][:].astype(np.int64)
                places = {n: (d.id.get_offset(), d.dtype, d.shape) for n, d in file.items()}
        except OSError as error:
            raise LookbackError(
                f"{path}: cannot be opened as HDF5 ({str(error)[:80]}); remove it and run "
                + command("extract")
            ) from None
        self._datasets = places
        count = len(self.videos)
        if self.first.shape != (count + 1,) or self.first[0] or (np.diff(self.first) < 0).any():
            raise self._fault(f"its first must have {count + 1} ascending rows that begin with 0")
        rows, size = int(self.first[-1]), self.spec["feature_size"]
        wanted = {"source": (count,), "note": (count,), "features": (rows, size)}
        wanted |= {"seconds": (rows,), "motion": (rows, CELLS)}
        for name, shape in wanted.items():
            if name in self and places[name][2] != shape:
                raise self._fault(f"its {name} has the shape {places[name][2]} instead of {shape}")

    def _fault(self, problem: str) -> LookbackError:
        return LookbackError(f"{self.path}: {problem}; docs/files.md describes the layout")

    def __contains__(self, name: str) -> bool:
        """Return whether there is a dataset of this name."""
        return name in self._datasets

    def array(self, name: str) -> np.ndarray:
        """Return a dataset of all steps: features (n, D), seconds (n,) or motion (n, 16)."""
        if name not in self._arrays:
            offset, dtype, shape = self._datasets[name]
            if offset is None:  # compressed, or without rows
                with h5py.File(self.path, "r", locking=False) as file:
                    self._arrays[name] = file[name][:]
            else:
                mapped = np.memmap(self.path, dtype, "r", offset, shape)
                self._arrays[name] = mapped.view(np.ndarray)
        return self._arrays[name]

    def close(self) -> None:
        """Let go of the file and of its pages in memory; `array` maps it again."""
        self._arrays.clear()

    @cached_property
    def _texts(self) -> dict[str, list[str]]:
        with h5py.File(self.path, "r", locking=False) as file:
            names = [name for name in ("source", "note") if name in file]
            return {name: file[name].asstr()[:].tolist() for name in names}

    def source(self, number: int) -> dict:
        """Return size and SHA-256 of a video by its number; {} if unknown."""
        texts = self._texts.get("source")
        return dict(json.loads(texts[number])) if texts else {}

    def steps(self, number: int) -> slice:
        """Return the rows of a video by its number."""
        return slice(int(self.first[number]), int(self.first[number + 1]))

    def rows(self, number: int) -> VideoRows:
        """Return a video by its number."""
        names = ("features", "seconds", "motion")
        arrays = {n: self.array(n)[self.steps(number)] for n in names if n in self}
        note = self._texts["note"][number] if "note" in self else ""
        return VideoRows(self.videos[number], self.source(number), note=note, **arrays)


def write_part(
    path: Path, spec: dict, videos: list[VideoRows], marks: Mapping[str, str] | None = None
) -> None:
    """Write videos, each once, in the order of their paths. Equal content gives equal bytes.

    The file is complete when this function returns. Marks are further attributes.

    Raises:
        OSError: The disk is full or failed.
    """
    videos = sorted(videos, key=lambda each: each.video)
    first = np.cumsum([0, *(len(each.seconds) for each in videos)]).astype(np.int64)
    rows, size = int(first[-1]), int(spec["feature_size"])
    arrays = {"features": (spec["dtype"], (rows, size)), "seconds": ("float64", (rows,))}
    if any(each.motion is not None for each in videos):
        arrays["motion"] = ("float32", (rows, CELLS))
    needed = sum(np.dtype(dtype).itemsize * math.prod(shape) for dtype, shape in arrays.values())
    if shutil.disk_usage(path.parent).free < needed + 1024 * len(videos):  # HDF5 would print a lot
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with h5py.File(path, "w", locking=False, **_ALIGNED) as file:
        file.attrs.update(format=FORMAT, version=VERSION, spec_sha256=spec_sha256(spec))
        file.attrs["spec"] = json.dumps(spec, sort_keys=True)
        file.attrs.update(marks or {})
        file["first"] = first
        for name, texts in (
            ("path", [each.video for each in videos]),
            ("source", [json.dumps(each.source, sort_keys=True) for each in videos]),
            ("note", [each.note for each in videos]),
        ):
            file.create_dataset(name, data=texts, dtype=h5py.string_dtype())
        for name, (dtype, shape) in arrays.items():
            dataset = file.create_dataset(name, shape, dtype)
            for each, start, stop in zip(videos, first, first[1:], strict=False):
                found = getattr(each, name)
                fits = found is not None and found.shape == (stop - start, *shape[1:])
                dataset[start:stop] = found if fits else np.nan  # motion may be missing
    with path.open("r+b") as written:
        os.fsync(written.fileno())
