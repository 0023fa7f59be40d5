"""The folder of a store: index.json, stale files, features of other settings."""

import hashlib
import json
import os
import time

import numpy as np
import pytest

from extract.feature_store import writer as writing
from extract.feature_store.folder import INDEX, commit, part_paths, read_parts
from extract.feature_store.reader import FeatureStore
from extract.feature_store.writer import FeatureWriter
from tests.extract.feature_store.making import SOURCE, add, rows_of, spec_for, store_of
from video.errors import LookbackError


@pytest.fixture(params=["features", "features.h5"])
def path(request, tmp_path):
    """A store as a folder, and as a file."""
    return tmp_path / request.param


def test_the_index_lists_parts_and_their_names_have_their_hashes(tmp_path):
    folder = tmp_path / "features"
    with FeatureWriter(folder, spec_for(), "0" * 64) as writer:
        add(writer, "a", rows_of(0, 3))
        add(writer, "b", rows_of(1, 4))
    index = json.loads((folder / INDEX).read_text())
    (part,) = part_paths(folder)
    assert index["spec"] == spec_for()
    assert index["manifest_sha256"] == "0" * 64
    content = part.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    size = {"videos": 2, "rows": 7, "bytes": len(content)}
    assert index["parts"] == [{"name": part.name, **size, "sha256": sha256}]
    assert part.name == f"part-000001-{sha256[:16]}.h5"


def test_files_of_killed_writers_are_removed_after_a_while(tmp_path):
    folder = store_of(tmp_path / "features", {"a": rows_of(0, 3)})
    old, new = folder / "writing-1.h5", folder / "writing-2.h5"
    for each in (old, new):
        each.write_text("begun")
    os.utime(old, (time.time() - 7200,) * 2)
    store_of(folder, {"b": rows_of(1, 3)})
    assert not old.exists()
    assert new.exists()


def previous(path):
    return path.with_name(f"{path.stem}.previous")


def test_features_of_another_spec_are_set_aside_and_restored(path, capsys):
    one, two = spec_for(weights_sha256="1"), spec_for(weights_sha256="2")
    store_of(path, {"a": rows_of(1, 3)}, one)
    store_of(path, {"a": rows_of(2, 3)}, two)
    printed = capsys.readouterr().out
    text = f"features of other settings (weights_sha256 1); they are now in {previous(path)}"
    assert text in printed
    with FeatureStore(path) as store, FeatureStore(previous(path)) as parked:
        assert store.spec == two
        assert parked.spec == one
        assert np.array_equal(store.features("a"), rows_of(2, 3))
        assert np.array_equal(parked.features("a"), rows_of(1, 3))
    with FeatureWriter(path, one) as writer:
        assert writer.has("a", SOURCE)
    assert f"{path}: restored from {previous(path)}" in capsys.readouterr().out
    with FeatureStore(path) as store, FeatureStore(previous(path)) as parked:
        assert np.array_equal(store.features("a"), rows_of(1, 3))
        assert np.array_equal(parked.features("a"), rows_of(2, 3))
    assert {each.name for each in path.parent.iterdir()} == {path.name, previous(path).name}


def test_features_of_any_earlier_spec_are_restored(path, capsys):
    specs = [spec_for(precision=precision) for precision in ("f32", "bf16", "int8")]
    for number, spec in enumerate(specs):
        store_of(path, {"a": rows_of(number, 3)}, spec)
    assert "had features of other settings (precision bf16)" in capsys.readouterr().out
    for number, spec in enumerate(specs):
        store_of(path, {}, spec)
        with FeatureStore(path) as store:
            assert store.spec == spec
            assert np.array_equal(store.features("a"), rows_of(number, 3))


def test_the_same_spec_is_added_to(path, capsys):
    store_of(path, {"a": rows_of(1, 3)})
    store_of(path, {"b": rows_of(2, 3)})
    with FeatureStore(path) as store:
        assert "a" in store
        assert "b" in store
    assert not previous(path).exists()
    assert capsys.readouterr().out == ""


def test_a_file_that_is_unreadable_is_set_aside(path, capsys):
    broken = path if path.suffix else path / "part-000001.h5"
    broken.parent.mkdir(exist_ok=True)
    broken.write_text("not HDF5 at all")
    with pytest.raises(LookbackError, match="cannot be opened as HDF5") as error:
        FeatureStore(path)
    assert str(broken) in str(error.value)
    store_of(path, {"a": rows_of(0, 3)})
    (moved,) = part_paths(previous(path))
    assert moved.read_text() == "not HDF5 at all"
    assert "unreadable content" in capsys.readouterr().out
    with FeatureStore(path) as store:
        assert "a" in store


@pytest.mark.parametrize("wanted", ["1", "2", "3"])
def test_a_change_of_settings_that_was_killed_is_finished(tmp_path, monkeypatch, wanted):
    path = tmp_path / "features"
    specs = {name: spec_for(weights_sha256=name) for name in "123"}
    monkeypatch.setattr(writing, "_PART_BYTES", 1)  # every video in a part of its own
    for name in "12":
        store_of(path, {"a": rows_of(int(name), 3), "b": rows_of(0, 3)}, specs[name])
    one, _ = part_paths(path)
    commit(one, previous(path))  # killed after the first of two moves
    store_of(path, {"c": rows_of(9, 3)}, specs[wanted])
    with FeatureStore(path) as store:
        assert store.spec == specs[wanted]
        assert ("a" in store) == ("b" in store) == (wanted != "3")
        if wanted != "3":
            assert np.array_equal(store.features("a"), rows_of(int(wanted), 3))
    kept = {(part.spec["weights_sha256"], *part.videos) for part in read_parts(previous(path))}
    assert {(name, video) for name in "12" if name != wanted for video in "ab"} == kept
