"""Feature store: round trips, specs, incomplete videos, locks, full disks."""

import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import filelock
import h5py
import numpy as np
import pytest

from extract.feature_store.reader import FeatureStore, source_of, spec_sha256, video_id
from extract.feature_store.rollback_file import journal_path
from extract.feature_store.writer import FeatureWriter, open_writer
from tests.extract.full_disk import FullDisk
from tests.running import ROOT
from video.errors import LookbackError

SOURCE = {"size": 3, "sha256": "abc"}


def spec_for(**values) -> dict:
    spec = {"backbone": "tiny", "weights_sha256": "0" * 64, "feature_size": 8, "clip_length": 1}
    spec |= {"sampling": {"fps": None, "hop": 1}, "precision": "f32", "dtype": "float32"}
    return {**spec, **values}


def rows_of(seed: int, count: int, size: int = 8) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, size)).astype(np.float32)


def add(
    writer: FeatureWriter, video: str, rows: np.ndarray, source: dict = SOURCE, part=50
) -> None:
    """Write a whole video in parts, its times a tenth of a second apart."""
    writer.begin(video, source)
    for start in range(0, len(rows), part):
        stop = min(start + part, len(rows))
        writer.append(video, rows[start:stop], np.arange(start, stop) / 10)
    writer.finish(video)


def store_of(path: Path, videos: dict[str, np.ndarray], spec: dict | None = None) -> Path:
    with open_writer(path, spec or spec_for()) as writer:
        for video, rows in videos.items():
            add(writer, video, rows)
    return path


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 0), ("float16", 1e-3)])
def test_features_come_back_as_they_went_in(tmp_path, dtype, tolerance):
    videos = {f"clips/a/{n}.mp4": rows_of(n, 5 + n) for n in range(3)}
    path = store_of(tmp_path / "features.h5", videos, spec_for(dtype=dtype))
    with FeatureStore(path) as store:
        assert store.feature_size == 8
        for video, rows in videos.items():
            got = store.features(video)
            assert got.dtype == np.float32
            assert np.abs(got - rows).max() <= tolerance * np.abs(rows).max()
            assert np.array_equal(got, rows.astype(dtype).astype(np.float32))
            assert store.steps(video) == len(rows)
            assert np.array_equal(store.seconds(video), np.arange(len(rows)) / 10)
            assert np.array_equal(store.features(video, 2, 4), got[2:4])


def test_float16_takes_half_the_place(tmp_path):
    sizes = [
        store_of(tmp_path / dtype, {"a": rows_of(0, 2000)}, spec_for(dtype=dtype)).stat().st_size
        for dtype in ("float32", "float16")
    ]
    assert 2000 * 8 * 2 * 0.8 < sizes[0] - sizes[1] < 2000 * 8 * 2 * 1.2


@pytest.mark.parametrize("count", [1, 1023, 1024, 1025, 3000])
@pytest.mark.parametrize("part", [37, 1500])
def test_long_videos_grow_in_the_file(tmp_path, count, part):
    rows = rows_of(count, count)
    with open_writer(tmp_path / "features.h5", spec_for()) as writer:
        add(writer, "long", rows, part=part)
        add(writer, "after", rows[:3])
    with FeatureStore(tmp_path / "features.h5") as store:
        assert np.array_equal(store.features("long"), rows)
        assert np.array_equal(store.seconds("long"), np.arange(count) / 10)
        assert np.array_equal(store.features("after"), rows[:3])


@pytest.mark.parametrize("count", [1, 1024, 3000])
def test_motion_grows_with_the_features(tmp_path, count):
    rows, motion = rows_of(count, count), rows_of(1, count, 16)
    with open_writer(tmp_path / "features.h5", spec_for(dtype="float16")) as writer:
        writer.begin("moving", SOURCE)
        writer.begin("other", SOURCE)
        for start in range(0, count, 700):
            part = slice(start, start + 700)
            times = np.zeros(len(rows[part]))
            writer.append("moving", rows[part], times, motion[part])
            writer.append("other", rows[part], times)
        writer.finish("moving")
        writer.finish("other")
    with FeatureStore(tmp_path / "features.h5") as store:
        assert store.has_motion("moving")
        assert np.array_equal(store.motion("moving"), motion)
        assert np.array_equal(store.motion("moving", 3, 9), motion[3:9])
        assert store.steps("moving") == store.steps("other") == count
        assert not store.has_motion("other")


