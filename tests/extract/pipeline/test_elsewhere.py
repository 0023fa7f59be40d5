"""Extraction of clips on other storage: one request each, the features of local clips."""

import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from clips.manifest import Manifest
from clips.shards import Shard
from extract.feature_store.reader import FeatureStore
from extract.pipeline import ahead
from extract.pipeline.ahead import ClipsAhead
from extract.pipeline.runner import extract_features
from extract.pipeline.store_elsewhere import fetch_features
from storage import remote, roles, trees
from storage.mirror import local_path
from tests.conftest import write_coded_video
from tests.extract.projecting import manifest_of, projecting_extractor
from tests.storage.conftest import Memory
from video.errors import LookbackError

COUNTS = (60, 3, 25, 1, 16, 30)


@pytest.fixture(scope="module")
def videos(tmp_path_factory) -> Path:
    """A folder of six videos of 1 to 60 coded frames, and a copy of one."""
    folder = tmp_path_factory.mktemp("videos")
    for count in COUNTS:
        write_coded_video(folder / f"v{count}.mp4", count)
    shutil.copy(folder / "v25.mp4", folder / "v25_again.mp4")
    return folder


@pytest.fixture
def memory(elsewhere, videos):
    found = Memory(elsewhere)
    for path in videos.iterdir():
        found.put(f"set/{path.name}", path.read_bytes())
    yield found
    trees.close()


@pytest.fixture
def gets(monkeypatch) -> Counter:
    real, count = remote.get, Counter()

    def counted(url, path):
        if url.endswith(".mp4"):
            count[url.rpartition("/")[2]] += 1
        real(url, path)

    monkeypatch.setattr(remote, "get", counted)
    return count


def on_another_machine(memory: Memory, tmp_path: Path, monkeypatch) -> Manifest:
    """Open the data folder with an empty mirror."""
    trees.close()
    number = len(list(tmp_path.glob("machine*")))
    (tmp_path / f"machine{number}").mkdir()
    monkeypatch.setenv("LOOKBACK_CACHE", str(tmp_path / f"machine{number}"))
    return manifest_of(roles.data_folder(f"{memory.url}/set"))


def extracted(manifest: Manifest, shard: Shard | None = None):
    path = manifest.path.parent / "features"
    try:
        return extract_features(manifest, projecting_extractor(), path, "float32", shard=shard)
    finally:
        trees.copy_up()


def features_at(url: str, videos: list[str]) -> dict[str, np.ndarray]:
    path = local_path(f"{url}/set/features")
    fetch_features(path)
    with FeatureStore(path) as store:
        return {video: store.features(video) for video in videos}


def same_as_local(memory: Memory, videos: Path, tmp_path: Path) -> None:
    """Assert that features on the storage are those of local files."""
    manifest = manifest_of(videos)
    extract_features(manifest, projecting_extractor(), tmp_path / "local", "float32")
    trees.close()
    found = features_at(memory.url, manifest.videos)
    with FeatureStore(tmp_path / "local") as store:
        for video in manifest.videos:
            assert np.array_equal(found[video], store.features(video)), video


def test_each_clip_is_fetched_once_and_none_stays(videos, memory, gets, tmp_path, monkeypatch):
    manifest = on_another_machine(memory, tmp_path, monkeypatch)
    report = extracted(manifest)
    assert (report.done, report.cached, report.renamed, report.failed) == (6, 1, 1, {})
    assert gets == dict.fromkeys(manifest.videos, 1)
    assert {manifest.place(video).stat().st_size for video in manifest.videos} == {0}
    same_as_local(memory, videos, tmp_path)


def test_what_is_known_is_not_fetched_again(memory, gets, tmp_path, monkeypatch):
    extracted(on_another_machine(memory, tmp_path, monkeypatch))
    gets.clear()
    report = extracted(on_another_machine(memory, tmp_path, monkeypatch))
    assert (report.done, report.cached) == (0, 7)
    assert not gets
    memory.put("set/v16.mp4", memory.read("set/v30.mp4"))
    manifest = on_another_machine(memory, tmp_path, monkeypatch)
    report = extracted(manifest)
    assert (report.done, report.cached, report.renamed) == (0, 7, 1)
    assert gets == {"v16.mp4": 1}
    assert len(features_at(memory.url, ["v16.mp4"])["v16.mp4"]) == 30


def test_without_hashes_clips_are_fetched_but_not_computed(memory, gets, tmp_path, monkeypatch):
    extracted(on_another_machine(memory, tmp_path, monkeypatch))
    memory.remove("set/hashes.json")
    gets.clear()
    report = extracted(on_another_machine(memory, tmp_path, monkeypatch))
    assert (report.done, report.cached) == (0, 7)
    assert set(gets.values()) == {1}


