"""Writing a store: whole parts, kills, full disks, changed and renamed videos, several writers."""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from extract.feature_store import folder
from extract.feature_store import writer as writing
from extract.feature_store.folder import part_paths, parts_folder
from extract.feature_store.part import Part, write_part
from extract.feature_store.reader import FeatureStore
from extract.feature_store.writer import FeatureWriter
from tests.extract.feature_store.making import SOURCE, add, rows_of, spec_for, store_of
from video.errors import LookbackError


@pytest.fixture(params=["features", "features.h5"])
def path(request, tmp_path) -> Path:
    """A store as a folder, and as a file."""
    return tmp_path / request.param


def source_for(name: str) -> dict:
    return {"size": 3, "sha256": name}


@pytest.mark.parametrize("count", [1, 1023, 3000])
@pytest.mark.parametrize("buffer", [1000, 2**24])
def test_long_videos_go_through_a_file_without_a_name(path, count, buffer, monkeypatch):
    monkeypatch.setattr(writing, "_MEMORY_BYTES", buffer)
    rows, motion = rows_of(count, count), rows_of(1, count, 16)
    with FeatureWriter(path, spec_for(dtype="float16")) as writer:
        for video in ("moving", "still"):
            writer.begin(video, SOURCE)
        for start in range(0, count, 700):
            piece = slice(start, start + 700)
            times = np.arange(count)[piece] / 10
            writer.append("moving", rows[piece], times, motion[piece])
            writer.append("still", rows[piece] + 1, times)
        writer.finish("still", "ends early")
        writer.finish("moving")
    with FeatureStore(path) as store:
        assert np.array_equal(store.features("moving"), rows.astype("f2").astype("f4"))
        assert np.array_equal(store.features("still"), (rows + 1).astype("f2").astype("f4"))
        assert np.array_equal(store.seconds("moving"), np.arange(count) / 10)
        assert store.has_motion("moving")
        assert not store.has_motion("still")
        assert np.array_equal(store.motion("moving"), motion)
        assert np.array_equal(store.motion("moving", 3, 9), motion[3:9])
    assert Part(part_paths(path)[0]).rows(1).note == "ends early"


def test_an_unfinished_video_is_not_there(path):
    with FeatureWriter(path, spec_for()) as writer:
        writer.begin("begun", SOURCE)
        writer.append("begun", rows_of(0, 30), np.arange(30) / 10)
        add(writer, "done", rows_of(1, 5))
    with FeatureStore(path) as store:
        assert "begun" not in store
        assert "done" in store
    with FeatureWriter(path, spec_for()) as writer:
        assert not writer.has("begun", SOURCE)
        assert writer.has("done", SOURCE)


def test_changed_content_of_a_video_is_computed_again_and_replaces_it(path):
    store_of(path, {"a": rows_of(0, 3), "b": rows_of(1, 3)})
    with FeatureWriter(path, spec_for()) as writer:
        assert writer.has("a", SOURCE)
        assert not writer.has("a", source_for("other"))
        add(writer, "a", rows_of(2, 9), source_for("other"))
        assert writer.has("a", source_for("other"))
        assert not writer.has("a", SOURCE)
    with FeatureStore(path) as store:
        assert np.array_equal(store.features("a"), rows_of(2, 9))
        assert np.array_equal(store.features("b"), rows_of(1, 3))
    (part,) = (Part(each) for each in part_paths(path))  # the replaced rows are gone
    assert len(part.array("features")) == 12


@pytest.mark.parametrize("finish_another", [False, True])
def test_a_discarded_video_loses_its_earlier_features(path, finish_another):
    """A clip replaced by one that cannot be read must not keep the features of the old one."""
    store_of(path, {"a": rows_of(0, 3), "b": rows_of(1, 3)})
    with FeatureWriter(path, spec_for()) as writer:
        writer.discard("a")
        writer.discard("never begun")
        if finish_another:
            add(writer, "c", rows_of(2, 3))
    with FeatureWriter(path, spec_for()) as writer:
        assert not writer.has("a", SOURCE)
        assert writer.has("b", SOURCE)
    with FeatureStore(path) as store:
        assert "a" not in store
        assert "b" in store