@pytest.mark.parametrize("motion", [None, rows_of(1, 4, 16)])
def test_a_video_of_the_same_content_shares_all_arrays(tmp_path, motion):
    with open_writer(tmp_path / "features.h5", spec_for()) as writer:
        writer.begin("old", SOURCE)
        writer.append("old", rows_of(0, 4), np.zeros(4), motion)
        writer.finish("old")
        assert writer.reuse("new", SOURCE)
    with FeatureStore(tmp_path / "features.h5") as store:
        assert np.array_equal(store.features("new"), rows_of(0, 4))
        assert store.has_motion("new") == (motion is not None)
        if motion is not None:
            assert np.array_equal(store.motion("new"), motion)
    with h5py.File(tmp_path / "features.h5") as file:
        for name in file["videos"]["old"]:
            assert file["videos"]["old"][name] == file["videos"]["new"][name]  # linked, not copied


def test_a_video_computed_again_takes_its_motion_along(tmp_path):
    path = tmp_path / "features.h5"
    for count, motion in ((4, rows_of(1, 4, 16)), (3, None), (5, rows_of(2, 5, 16))):
        with open_writer(path, spec_for()) as writer:
            writer.begin("a", SOURCE)
            writer.append("a", rows_of(0, count), np.zeros(count), motion)
            writer.finish("a")
        with FeatureStore(path) as store:
            assert store.has_motion("a") == (motion is not None)
            assert motion is None or np.array_equal(store.motion("a"), motion)


@pytest.mark.parametrize("motion", [rows_of(0, 3, 16), rows_of(0, 4, 15), rows_of(0, 4, 64)[0]])
def test_motion_of_another_shape_does_not_count(tmp_path, motion):
    path = store_of(tmp_path / "features.h5", {"a": rows_of(0, 4)})
    with h5py.File(path, "r+") as file:
        file["videos"]["a"]["motion"] = motion
    with FeatureStore(path) as store:
        assert not store.has_motion("a")
        assert store.steps("a") == 4


def test_interleaved_videos_keep_their_own_rows(tmp_path):
    rows = {"a": rows_of(1, 2500), "b": rows_of(2, 1700)}
    with open_writer(tmp_path / "features.h5", spec_for()) as writer:
        for video in rows:
            writer.begin(video, SOURCE)
        for start in range(0, 2500, 100):
            for video, all_rows in rows.items():
                part = all_rows[start : start + 100]
                if len(part):
                    writer.append(video, part, start / 10 + np.arange(len(part)) / 10)
        writer.finish("b")
        writer.finish("a")
    with FeatureStore(tmp_path / "features.h5") as store:
        for video, all_rows in rows.items():
            assert np.array_equal(store.features(video), all_rows)


def test_the_layout_is_the_documented_one_for_any_hdf5_reader(tmp_path):
    spec = spec_for(sampling={"fps": 10.0})
    video, rows = "clips/fight/a b.mp4", rows_of(0, 4)
    with open_writer(tmp_path / "features.h5", spec) as writer:
        writer.begin(video, SOURCE)
        writer.append(video, rows, np.arange(4) / 10)
        writer.finish(video, note="ends early")
    with h5py.File(tmp_path / "features.h5", "r") as file:
        assert file.attrs["format"] == "lookback-features"
        assert file.attrs["version"] == 1
        assert json.loads(file.attrs["spec"]) == spec
        assert file.attrs["spec_sha256"] == spec_sha256(spec)
        assert list(file["videos"]) == [video_id(video)]
        group = file["videos"][video_id(video)]
        assert "/" not in video_id(video)
        assert group.attrs["path"] == video
        assert json.loads(group.attrs["source"]) == SOURCE
        assert group.attrs["note"] == "ends early"
        assert group.attrs["complete"]
        assert group["features"].dtype == np.float32
        assert np.array_equal(group["features"][:], rows)
        assert group["seconds"].dtype == np.float64
        assert group["seconds"].shape == (4,)


