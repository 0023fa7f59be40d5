"""Hashes of videos are computed when a file has changed, and only then."""

import os
from pathlib import Path

import pytest

from clips.manifest import hashes
from clips.manifest.hashes import FILE, Hashes, source_of


@pytest.fixture
def read(monkeypatch):
    """The files that were read."""
    seen: list[Path] = []
    real = hashes.content_sha256
    monkeypatch.setattr(hashes, "content_sha256", lambda path: seen.append(path) or real(path))
    return seen


def sources(folder: Path) -> dict[str, dict]:
    known = Hashes(folder)
    found = {name: known.source(name) for name in ("a.mp4", "b.mp4")}
    known.save()
    return found


def test_an_unchanged_file_is_not_read_again(tmp_path, read):
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).write_bytes(name.encode())
    first = sources(tmp_path)
    assert first == {name: source_of(tmp_path / name) for name in first}
    read.clear()
    assert sources(tmp_path) == first
    assert read == []


def test_a_file_of_another_time_or_size_is_read_again(tmp_path, read):
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).write_bytes(b"first")
    sources(tmp_path)
    read.clear()
    (tmp_path / "a.mp4").write_bytes(b"other")  # of the same size
    os.utime(tmp_path / "a.mp4", ns=(1, 1))
    found = sources(tmp_path)["a.mp4"]
    assert read == [tmp_path / "a.mp4"]
    assert found == source_of(tmp_path / "a.mp4")


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a.mp4": 3}', '{"a.mp4": [5]}'])
def test_a_damaged_file_of_hashes_is_written_anew(tmp_path, text):
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).write_bytes(b"first")
    (tmp_path / FILE).write_text(text)
    assert sources(tmp_path)["a.mp4"] == source_of(tmp_path / "a.mp4")


def test_a_folder_that_cannot_be_written_is_left_as_it_is(tmp_path, monkeypatch):
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).write_bytes(b"first")

    def refused(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "write_text", refused)
    assert sources(tmp_path)["a.mp4"] == source_of(tmp_path / "a.mp4")
    assert not (tmp_path / FILE).exists()


def test_a_missing_file_is_an_error_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        Hashes(tmp_path).source("gone.mp4")