def test_features_of_the_same_content_are_copied_to_another_name(path):
    rows, motion = rows_of(0, 30), rows_of(1, 30, 16)
    with FeatureWriter(path, spec_for()) as writer:
        writer.begin("old.mp4", SOURCE)
        writer.append("old.mp4", rows, np.arange(30) / 10, motion)
        writer.finish("old.mp4", "ends early")
        assert not writer.reuse("other.mp4", source_for("def"))
        assert not writer.reuse("old.mp4", SOURCE)
        assert writer.reuse("new.mp4", SOURCE)
        assert writer.has("new.mp4", SOURCE)
    with FeatureWriter(path, spec_for()) as writer:
        # The old name may go or be taken by another file.
        add(writer, "old.mp4", rows[:5] + 1, source_for("def"))
        assert writer.reuse("third.mp4", source_for("def"))
        assert writer.reuse("fourth.mp4", SOURCE)
        writer.discard("third.mp4")
    with FeatureStore(path) as store:
        for video in ("new.mp4", "fourth.mp4"):
            assert np.array_equal(store.features(video), rows)
            assert np.array_equal(store.motion(video), motion)
        assert store.steps("old.mp4") == 5
        assert store.contents() == {"new.mp4": "abc", "fourth.mp4": "abc", "old.mp4": "def"}


def test_a_part_closes_by_time_and_by_size(tmp_path, monkeypatch):
    folder = tmp_path / "features"
    clock = [0.0]
    monkeypatch.setattr(writing.time, "monotonic", lambda: clock[0])
    with FeatureWriter(folder, spec_for()) as writer:
        add(writer, "a", rows_of(0, 3))
        assert part_paths(folder) == []
        clock[0] = 31.0
        add(writer, "b", rows_of(1, 3))
        assert [Part(each).videos for each in part_paths(folder)] == [["a", "b"]]
        monkeypatch.setattr(writing, "_PART_BYTES", 1000)
        add(writer, "c", rows_of(2, 40))
        assert len(part_paths(folder)) == 2
        monkeypatch.undo()
    assert [Part(each).videos for each in part_paths(folder)] == [["a", "b", "c"]]


def test_parts_that_are_large_enough_are_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "_PART_BYTES", 40_000)
    folder = store_of(tmp_path / "features", {"large": rows_of(0, 1000)})
    (large,) = part_paths(folder)
    for video in ("a", "b"):
        store_of(folder, {video: rows_of(1, 3)})
    assert part_paths(folder)[0] == large
    assert [Part(each).videos for each in part_paths(folder)] == [["large"], ["a", "b"]]


def test_the_end_has_the_same_bits_however_often_the_writing_began_anew(tmp_path):
    videos = {f"v{n}": rows_of(n, 5 + n) for n in range(20)}
    (whole,) = part_paths(store_of(tmp_path / "whole", videos))
    for name in sorted(videos, reverse=True):
        store_of(tmp_path / "pieces", {name: videos[name]})
    (pieces,) = part_paths(tmp_path / "pieces")
    assert pieces.read_bytes() == whole.read_bytes()