@pytest.mark.parametrize("name", ["a/b.mp4", "ä ö/ж.mp4", "..", "a%2Fb", "a\\b", "x" * 200])
def test_any_name_of_a_video_can_be_stored(tmp_path, name):
    path = store_of(tmp_path / "features.h5", {name: rows_of(0, 3), "a/b": rows_of(1, 3)})
    with FeatureStore(path) as store:
        assert np.array_equal(store.features(name), rows_of(0, 3))
        assert np.array_equal(store.features("a/b"), rows_of(1, 3))


def test_spec_sha256_does_not_depend_on_the_order_of_keys():
    assert spec_sha256({"a": 1, "b": {"c": 2, "d": 3}}) == spec_sha256(
        {"b": {"d": 3, "c": 2}, "a": 1}
    )
    assert spec_sha256({"a": 1}) != spec_sha256({"a": 2})


def test_video_without_the_attribute_complete_is_ignored(tmp_path):
    path = store_of(tmp_path / "features.h5", {"a": rows_of(0, 3), "b": rows_of(1, 3)})
    with h5py.File(path, "r+") as file:
        del file["videos"]["a"].attrs["complete"]
    with FeatureStore(path) as store:
        assert "a" not in store
        assert "b" in store
        assert "c" not in store
        with pytest.raises(LookbackError, match=r"has no features of a; python extract\.py"):
            store.features("a")
        with pytest.raises(LookbackError, match="has no features of c"):
            store.steps("c")
    with open_writer(path, spec_for()) as writer:
        assert not writer.has("a", SOURCE)
        assert writer.has("b", SOURCE)


def test_unfinished_video_is_ignored(tmp_path):
    path = tmp_path / "features.h5"
    with open_writer(path, spec_for()) as writer:
        writer.begin("begun", SOURCE)
        writer.append("begun", rows_of(0, 3000), np.arange(3000) / 10)  # more than the buffer
        add(writer, "done", rows_of(1, 5))  # its commit carries what was begun into the file
    with FeatureStore(path) as store:
        assert "begun" not in store
        assert "done" in store
    with open_writer(path, spec_for()) as writer:
        assert not writer.has("begun", SOURCE)
        add(writer, "begun", rows_of(2, 7))
    with FeatureStore(path) as store:
        assert np.array_equal(store.features("begun"), rows_of(2, 7))


def test_changed_content_of_a_video_is_detected(tmp_path):
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"first")
    before = source_of(clip)
    clip.write_bytes(b"other")  # of the same size
    after = source_of(clip)
    assert before["size"] == after["size"] == 5
    path = tmp_path / "features.h5"
    with open_writer(path, spec_for()) as writer:
        add(writer, "a", rows_of(0, 3), before)
        assert writer.has("a", before)
        assert not writer.has("a", after)
        add(writer, "a", rows_of(1, 9), after)
        assert writer.has("a", after)
    with FeatureStore(path) as store:
        assert np.array_equal(store.features("a"), rows_of(1, 9))


@pytest.mark.parametrize("finish_another", [False, True])
def test_discarded_video_loses_its_earlier_features(tmp_path, finish_another):
    """A clip replaced by one that cannot be read must not keep the features of the old one."""
    path = store_of(tmp_path / "features.h5", {"a": rows_of(0, 3), "b": rows_of(1, 3)})
    with open_writer(path, spec_for()) as writer:
        writer.discard("a")
        writer.discard("never begun")
        if finish_another:
            add(writer, "c", rows_of(2, 3))
    with FeatureStore(path) as store:
        assert "a" not in store
        assert "b" in store


