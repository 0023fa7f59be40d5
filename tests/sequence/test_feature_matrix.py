"""Feature matrix: equality with the store, in memory and in a memory-mapped file."""

import gc
import tempfile
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest

from sequence import feature_matrix
from sequence.feature_matrix import FeatureMatrix
from tests.sequence.stores import is_mapped, store_of
from video.errors import LookbackError

STEPS = {"a.mp4": 5, "b.mp4": 23, "c.mp4": 1}


def rows_of(size: int = 6) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    return {
        video: random.normal(size=(count, size)).astype("float32") for video, count in STEPS.items()
    }


@pytest.fixture(params=["memory", "file"])
def storage(request, monkeypatch) -> str:
    """Where the array is stored; a memory limit of 0 bytes forces a file."""
    if request.param == "file":
        monkeypatch.setattr(feature_matrix, "IN_MEMORY_BYTES", 0)
    return request.param


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("at_once", [7, 4096])
def test_rows_equal_the_features_of_the_store(storage, dtype, at_once, tmp_path, monkeypatch):
    monkeypatch.setattr(feature_matrix, "_ROWS_PER_READ", at_once)
    with store_of(tmp_path / "features.h5", rows_of(), dtype) as store:
        matrix = FeatureMatrix(store, STEPS)
        assert is_mapped(matrix.array) == (storage == "file")
        assert (matrix.array.shape, matrix.array.dtype) == ((29, 6), np.float32)
        for video in ("c.mp4", "a.mp4", "b.mp4", "a.mp4"):
            first = matrix.first_row(video)
            rows = matrix.array[first : first + STEPS[video]]
            np.testing.assert_array_equal(rows, store.features(video))
        assert [matrix.first_row(video) for video in STEPS] == [0, 5, 28]


def test_memory_limit_applies_to_the_float32_array(tmp_path, monkeypatch):
    with store_of(tmp_path / "features.h5", rows_of(), "float16") as store:
        for limit, mapped in ((29 * 6 * 4, False), (29 * 6 * 4 - 1, True)):
            monkeypatch.setattr(feature_matrix, "IN_MEMORY_BYTES", limit)
            assert is_mapped(FeatureMatrix(store, STEPS).array) == mapped


@pytest.fixture
def mapped_store(tmp_path, monkeypatch):
    monkeypatch.setattr(feature_matrix, "IN_MEMORY_BYTES", 0)
    (tmp_path / "data").mkdir()
    with store_of(tmp_path / "data" / "features.h5", rows_of()) as store:
        yield store


def test_temporary_file_is_in_the_stores_folder_and_is_deleted(mapped_store, monkeypatch):
    folder, make, made = mapped_store.path.parent, tempfile.TemporaryFile, []
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda dir: made.append(dir) or make(dir=dir))
    before = sorted(folder.iterdir())
    matrix = FeatureMatrix(mapped_store, STEPS)
    matrix.first_row("b.mp4")
    assert made == [folder]
    del matrix
    gc.collect()
    assert sorted(folder.iterdir()) == before


def failing_in(*folders: Path):
    """Return a `TemporaryFile` that fails in these folders."""
    make = tempfile.TemporaryFile

    def refusing(dir):
        if dir in folders:
            raise PermissionError(13, "Permission denied")
        return make(dir=dir)

    return refusing


def test_temporary_file_falls_back_to_the_systems_folder(mapped_store, monkeypatch):
    monkeypatch.setattr(tempfile, "TemporaryFile", failing_in(mapped_store.path.parent))
    matrix = FeatureMatrix(mapped_store, STEPS)
    assert is_mapped(matrix.array)
    first = matrix.first_row("b.mp4")
    np.testing.assert_array_equal(matrix.array[first : first + 23], mapped_store.features("b.mp4"))


def test_no_folder_for_the_temporary_file_is_an_error(mapped_store, monkeypatch):
    folders = (mapped_store.path.parent, Path(tempfile.gettempdir()))
    monkeypatch.setattr(tempfile, "TemporaryFile", failing_in(*folders))
    with pytest.raises(LookbackError, match=r"temporary file .*Permission denied.*TMPDIR"):
        FeatureMatrix(mapped_store, STEPS)


def test_a_full_disk_is_an_error_before_the_map_is_written(mapped_store, monkeypatch):
    usage = namedtuple("usage", "free")
    matrix = FeatureMatrix(mapped_store, STEPS)
    monkeypatch.setattr(feature_matrix.shutil, "disk_usage", lambda _: usage(23 * 6 * 4 - 1))
    matrix.first_row("a.mp4")
    for _ in range(2):
        with pytest.raises(LookbackError, match=r"data: no space left .*features"):
            matrix.first_row("b.mp4")
