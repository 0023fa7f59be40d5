"""A store on other storage: every part goes up once, also if two attempts of a task run."""

import fsspec
import pytest

from extract.feature_store.part import Part
from extract.feature_store.writer import FeatureWriter
from storage.mirror import local_path
from tests.extract.feature_store.making import add, rows_of, spec_for
from video.errors import LookbackError


def attempt(url: str, videos: dict, machine, monkeypatch, spec=None) -> list[str]:
    """Write videos as one attempt of shard 3/250 on a machine that has seen no other part.

    Returns:
        The names of the parts in its mirror.
    """
    monkeypatch.setenv("LOOKBACK_CACHE", str(machine))
    with FeatureWriter(local_path(url), spec or spec_for(), "manifest", "3/250") as writer:
        for video, rows in videos.items():
            add(writer, video, rows, {"size": len(rows), "sha256": video})
    return sorted(each.name for each in local_path(url).iterdir())


def parts_at(url: str, folder) -> dict[str, list[str]]:
    """Return the videos of each part on the storage."""
    files = fsspec.filesystem("memory")
    found = {}
    for name in files.find(url):
        copy = folder / name.rpartition("/")[2]
        files.get_file(name, str(copy))
        found[copy.name] = Part(copy).videos
    return found


FIRST, SECOND = "part-000001-shard-3-of-250.h5", "part-000002-shard-3-of-250.h5"


@pytest.mark.parametrize(
    ("later", "wanted"),
    [
        ("abc", {FIRST: ["a", "b"], SECOND: ["c"]}),
        ("bc", {FIRST: ["a", "b"], SECOND: ["c"]}),
        ("ab", {FIRST: ["a", "b"]}),
        ("c", {FIRST: ["a", "b"], SECOND: ["c"]}),
    ],
)
def test_an_attempt_adds_only_what_another_lacks(elsewhere, tmp_path, monkeypatch, later, wanted):
    url, rows = f"{elsewhere}/features", {name: rows_of(ord(name), 4) for name in "abc"}
    attempt(url, {name: rows[name] for name in "ab"}, tmp_path / "1", monkeypatch)
    names = attempt(url, {name: rows[name] for name in later}, tmp_path / "2", monkeypatch)
    assert names == sorted(wanted)
    assert parts_at(url, tmp_path) == wanted


def test_a_part_of_another_attempt_with_other_flags_is_refused(elsewhere, tmp_path, monkeypatch):
    url, videos = f"{elsewhere}/features", {"a": rows_of(1, 4)}
    attempt(url, videos, tmp_path / "1", monkeypatch)
    with pytest.raises(LookbackError, match=r"part-000001-shard-3-of-250.h5: has .*precision"):
        attempt(url, videos, tmp_path / "2", monkeypatch, spec_for(precision="bf16"))


def test_shards_do_not_meet(elsewhere, tmp_path, monkeypatch):
    url = f"{elsewhere}/features"
    attempt(url, {"a": rows_of(1, 4)}, tmp_path / "1", monkeypatch)
    with FeatureWriter(local_path(url), spec_for(), "manifest", "4/250") as writer:
        add(writer, "b", rows_of(2, 4))
    assert parts_at(url, tmp_path) == {FIRST: ["a"], "part-000001-shard-4-of-250.h5": ["b"]}