def test_features_of_another_spec_are_set_aside_and_restored(tmp_path, capsys):
    path, previous = tmp_path / "features.h5", tmp_path / "features.previous.h5"
    one, two = spec_for(weights_sha256="1"), spec_for(weights_sha256="2")
    store_of(path, {"a": rows_of(1, 3)}, one)
    store_of(path, {"a": rows_of(2, 3)}, two)
    printed = capsys.readouterr().out
    assert f"features of other settings (weights_sha256 1); the file is now {previous}" in printed
    with FeatureStore(path) as store, FeatureStore(previous) as parked:
        assert store.spec == two
        assert parked.spec == one
        assert np.array_equal(store.features("a"), rows_of(2, 3))
        assert np.array_equal(parked.features("a"), rows_of(1, 3))
    with open_writer(path, one) as writer:
        assert writer.has("a", SOURCE)
    assert f"{path}: restored from {previous}" in capsys.readouterr().out
    with FeatureStore(path) as store, FeatureStore(previous) as parked:
        assert np.array_equal(store.features("a"), rows_of(1, 3))
        assert np.array_equal(parked.features("a"), rows_of(2, 3))
    assert sorted(file.suffix for file in tmp_path.iterdir()) == [".h5", ".h5", ".lock"]


def test_note_names_the_features_that_a_third_spec_deletes(tmp_path, capsys):
    path = tmp_path / "features.h5"
    for precision in ("f32", "bf16", "int8"):
        printed = capsys.readouterr().out
        store_of(path, {"a": rows_of(1, 3)}, {**spec_for(), "precision": precision})
    assert "deleted" not in printed
    printed = capsys.readouterr().out
    assert "had features of other settings (precision bf16)" in printed
    assert (
        "was deleted: features of other settings (precision f32); use a different --features"
        in printed
    )


def test_the_same_spec_is_appended_to(tmp_path, capsys):
    path = store_of(tmp_path / "features.h5", {"a": rows_of(1, 3)})
    store_of(path, {"b": rows_of(2, 3)})
    with FeatureStore(path) as store:
        assert "a" in store
        assert "b" in store
    assert not (tmp_path / "features.previous.h5").exists()
    assert capsys.readouterr().out == ""


def hold_open(path: Path, opened, leave) -> None:
    with open_writer(path, spec_for()):
        opened.set()
        leave.wait(60)


def test_a_second_writer_in_another_process_is_refused_in_one_line(tmp_path):
    path = tmp_path / "features.h5"
    context = multiprocessing.get_context("forkserver")
    opened, leave = context.Event(), context.Event()
    other = context.Process(target=hold_open, args=(path, opened, leave))
    other.start()
    try:
        assert opened.wait(60)
        with pytest.raises(LookbackError, match="another program is writing it") as refused:
            store_of(path, {})
        assert str(path) in str(refused.value)
        assert "\n" not in str(refused.value)
    finally:
        leave.set()
        other.join()
    store_of(path, {"a": rows_of(0, 3)})  # the lock goes with its holder


def test_the_lock_left_by_a_killed_writer_does_not_block(tmp_path):
    path = tmp_path / "features.h5"
    path.with_name("features.h5.lock").write_text("")
    store_of(path, {"a": rows_of(0, 3)})


def test_a_store_with_a_writer_in_the_middle_of_writing_is_not_read(tmp_path):
    path = store_of(tmp_path / "features.h5", {"a": rows_of(0, 3)})
    with open_writer(path, spec_for()) as writer:
        writer.begin("b", SOURCE)
        writer.append("b", rows_of(1, 3000), np.arange(3000) / 10)
        writer._file.flush()
        assert journal_path(path).exists()
        with pytest.raises(LookbackError, match="another program is writing it"):
            FeatureStore(path)


def test_a_reader_after_a_killed_writer_sees_the_last_commit(tmp_path):
    path, copy = tmp_path / "features.h5", tmp_path / "copy" / "features.h5"
    copy.parent.mkdir()
    with open_writer(path, spec_for()) as writer:
        add(writer, "done", rows_of(0, 30))
        writer.begin("begun", SOURCE)
        writer.append("begun", rows_of(1, 3000), np.arange(3000) / 10)
        writer._file.flush()
        for file in (path, journal_path(path)):
            shutil.copyfile(file, copy.with_name(file.name))
    with FeatureStore(copy) as store:
        assert np.array_equal(store.features("done"), rows_of(0, 30))
        assert "begun" not in store
    assert not journal_path(copy).exists()
    with open_writer(copy, spec_for()) as writer:
        assert writer.has("done", SOURCE)
        assert not writer.has("begun", SOURCE)


