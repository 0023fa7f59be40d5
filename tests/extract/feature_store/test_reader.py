"""Reading a store: any names, several parts, rows of many videos at once."""

import shutil
import threading

import numpy as np
import pytest

from extract.feature_store.folder import part_paths
from extract.feature_store.part import write_part
from extract.feature_store.reader import FeatureStore
from tests.extract.feature_store.making import rows_of, spec_for, store_of, video_of
from video.errors import LookbackError


@pytest.fixture(params=["features", "features.h5"])
def path(request, tmp_path):
    """A store as a folder, and as a file."""
    return tmp_path / request.param


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 0), ("float16", 1e-3)])
def test_features_come_back_as_they_went_in(path, dtype, tolerance):
    videos = {f"clips/a/{n}.mp4": rows_of(n, 5 + n) for n in range(3)}
    with FeatureStore(store_of(path, videos, spec_for(dtype=dtype))) as store:
        assert store.feature_size == 8
        for video, rows in videos.items():
            got = store.features(video)
            assert got.dtype == np.float32
            assert np.abs(got - rows).max() <= tolerance * np.abs(rows).max()
            assert np.array_equal(got, rows.astype(dtype).astype(np.float32))
            assert store.steps(video) == len(rows)
            assert np.array_equal(store.seconds(video), np.arange(len(rows)) / 10)
            assert np.array_equal(store.features(video, 2, 4), got[2:4])
            assert store.features(video, 4, 2).shape == (0, 8)
            assert np.array_equal(store.features(video, 3, 99), got[3:])


def test_float16_takes_half_the_place(tmp_path):
    sizes = [
        store_of(tmp_path / f"{dtype}.h5", {"a": rows_of(0, 2000)}, spec_for(dtype=dtype))
        .stat()
        .st_size
        for dtype in ("float32", "float16")
    ]
    assert 2000 * 8 * 2 * 0.8 < sizes[0] - sizes[1] < 2000 * 8 * 2 * 1.2


@pytest.mark.parametrize("name", ["a/b.mp4", "ä ö/ж.mp4", "..", "a%2Fb", "a\\b", "x" * 200])
def test_any_name_of_a_video_can_be_stored(path, name):
    with FeatureStore(store_of(path, {name: rows_of(0, 3), "a/b": rows_of(1, 3)})) as store:
        assert np.array_equal(store.features(name), rows_of(0, 3))
        assert np.array_equal(store.features("a/b"), rows_of(1, 3))


def several_parts(path, dtype="float32"):
    """Write three parts as several programs would, and return the features of each video."""
    path.mkdir()
    videos = {f"v{n}": rows_of(n, 3 + n) for n in range(9)}
    for number in range(3):
        some = [video_of(name, videos[name]) for name in list(videos)[3 * number : 3 * number + 3]]
        write_part(path / f"part-00000{number + 1}.h5", spec_for(dtype=dtype), some)
    return videos


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_rows_of_many_videos_are_taken_at_once(tmp_path, dtype):
    videos = several_parts(tmp_path / "features", dtype)
    with FeatureStore(tmp_path / "features") as store:
        wanted, rows = [], []
        for video in ("v8", "v0", "v4", "v8", "v2"):
            first = store.first_row(video)
            rows.append([first + 2, first, first])
            wanted.append(videos[video][[2, 0, 0]].astype(dtype).astype(np.float32))
        found = store.take(np.array(rows))
        assert (found.shape, found.dtype) == ((5, 3, 8), np.float32)
        assert np.array_equal(found, wanted)
        assert store.take(np.empty(0, np.int64)).shape == (0, 8)


def test_pages_are_given_back_and_the_features_stay(tmp_path, monkeypatch):
    monkeypatch.setattr("extract.feature_store.reader._MAPPED_BYTES", 100)
    videos = several_parts(tmp_path / "features")
    with FeatureStore(tmp_path / "features") as store:
        for _ in range(2):
            for video, rows in videos.items():
                assert np.array_equal(store.features(video), rows)


def test_the_last_part_that_has_a_video_counts(tmp_path):
    folder = tmp_path / "features"
    videos = several_parts(folder)
    write_part(folder / "part-000004.h5", spec_for(), [video_of("v1", rows_of(99, 5))])
    empty = video_of("v2", rows_of(0, 0), source={})
    write_part(folder / "part-000005.h5", spec_for(), [empty])
    with FeatureStore(folder) as store:
        assert np.array_equal(store.features("v1"), rows_of(99, 5))
        assert np.array_equal(store.features("v0"), videos["v0"])
        assert "v2" not in store
        assert set(store.contents()) == set(videos) - {"v2"}


def test_a_part_of_another_spec_is_named(tmp_path):
    several_parts(tmp_path / "features")
    other = tmp_path / "features" / "part-000002-00001of00003.h5"
    write_part(other, spec_for(precision="int8"), [video_of("x", rows_of(0, 3))])
    with pytest.raises(LookbackError, match=r"features of other settings \(precision int8\)") as no:
        FeatureStore(tmp_path / "features")
    assert str(no.value).startswith(str(other))


def test_a_video_without_features_is_named_with_the_remedy(path):
    with FeatureStore(store_of(path, {"a": rows_of(0, 3)})) as store:
        assert "c" not in store
        for read in (store.features, store.steps, store.seconds, store.first_row):
            with pytest.raises(LookbackError, match=r"no features of c; python extract\.py"):
                read("c")


def test_a_missing_store_fails_with_one_line(path):
    with pytest.raises(LookbackError, match=r"no features yet; python extract\.py makes them"):
        FeatureStore(path)


def test_a_folder_without_parts_has_no_features(path):
    if path.suffix:
        path.with_name(path.name + ".parts").mkdir()
    else:
        path.mkdir()
        (path / "writing-000001.h5").write_bytes(b"")
    with pytest.raises(LookbackError, match="no features yet"):
        FeatureStore(path)


def test_reading_in_another_thread_gives_the_same_features(path):
    got = []
    with FeatureStore(store_of(path, {"a": rows_of(0, 30)})) as store:
        thread = threading.Thread(target=lambda: got.append(store.features("a", 3, 9)))
        thread.start()
        thread.join()
    assert np.array_equal(got[0], rows_of(0, 30)[3:9])


def test_parts_of_other_machines_can_be_copied_into_one_folder(tmp_path):
    for number in range(3):
        store_of(tmp_path / f"m{number}", {f"v{number}": rows_of(number, 4)})
        (part,) = part_paths(tmp_path / f"m{number}")
        target = tmp_path / "features" / f"part-000001-m{number}.h5"
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(part, target)
    with FeatureStore(tmp_path / "features") as store:
        assert all(np.array_equal(store.features(f"v{n}"), rows_of(n, 4)) for n in range(3))
