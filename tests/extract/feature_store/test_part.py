"""Parts: the documented layout, equal bytes for equal content, arrays that do not fit."""

import json

import h5py
import numpy as np
import pytest

from extract.feature_store.part import Part, write_part
from extract.feature_store.spec import spec_sha256
from tests.extract.feature_store.making import SOURCE, rows_of, spec_for, video_of
from tests.sequence.stores import is_mapped
from video.errors import LookbackError


def test_the_layout_is_the_documented_one_for_any_hdf5_reader(tmp_path):
    spec, path = spec_for(sampling={"fps": 10.0, "hop": 1}), tmp_path / "part-000001.h5"
    moving = video_of("b.mp4", rows_of(0, 4), motion=rows_of(1, 4, 16), note="ends early")
    write_part(path, spec, [moving, video_of("a b/ä.mp4", rows_of(2, 3))])
    with h5py.File(path, "r") as file:
        assert file.attrs["format"] == "lookback-features"
        assert file.attrs["version"] == 2
        assert json.loads(file.attrs["spec"]) == spec
        assert file.attrs["spec_sha256"] == spec_sha256(spec)
        assert set(file) == {"features", "seconds", "motion", "first", "path", "source", "note"}
        assert file["path"].asstr()[:].tolist() == ["a b/ä.mp4", "b.mp4"]
        assert file["note"].asstr()[:].tolist() == ["", "ends early"]
        assert [json.loads(text) for text in file["source"].asstr()[:]] == [SOURCE, SOURCE]
        assert file["first"][:].tolist() == [0, 3, 7]
        assert file["features"].dtype == np.float32
        assert np.array_equal(file["features"][:], np.concatenate([rows_of(2, 3), rows_of(0, 4)]))
        assert file["seconds"].dtype == np.float64
        assert file["seconds"][:].tolist() == pytest.approx([0, 0.1, 0.2, 0, 0.1, 0.2, 0.3])
        assert np.isnan(file["motion"][:3]).all()
        assert np.array_equal(file["motion"][3:], rows_of(1, 4, 16))


def test_equal_content_gives_equal_bytes_in_any_order(tmp_path):
    videos = [video_of(name, rows_of(number, 5)) for number, name in enumerate("cab")]
    write_part(tmp_path / "one.h5", spec_for(), videos)
    write_part(tmp_path / "two.h5", spec_for(), videos[::-1])
    assert (tmp_path / "one.h5").read_bytes() == (tmp_path / "two.h5").read_bytes()


@pytest.mark.parametrize("steps", [1, 40000])
def test_long_and_short_videos_come_back(tmp_path, steps):
    rows, motion = rows_of(steps, steps, 4), rows_of(1, steps, 16)
    videos = [video_of("a", rows[:3]), video_of("b", rows, motion=motion), video_of("c", rows[:2])]
    write_part(tmp_path / "part.h5", spec_for(feature_size=4), videos)
    part = Part(tmp_path / "part.h5")
    for number, wanted in enumerate((rows[:3], rows, rows[:2])):
        found = part.rows(number)
        assert np.array_equal(found.features, wanted)
        assert np.array_equal(found.seconds, np.arange(len(wanted)) / 10)
        assert np.isnan(found.motion).all() == (number != 1)
    assert np.array_equal(part.rows(1).motion, motion)


def test_arrays_are_mapped_and_not_in_memory(tmp_path):
    write_part(tmp_path / "part.h5", spec_for(), [video_of("a", rows_of(0, 9))])
    part = Part(tmp_path / "part.h5")
    assert is_mapped(part.array("features"))
    assert not part.array("features").flags.writeable
    part.close()
    assert np.array_equal(part.array("features"), rows_of(0, 9))


def test_compressed_arrays_of_other_programs_are_read_too(tmp_path):
    path = tmp_path / "part.h5"
    write_part(path, spec_for(), [video_of("a", rows_of(0, 9))])
    with h5py.File(path, "r+") as file:
        del file["features"], file["source"], file["note"]
        file.create_dataset("features", data=rows_of(0, 9).astype(">f4"), compression="gzip")
    part = Part(path)
    assert np.array_equal(part.array("features"), rows_of(0, 9))
    assert (part.source(0), part.rows(0).note) == ({}, "")


@pytest.mark.parametrize(
    ("name", "array", "problem"),
    [
        (
            "features",
            np.zeros((9, 7), "f4"),
            r"features has the shape \(9, 7\) instead of \(9, 8\)",
        ),
        ("features", np.zeros((8, 8), "f4"), "features has the shape"),
        ("features", None, "has no features"),
        ("seconds", np.zeros(8), r"seconds has the shape \(8,\) instead of \(9,\)"),
        ("seconds", None, "has no seconds"),
        ("motion", np.zeros((9, 15), "f4"), "motion has the shape"),
        ("first", [0, 9], "first must have 3 ascending rows"),
        ("first", [0, 5, 4], "first must have 3 ascending rows"),
        ("first", [1, 4, 9], "first must have 3 ascending rows"),
        ("first", None, "has no first"),
        ("path", None, "has no path"),
        ("note", np.array(["x"], object), "note has the shape"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path, name, array, problem):
    path = tmp_path / "part.h5"
    write_part(path, spec_for(), [video_of("a", rows_of(0, 4)), video_of("b", rows_of(1, 5))])
    with h5py.File(path, "r+") as file:
        if name in file:
            del file[name]
        if array is not None:
            file[name] = array
    with pytest.raises(LookbackError, match=problem) as error:
        Part(path)
    assert str(error.value).startswith(str(path))
    assert "docs/files.md" in str(error.value)


@pytest.mark.parametrize("version", [1, 3])
def test_a_part_of_another_version_is_refused(tmp_path, version):
    path = tmp_path / "part.h5"
    write_part(path, spec_for(), [video_of("a", rows_of(0, 4))])
    with h5py.File(path, "r+") as file:
        file.attrs["version"] = version
    with pytest.raises(LookbackError, match="not a feature file of this version"):
        Part(path)


def test_a_file_that_is_no_hdf5_is_named(tmp_path):
    (tmp_path / "part.h5").write_text("not HDF5 at all")
    with pytest.raises(LookbackError, match="cannot be opened as HDF5") as error:
        Part(tmp_path / "part.h5")
    assert "\n" not in str(error.value)