@pytest.mark.parametrize("content", [None, b""])
def test_missing_store_fails_with_one_line(tmp_path, content):
    path = tmp_path / "features.h5"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(LookbackError, match=r"no features yet; python extract\.py makes them"):
        FeatureStore(path)


def test_file_that_is_no_hdf5_is_refused_or_set_aside(tmp_path):
    path = tmp_path / "features.h5"
    path.write_text("not HDF5 at all")
    with pytest.raises(LookbackError, match="cannot be opened as HDF5") as error:
        FeatureStore(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)
    store_of(path, {"a": rows_of(0, 3)})
    assert (tmp_path / "features.previous.h5").read_text() == "not HDF5 at all"
    with FeatureStore(path) as store:
        assert "a" in store


def test_foreign_hdf5_file_is_refused_and_unchanged(tmp_path):
    path = tmp_path / "features.h5"
    with h5py.File(path, "w") as file:
        file["mine"] = np.arange(5)
    content = path.read_bytes()
    with pytest.raises(LookbackError, match="not a feature file of this version"):
        FeatureStore(path)
    with pytest.raises(LookbackError, match="move it away"):
        store_of(path, {})
    assert path.read_bytes() == content


def test_a_store_of_a_later_version_is_refused(tmp_path):
    path = store_of(tmp_path / "features.h5", {"a": rows_of(0, 3)})
    with h5py.File(path, "r+") as file:
        file.attrs["version"] = 2
    with pytest.raises(LookbackError, match="not a feature file of this version"):
        FeatureStore(path)
    with pytest.raises(LookbackError, match="not a feature file of this version"):
        store_of(path, {})


def test_path_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LookbackError, match="cannot be written"):
        store_of(tmp_path / "file" / "features.h5", {})


def test_the_lock_is_released_when_writing_fails(tmp_path):
    path = tmp_path / "features.h5"
    with pytest.raises(RuntimeError, match="stopped"), open_writer(path, spec_for()):
        raise RuntimeError("stopped")
    lock = filelock.FileLock(path.with_name("features.h5.lock"))
    lock.acquire(timeout=0)
    lock.release()
    assert not journal_path(path).exists()


def test_many_videos_can_be_open_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr("extract.feature_store.reader._MAX_OPEN_DATASETS", 3)
    videos = {f"v{n}": rows_of(n, 4) for n in range(10)}
    with FeatureStore(store_of(tmp_path / "features.h5", videos)) as store:
        for _ in range(2):
            for video, rows in videos.items():
                assert np.array_equal(store.features(video), rows)
        assert len(store._open) <= 3


def add_until_full(
    path: Path, videos: dict[str, np.ndarray], finished: list[str], limit: int | None = None
) -> None:
    """Write videos and note each that is finished; `limit` ends the disk at so many bytes."""
    with open_writer(path, spec_for()) as writer:
        if limit is not None:
            writer._raw._file = FullDisk(writer._raw._file, limit)
        for video, rows in videos.items():
            add(writer, video, rows)
            finished.append(video)


@pytest.mark.parametrize("limit", [20_000, 60_000, 300_000])
def test_a_full_disk_keeps_earlier_videos_and_a_later_run_completes(tmp_path, limit):
    path = tmp_path / "features.h5"
    videos = {f"v{n}": rows_of(n, 2000 if n == 5 else 200) for n in range(30)}
    finished = []
    with pytest.raises(LookbackError, match=r"cannot be written \(No space left") as error:
        add_until_full(path, videos, finished, limit)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)
    assert 0 < len(finished) < len(videos)
    assert path.stat().st_size <= limit
    check_and_complete(path, videos, finished)


def check_and_complete(path: Path, videos: dict[str, np.ndarray], finished: list[str]) -> None:
    with FeatureStore(path) as store:
        assert [video for video in videos if video in store] == finished
        for video in finished:
            assert np.array_equal(store.features(video), videos[video])
    with open_writer(path, spec_for()) as writer:
        for video, rows in videos.items():
            if not writer.has(video, SOURCE):
                add(writer, video, rows)
    with FeatureStore(path) as store:
        for video, rows in videos.items():
            assert np.array_equal(store.features(video), rows)


