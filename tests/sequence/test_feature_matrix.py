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
def place(request, monkeypatch) -> str:
    """Where the array lies; a file where it is larger than an allowance of nothing."""
    if request.param == "file":
        monkeypatch.setattr(feature_matrix, "IN_MEMORY_BYTES", 0)
    return request.param


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("at_once", [7, 4096])
def test_every_videos_rows_are_the_stores(place, dtype, at_once, tmp_path, monkeypatch):
    monkeypatch.setattr(feature_matrix, "_ROWS_AT_ONCE", at_once)
    with store_of(tmp_path / "features.h5", rows_of(), dtype) as store:
        held = FeatureMatrix(store, STEPS)
        assert is_mapped(held.array) == (place == "file")
        assert (held.array.shape, held.array.dtype) == ((29, 6), np.float32)
        for video in ("c.mp4", "a.mp4", "b.mp4", "a.mp4"):
            first = held.first_row(video)
            rows = held.array[first : first + STEPS[video]]
            np.testing.assert_array_equal(rows, store.features(video))
        assert [held.first_row(video) for video in STEPS] == [0, 5, 28]


def test_the_allowance_is_that_of_the_array_in_float32(tmp_path, monkeypatch):
    with store_of(tmp_path / "features.h5", rows_of(), "float16") as store:
        for allowance, mapped in ((29 * 6 * 4, False), (29 * 6 * 4 - 1, True)):
            monkeypatch.setattr(feature_matrix, "IN_MEMORY_BYTES", allowance)
            assert is_mapped(FeatureMatrix(store, STEPS).array) == mapped


@pytest.fixture
def mapped_store(tmp_path, monkeypatch):
    monkeypatch.setattr(feature_matrix, "IN_MEMORY_BYTES", 0)
    (tmp_path / "data").mkdir()
    with store_of(tmp_path / "data" / "features.h5", rows_of()) as store:
        yield store


def test_the_temporary_file_lies_beside_the_store_and_is_gone_afterwards(mapped_store, monkeypatch):
    folder, make, made = mapped_store.path.parent, tempfile.TemporaryFile, []
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda dir: made.append(dir) or make(dir=dir))
    before = sorted(folder.iterdir())
    held = FeatureMatrix(mapped_store, STEPS)
    held.first_row("b.mp4")
    assert made == [folder]
    del held
    gc.collect()
    assert sorted(folder.iterdir()) == before


def without(*folders: Path):
    """Return a `TemporaryFile` that can be made in none of these folders."""
    make = tempfile.TemporaryFile

    def refusing(dir):
        if dir in folders:
            raise PermissionError(13, "Permission denied")
        return make(dir=dir)

    return refusing


def test_where_the_stores_folder_cannot_be_written_the_systems_place_takes_it(
    mapped_store, monkeypatch
):
    monkeypatch.setattr(tempfile, "TemporaryFile", without(mapped_store.path.parent))
    held = FeatureMatrix(mapped_store, STEPS)
    assert is_mapped(held.array)
    first = held.first_row("b.mp4")
    np.testing.assert_array_equal(held.array[first : first + 23], mapped_store.features("b.mp4"))


def test_no_place_for_the_file_is_one_clear_error(mapped_store, monkeypatch):
    nowhere = (mapped_store.path.parent, Path(tempfile.gettempdir()))
    monkeypatch.setattr(tempfile, "TemporaryFile", without(*nowhere))
    with pytest.raises(LookbackError, match=r"temporary file .*Permission denied.*TMPDIR"):
        FeatureMatrix(mapped_store, STEPS)


def test_a_full_disk_is_one_clear_error_before_the_map_is_written(mapped_store, monkeypatch):
    usage = namedtuple("usage", "free")
    held = FeatureMatrix(mapped_store, STEPS)
    monkeypatch.setattr(feature_matrix.shutil, "disk_usage", lambda _: usage(23 * 6 * 4 - 1))
    held.first_row("a.mp4")
    for _ in range(2):
        with pytest.raises(LookbackError, match=r"data: no room .*features"):
            held.first_row("b.mp4")
