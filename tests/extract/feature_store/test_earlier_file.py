"""Feature files of version 1 are taken over once, with the same numbers."""

import json
from pathlib import Path
from urllib.parse import quote

import h5py
import numpy as np
import pytest

from extract.feature_store.folder import part_paths
from extract.feature_store.reader import FeatureStore
from extract.feature_store.spec import spec_sha256
from extract.feature_store.writer import FeatureWriter
from tests.extract.feature_store.making import SOURCE, add, rows_of, spec_for, store_of
from video.errors import LookbackError

NAMES = ["clips/a b.mp4", "ä/ж.mp4", "long"]


def earlier(path: Path, **spec) -> dict[str, np.ndarray]:
    """Write a file as version 1 did: a group for each video."""
    videos = {name: rows_of(number, 3 + 40 * number) for number, name in enumerate(NAMES)}
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file.attrs.update(format="lookback-features", version=1)
        file.attrs["spec"] = json.dumps(spec_for(**spec))
        file.attrs["spec_sha256"] = spec_sha256(spec_for(**spec))
        for name, rows in videos.items():
            group = file.create_group(f"videos/{quote(name, safe='')}")
            group.attrs.update(path=name, source=json.dumps(SOURCE), note="", complete=True)
            group["features"] = rows.astype(spec.get("dtype", "float32"))
            group["seconds"] = np.arange(len(rows)) / 10
        file["videos/long/motion"] = rows_of(9, len(videos["long"]), 16)
        file["videos/long"].attrs["note"] = "ends early"
        unfinished = file.create_group("videos/unfinished")
        unfinished["features"] = rows_of(0, 3)
    return videos


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_the_numbers_are_the_same(tmp_path, dtype, capsys):
    file, folder = tmp_path / "data" / "features.h5", tmp_path / "data" / "features"
    videos = earlier(file, dtype=dtype)
    before = file.read_bytes()
    with FeatureStore(folder) as store:
        for video, rows in videos.items():
            assert np.array_equal(store.features(video), rows.astype(dtype).astype("f4"))
            assert np.array_equal(store.seconds(video), np.arange(len(rows)) / 10)
            assert store.has_motion(video) == (video == "long")
        assert np.array_equal(store.motion("long"), rows_of(9, 83, 16))
        assert "unfinished" not in store
    assert file.read_bytes() == before
    printed = capsys.readouterr().out
    assert f"{folder}: the features of 3 videos were taken over from {file}" in printed
    with FeatureWriter(folder, spec_for(dtype=dtype)) as writer:
        assert all(writer.has(video, SOURCE) for video in videos)
        add(writer, "new", rows_of(5, 3))
    with FeatureStore(folder) as store:
        assert {"new", *videos} <= set(store.contents())
    assert capsys.readouterr().out == ""


def test_it_is_taken_over_once(tmp_path):
    earlier(tmp_path / "features.h5")
    FeatureStore(tmp_path / "features").close()
    earlier(tmp_path / "features.h5", precision="int8")
    with FeatureStore(tmp_path / "features") as store:
        assert store.spec["precision"] == "f32"


def test_a_file_that_is_named_is_replaced(tmp_path, capsys):
    videos = earlier(tmp_path / "shared.h5")
    with FeatureStore(tmp_path / "shared.h5") as store:
        for video, rows in videos.items():
            assert np.array_equal(store.features(video), rows)
    assert [each.name for each in tmp_path.iterdir()] == ["shared.h5"]
    assert "the features of 3 videos were taken over\n" in capsys.readouterr().out
    FeatureStore(tmp_path / "shared.h5").close()
    assert capsys.readouterr().out == ""


def test_another_spec_sets_it_aside(tmp_path):
    earlier(tmp_path / "features.h5")
    store_of(tmp_path / "features", {"a": rows_of(0, 3)}, spec_for(precision="int8"))
    with FeatureStore(tmp_path / "features.previous") as parked:
        assert set(NAMES) <= set(parked.contents())


def test_a_file_of_a_killed_extraction_is_left_out(tmp_path):
    earlier(tmp_path / "features.h5")
    (tmp_path / "features.h5.journal").write_text("")
    with pytest.raises(LookbackError, match="no features yet"):
        FeatureStore(tmp_path / "features")


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("features", np.zeros((20, 7), "f4")),
        ("features", np.zeros(20, "f4")),
        ("seconds", np.zeros(2)),
        ("seconds", None),
    ],
)
def test_arrays_that_do_not_fit_are_named_with_their_video(tmp_path, name, array):
    earlier(tmp_path / "features.h5")
    with h5py.File(tmp_path / "features.h5", "a") as file:
        group = file["videos/clips%2Fa%20b.mp4"]
        del group[name]
        if array is not None:
            group[name] = array
    with pytest.raises(LookbackError, match=r"clips/a b.mp4 needs .*\(N, 8\)"):
        FeatureStore(tmp_path / "features")
    assert part_paths(tmp_path / "features") == []


def test_a_foreign_hdf5_file_is_refused_and_unchanged(tmp_path):
    path = tmp_path / "features.h5"
    with h5py.File(path, "w") as file:
        file["mine"] = np.arange(5)
    content = path.read_bytes()
    with pytest.raises(LookbackError, match="not a feature file of this version"):
        FeatureStore(path)
    assert path.read_bytes() == content