CREATE_ON_FULL_DISK = """
import errno, os, sys
from pathlib import Path
from extract.feature_store import rollback_file
from extract.feature_store.writer import open_writer
from tests.extract.full_disk import FullDisk
from video.errors import LookbackError

real = os.fdopen
path = Path(sys.argv[1])
for limit in (0, 100, 1000, 2500, 5000):
    rollback_file.os.fdopen = lambda *arguments: FullDisk(real(*arguments), limit)
    try:
        with open_writer(path, {"dtype": "float32", "feature_size": 8}):
            print("opened")
    except LookbackError as error:
        print(error)
    rollback_file.os.fdopen = real
with open_writer(path, {"dtype": "float32", "feature_size": 8}):
    print("done")
"""


def test_full_disk_at_creation_fails_with_one_line(tmp_path):
    """In a separate process, because a mistake here crashes the interpreter inside HDF5."""
    path = tmp_path / "features.h5"
    ended = subprocess.run(
        [sys.executable, "-c", CREATE_ON_FULL_DISK, str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    *lines, done = ended.stdout.splitlines()
    assert done == "done"
    assert len(lines) == 5
    assert all(str(path) in line and "No space left" in line for line in lines)
    assert ended.stderr == ""


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


def test_a_real_full_disk_keeps_earlier_videos_and_a_later_run_completes(small_disk):
    path = small_disk / "features.h5"
    filler = small_disk / "filler"
    filler.write_bytes(bytes(150_000))
    videos = {f"v{n}": rows_of(n, 200) for n in range(20)}
    finished = []
    with pytest.raises(LookbackError, match="No space left"):
        add_until_full(path, videos, finished)
    assert 0 < len(finished) < len(videos)
    filler.unlink()
    check_and_complete(path, videos, finished)


def test_reading_in_another_thread_gives_the_same_features(tmp_path):
    path = store_of(tmp_path / "features.h5", {"a": rows_of(0, 30)})
    got = []
    with FeatureStore(path) as store:
        thread = threading.Thread(target=lambda: got.append(store.features("a", 3, 9)))
        thread.start()
        thread.join()
    assert np.array_equal(got[0], rows_of(0, 30)[3:9])


def test_features_of_the_same_content_are_shared_under_another_name(tmp_path):
    path = tmp_path / "features.h5"
    rows, source = rows_of(0, 3000), {"size": 3, "sha256": "abc"}
    with FeatureWriter(path, spec_for()) as writer:
        writer.begin("old.mp4", source)
        writer.append("old.mp4", rows, np.arange(3000) / 10)
        writer.finish("old.mp4", "ends early")
        assert not writer.reuse("other.mp4", {"size": 3, "sha256": "def"})
        assert not writer.reuse("old.mp4", source)
        size = path.stat().st_size
        assert writer.reuse("new.mp4", source)
        assert writer.has("new.mp4", source)
        assert path.stat().st_size - size < rows.nbytes / 10
        # The old name may go or be taken by another file.
        writer.begin("old.mp4", {"size": 4, "sha256": "def"})
        assert not writer.reuse("third.mp4", {"size": 4, "sha256": "def"})
        writer.append("old.mp4", rows[:5] + 1, np.arange(5) / 10)
        writer.finish("old.mp4")
        assert writer.reuse("third.mp4", {"size": 4, "sha256": "def"})
        writer.discard("third.mp4")
    with FeatureStore(path) as store:
        assert np.array_equal(store.features("new.mp4"), rows)
        assert np.array_equal(store.seconds("new.mp4"), np.arange(3000) / 10)
        assert store.steps("old.mp4") == 5
        assert store.contents() == {"new.mp4": "abc", "old.mp4": "def"}
    with h5py.File(path) as file:
        assert file["videos/new.mp4"].attrs["note"] == "ends early"


def test_video_without_a_source_has_no_content(tmp_path):
    path = store_of(tmp_path / "features.h5", {"a": rows_of(0, 3)})
    with h5py.File(path, "r+") as file:
        del file["videos/a"].attrs["source"]
    with FeatureWriter(path, spec_for()) as writer:
        assert not writer.reuse("b", {"size": 3, "sha256": "abc"})
    with FeatureStore(path) as store:
        assert store.contents() == {}