KILLED = """
import os, signal, sys
from pathlib import Path
from extract.feature_store import folder
from extract.feature_store import writer as writing
from extract.feature_store.writer import FeatureWriter
from tests.extract.feature_store.making import SOURCE, add, rows_of, spec_for

writing._PART_SECONDS = -1.0
at, where = int(sys.argv[2]), sys.argv[3]
if where != "between":
    module, name = where.rsplit(".", 1)
    owner = __import__(module, fromlist=["x"])
    real, calls = getattr(owner, name), []
    def counted(*arguments, **keys):
        calls.append(0)
        if len(calls) == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **keys)
    setattr(owner, name, counted)
with FeatureWriter(Path(sys.argv[1]), spec_for()) as writer:
    for number in range(30):
        if not writer.has(f"v{number:02}", SOURCE):
            add(writer, f"v{number:02}", rows_of(number, 20))
        if where == "between" and number == at:
            os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("name", ["features", "features.h5"])
def test_after_kills_at_any_place_the_end_has_the_same_bits(tmp_path, name):
    """In parts, between them, while they get their names, while they are joined and listed."""
    videos = {f"v{n:02}": rows_of(n, 20) for n in range(30)}
    (whole,) = part_paths(store_of(tmp_path / "whole", videos))
    store = "extract.feature_store"
    places = [(4, f"{store}.folder.write_part"), (2, f"{store}.folder.commit"), (13, "between")]
    places += [(5, "os.fsync"), (3, f"{store}.folder.write_part"), (20, "os.unlink")]
    places += [(1, f"{store}.folder.write_index")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ends = []
    for at, where in places:
        arguments = [sys.executable, "-c", KILLED, str(tmp_path / name), str(at), where]
        ended = subprocess.run(arguments, env=environment, capture_output=True, check=False)
        ends.append(ended.returncode)
        assert ended.returncode in (0, -9), ended.stderr.decode()[-2000:]
        if part_paths(tmp_path / name):
            with FeatureStore(tmp_path / name) as found:
                for video in set(videos) & set(found.contents()):
                    assert np.array_equal(found.features(video), videos[video])
    assert ends.count(-9) >= 4
    store_of(tmp_path / name, {})
    with FeatureStore(tmp_path / name) as found:
        assert {video for video in videos if video in found} == set(videos)
        for video, rows in videos.items():
            assert np.array_equal(found.features(video), rows)
    (end,) = part_paths(tmp_path / name)
    assert end.read_bytes() == whole.read_bytes()


def test_two_writers_at_once_lose_nothing(path):
    with FeatureWriter(path, spec_for()) as one, FeatureWriter(path, spec_for()) as other:
        add(one, "a", rows_of(0, 3))
        add(other, "b", rows_of(1, 3))
        add(other, "a", rows_of(0, 3))
    with FeatureStore(path) as store:
        assert np.array_equal(store.features("a"), rows_of(0, 3))
    store_of(path, {})  # what a later run finds
    with FeatureStore(path) as store:
        assert np.array_equal(store.features("a"), rows_of(0, 3))
        assert np.array_equal(store.features("b"), rows_of(1, 3))


def test_an_error_keeps_the_videos_that_are_finished(path):
    def stop_in_the_middle() -> None:
        with FeatureWriter(path, spec_for()) as writer:
            add(writer, "done", rows_of(0, 3))
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        stop_in_the_middle()
    with FeatureStore(path) as store:
        assert "done" in store
    store_of(path, {})
    with FeatureStore(path) as store:
        assert "done" in store
    if path.suffix:
        assert not parts_folder(path).exists()


def test_a_path_that_cannot_be_written_is_named(tmp_path, path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LookbackError, match="cannot be written"):
        store_of(tmp_path / "file" / path.name, {})


def test_a_full_disk_keeps_finished_parts_and_a_later_run_completes(path, monkeypatch):
    """The third part meets a full disk."""
    monkeypatch.setattr(writing, "_PART_BYTES", 20_000)
    videos, written = {f"v{n:02}": rows_of(n, 200) for n in range(20)}, []

    def full(file: Path, *arguments) -> None:
        if len(written) == 2:
            file.write_bytes(b"begun")
            raise OSError(errno.ENOSPC, "Can't write data, a long text of HDF5")
        written.append(file)
        write_part(file, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(folder, "write_part", full)
        with pytest.raises(LookbackError, match=r"cannot be written \(No space left") as error:
            store_of(path, videos)
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)
    with FeatureStore(path) as store:
        assert 0 < sum(video in store for video in videos) < 20
    complete(path, videos)


def complete(path: Path, videos: dict[str, np.ndarray]) -> None:
    with FeatureWriter(path, spec_for()) as writer:
        for video, rows in videos.items():
            if not writer.has(video, SOURCE):
                add(writer, video, rows)
    with FeatureStore(path) as store:
        for video, rows in videos.items():
            assert np.array_equal(store.features(video), rows)
    assert not list(parts_folder(path).glob("writing-*"))


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 256 kB, where the system lets us mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)]
    if sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("only root on Linux can mount a small disk")
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting is not allowed here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_real_full_disk_keeps_finished_parts_and_a_later_run_completes(small_disk, monkeypatch):
    path, filler = small_disk / "features", small_disk / "filler"
    filler.write_bytes(bytes(150_000))
    monkeypatch.setattr(writing, "_PART_BYTES", 20_000)
    videos = {f"v{n:02}": rows_of(n, 200) for n in range(16)}
    with pytest.raises(LookbackError, match="No space left"):
        store_of(path, videos)
    filler.unlink()
    with FeatureStore(path) as store:
        assert 0 < sum(video in store for video in videos) < 16
    complete(path, videos)


def test_a_shard_refuses_parts_of_other_settings_or_of_another_manifest(path):
    def shard(number: int, manifest: str = "m", **spec) -> None:
        with FeatureWriter(path, spec_for(**spec), manifest, f"{number}/2") as writer:
            add(writer, f"video {number}", rows_of(number, 3))

    shard(1)
    with pytest.raises(LookbackError, match=r"part-000001-.*other settings \(precision f32\)"):
        shard(2, precision="int8")
    with pytest.raises(LookbackError, match=r"part-000001-.* by shard 1/2 of another manifest"):
        shard(2, manifest="other")
    shard(2)
    assert len(part_paths(path)) == 2  # a shard joins nothing: others may be running
    with FeatureWriter(path, spec_for(), "other"):
        pass
    (joined,) = part_paths(path)
    with FeatureStore(path) as store:
        assert "video 1" in store
        assert "video 2" in store
    shard(1, manifest="other")  # that part is of no shard any more
    assert joined in part_paths(path)