def test_shards_have_the_features_of_one_run(videos, memory, gets, tmp_path, monkeypatch):
    reports = []
    for number in (1, 2, 3):
        manifest = on_another_machine(memory, tmp_path, monkeypatch)
        reports.append(extracted(manifest, Shard(number, 3)))
        parts = list((manifest.path.parent / "features").glob("part-*.h5"))
        assert {f"shard-{number}-of-3" in each.name for each in parts} <= {True}
    assert set(gets.values()) == {1}
    assert len([name for name in memory.names("set") if "-of-3" in name]) == 6
    manifest = on_another_machine(memory, tmp_path, monkeypatch)
    report = extracted(manifest)
    assert report.done == 0
    assert set(gets.values()) == {1}
    (part,) = (tmp_path / "machine3").rglob("part-*.h5")
    same_as_local(memory, videos, tmp_path)
    assert [name for name in memory.names("set") if not name.endswith(".mp4")] == [
        f"features/{name}" for name in ("index.json", part.name)
    ] + ["hashes.json"]
    (one,) = (tmp_path / "local").glob("part-*.h5")
    # A duplicate that another shard computed has features of its own: the same bytes.
    assert one.read_bytes() == part.read_bytes()


def test_a_shard_of_another_network_or_manifest_is_refused(memory, tmp_path, monkeypatch):
    manifest = on_another_machine(memory, tmp_path, monkeypatch)
    extracted(manifest, Shard(1, 2))
    manifest = on_another_machine(memory, tmp_path, monkeypatch)
    other = manifest.with_entries([replace(each, label="b") for each in manifest.entries])
    with pytest.raises(LookbackError, match=r"shard-1-of-2\.h5: was written by shard 1/2 of anoth"):
        extracted(other, Shard(2, 2))
    path = manifest.path.parent / "features"
    with pytest.raises(LookbackError, match=r"shard-1-of-2\.h5: has .*dtype"):
        extract_features(manifest, projecting_extractor(), path, "float16", shard=Shard(2, 2))


def test_features_of_other_settings_are_set_aside_and_come_back(memory, tmp_path, monkeypatch):
    def names() -> list[str]:
        return sorted(n.partition("/")[0] for n in memory.names("set") if "part-" in n)

    for dtype, done, where in (
        ("float32", 6, ["features"]),
        ("float16", 6, ["features", "features.previous"]),
        ("float32", 0, ["features", "features.previous"]),
    ):
        manifest = on_another_machine(memory, tmp_path, monkeypatch)
        path = manifest.path.parent / "features"
        report = extract_features(manifest, projecting_extractor(), path, dtype)
        trees.copy_up()
        assert report.done == done
        assert names() == where


def test_bad_and_missing_clips_are_rejected(videos, memory, gets, tmp_path, monkeypatch):
    memory.put("set/v3.mp4", b"no video at all")
    manifest = on_another_machine(memory, tmp_path, monkeypatch)
    memory.remove("set/v1.mp4")
    report = extracted(manifest)
    assert (report.done, report.cached) == (4, 1)
    assert set(report.failed) == {"v1.mp4", "v3.mp4"}
    assert "there is no such file any more" in report.failed["v1.mp4"]


def test_equal_clips_with_two_labels_are_refused(memory, tmp_path, monkeypatch):
    manifest = on_another_machine(memory, tmp_path, monkeypatch)
    rows = [
        replace(each, label="b") if each.video == "v25_again.mp4" else each
        for each in manifest.entries
    ]
    with pytest.raises(LookbackError, match="same content have different labels"):
        extracted(manifest.with_entries(rows))


def test_a_failing_storage_ends_the_run(memory, tmp_path, monkeypatch):
    manifest = on_another_machine(memory, tmp_path, monkeypatch)

    def fail(*_):
        raise LookbackError("the network is down")

    monkeypatch.setattr(remote, "get", fail)
    with pytest.raises(LookbackError, match="the network is down"):
        extracted(manifest)


def test_few_clips_are_ahead(memory, tmp_path, monkeypatch):
    manifest = on_another_machine(memory, tmp_path, monkeypatch)
    todo = [(video, manifest.place(video)) for video in manifest.videos]
    monkeypatch.setattr(ahead, "_BYTES_AHEAD", 1)
    there: list[int] = []
    with ClipsAhead(todo) as clips:
        for clip in clips:
            there.append(sum(place.stat().st_size > 0 for _, place in todo))
            clip.release()
    assert there == [1] * 7
    monkeypatch.undo()
    with ClipsAhead(todo):
        pass
    assert not any(place.stat().st_size for _, place in todo)


def test_a_damaged_part_is_refused(memory, tmp_path, monkeypatch):
    extracted(on_another_machine(memory, tmp_path, monkeypatch))
    (part,) = (name for name in memory.names("set") if "part-" in name)
    content = bytearray(memory.read(f"set/{part}"))
    content[-1] ^= 1
    memory.put(f"set/{part}", bytes(content))
    on_another_machine(memory, tmp_path, monkeypatch)
    with pytest.raises(LookbackError, match=r"its SHA-256 differs from that in index\.json"):
        features_at(memory.url, ["v3.mp4"])
