"""Extraction into the store: each content once, deterministic features, recovery from kills."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import av
import h5py
import numpy as np
import pytest

from clips.manifest import Entry, Manifest
from extract.extractor import Extractor
from extract.extractor_setup import set_up_extractor
from extract.feature_store.folder import part_paths, parts_folder, read_parts
from extract.feature_store.reader import FeatureStore, features_path
from extract.pipeline.runner import (
    ExtractionReport,
    extract_features,
    print_report,
)
from recipes.loader import load
from tests.conftest import coded_frame, write_coded_video
from tests.extract.projecting import BATCH, SIZE, manifest_of, projecting_extractor
from tests.running import ROOT, run_script
from video.errors import LookbackError


def all_features(path: Path, videos: list[str]) -> dict[str, tuple[np.ndarray, ...]]:
    """Return features, times and motion of each video."""
    with FeatureStore(path) as store:
        return {
            video: (store.features(video), store.seconds(video), store.motion(video))
            for video in videos
        }


def assert_same_features(one: Path, other: Path, videos: list[str]) -> None:
    ours, theirs = all_features(one, videos), all_features(other, videos)
    for video in videos:
        assert np.array_equal(ours[video][0], theirs[video][0]), video
        assert np.array_equal(ours[video][1], theirs[video][1]), video
        assert np.array_equal(ours[video][2], theirs[video][2]), video


def extracted(manifest: Manifest, path: Path, extractor: Extractor | None = None):
    return extract_features(manifest, extractor or projecting_extractor(), path, "float32")


@pytest.fixture(scope="module")
def videos(tmp_path_factory) -> Path:
    """A folder of six videos of 3 to 60 coded frames at 10 a second."""
    folder = tmp_path_factory.mktemp("videos")
    for count in (60, 3, 25, 1, 16, 30):
        write_coded_video(folder / f"v{count}.mp4", count)
    return folder


def test_every_video_gets_the_features_of_its_steps(videos, tmp_path):
    manifest = manifest_of(videos)
    report = extracted(manifest, tmp_path / "features.h5")
    assert (report.done, report.cached, report.failed, report.notes) == (6, 0, {}, {})
    assert report.steps == 135
    with FeatureStore(tmp_path / "features.h5") as store:
        assert store.feature_size == SIZE
        for video in manifest.videos:
            count = int(Path(video).stem[1:])
            assert store.features(video).shape == (count, SIZE)
            assert np.allclose(store.seconds(video), np.arange(count) / 10)
            assert store.has_motion(video)
            motion = store.motion(video)
            assert motion.shape == (count, 16)
            assert (motion.sum(1) > 0).tolist() == [count > 1] * count
            # Every frame is another picture, so no feature may stand at another's place.
            assert len(np.unique(store.features(video), axis=0)) == count


def test_cached_features_are_not_computed_again(videos, tmp_path):
    manifest = manifest_of(videos)
    extracted(manifest_of(videos, manifest.videos[:2]), tmp_path / "features.h5")
    extractor = projecting_extractor()
    report = extracted(manifest, tmp_path / "features.h5", extractor)
    assert (report.done, report.cached) == (4, 2)
    extractor = projecting_extractor()
    report = extracted(manifest, tmp_path / "features.h5", extractor)
    assert (report.done, report.cached, report.steps) == (0, 6, 0)
    assert extractor.engine.calls == []


def test_a_renamed_video_keeps_its_features_to_the_bit(tmp_path):
    for name in ("a", "b"):
        write_coded_video(tmp_path / "old" / f"{name}.mp4", 5 if name == "a" else 9)
    path = tmp_path / "features.h5"
    manifest = Manifest(tmp_path / "m.csv", (Entry("old/a.mp4", "x"), Entry("old/b.mp4", "x")))
    extracted(manifest, path)
    before = all_features(path, manifest.videos)
    (tmp_path / "old").rename(tmp_path / "new")
    renamed = manifest.with_entries([Entry("new/a.mp4", "y"), Entry("new/b.mp4", "y")])
    extractor = projecting_extractor()
    report = extracted(renamed, path, extractor)
    assert (report.done, report.cached, report.renamed, extractor.engine.calls) == (0, 2, 2, [])
    after = all_features(path, renamed.videos)
    for name in ("a.mp4", "b.mp4"):
        for ours, theirs in zip(before[f"old/{name}"], after[f"new/{name}"], strict=True):
            assert np.array_equal(ours, theirs)
    # Another file takes the old name: the features under the new one stay.
    write_coded_video(tmp_path / "old" / "a.mp4", 7)
    extracted(manifest.with_entries([Entry("old/a.mp4", "x")]), path)
    assert np.array_equal(all_features(path, ["new/a.mp4"])["new/a.mp4"][0], before["old/a.mp4"][0])
    with h5py.File(path) as file:
        paths = file["path"].asstr()[:].tolist()
    assert paths == ["new/a.mp4", "new/b.mp4", "old/a.mp4", "old/b.mp4"]


def test_the_same_content_under_two_names_is_computed_once(videos, tmp_path, capsys):
    data = shutil.copytree(videos, tmp_path / "data")
    shutil.copy(data / "v16.mp4", data / "copy.mp4")
    (data / "bad.mp4").write_bytes(b"no video")
    (data / "bad copy.mp4").write_bytes(b"no video")
    extractor = projecting_extractor()
    report = extracted(manifest_of(data), tmp_path / "features.h5", extractor)
    assert (report.done, report.cached, report.renamed) == (6, 1, 1)
    assert sum(extractor.engine.calls) == 135
    assert set(report.failed) == {"bad.mp4", "bad copy.mp4"}
    for video, reason in report.failed.items():
        assert reason.startswith(f"{data / video}: ")
    both = all_features(tmp_path / "features.h5", ["v16.mp4", "copy.mp4"])
    for ours, theirs in zip(both["v16.mp4"], both["copy.mp4"], strict=True):
        assert np.array_equal(ours, theirs)
    print_report(report, tmp_path / "features.h5")
    assert "1 were there already (1 of them under another name)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        (("walk", "train"), ("run", "train"), "copy.mp4 is run"),
        (("walk", "train"), ("walk", "test"), "copy.mp4 in test"),
    ],
)
def test_same_content_in_two_classes_or_splits_is_refused(tmp_path, one, other, words):
    write_coded_video(tmp_path / "a.mp4", 3)
    shutil.copy(tmp_path / "a.mp4", tmp_path / "copy.mp4")
    manifest = Manifest(tmp_path / "m.csv", (Entry("a.mp4", *one), Entry("copy.mp4", *other)))
    extractor = projecting_extractor()
    with pytest.raises(LookbackError, match=words) as raised:
        extracted(manifest, tmp_path / "features.h5", extractor)
    assert str(raised.value).startswith(str(tmp_path / "m.csv"))
    assert extractor.engine.calls == []


def test_a_video_whose_content_changed_is_computed_again(tmp_path):
    for name in ("a", "b"):
        write_coded_video(tmp_path / f"{name}.mp4", 5)
    manifest, path = manifest_of(tmp_path), tmp_path / "features.h5"
    extracted(manifest, path)
    write_coded_video(tmp_path / "a.mp4", 9)
    report = extracted(manifest, path)
    assert (report.done, report.cached) == (1, 1)
    with FeatureStore(path) as store:
        assert (store.steps("a.mp4"), store.steps("b.mp4")) == (9, 5)


def test_a_video_replaced_by_a_broken_one_loses_its_features(tmp_path):
    for name in ("a", "b"):
        write_coded_video(tmp_path / f"{name}.mp4", 5)
    manifest, path = manifest_of(tmp_path), tmp_path / "features.h5"
    extracted(manifest, path)
    (tmp_path / "b.mp4").write_bytes(b"broken")
    report = extracted(manifest, path)
    assert list(report.failed) == ["b.mp4"]
    with FeatureStore(path) as store:
        assert "a.mp4" in store
        assert "b.mp4" not in store


def test_a_broken_clip_in_the_middle_is_reported_and_the_rest_done(videos, tmp_path, capsys):
    data = shutil.copytree(videos, tmp_path / "data")
    (data / "v2_broken.mp4").write_bytes(b"no video" * 50)
    (data / "v2_empty.mp4").write_bytes(b"")
    whole = (data / "v60.mp4").read_bytes()
    (data / "v30_cut.mp4").write_bytes(whole[: len(whole) * 3 // 4])
    manifest = manifest_of(data)
    entries = list(manifest.entries)
    entries.insert(3, Entry("gone.mp4", "x"))
    report = extracted(manifest.with_entries(entries), tmp_path / "features.h5")
    assert set(report.failed) == {"v2_broken.mp4", "v2_empty.mp4", "gone.mp4"}
    assert set(report.notes) == {"v30_cut.mp4"}
    assert (report.done, report.cached) == (7, 0)
    for video, reason in report.failed.items():
        assert video in reason
        assert "\n" not in reason
    print_report(report, tmp_path / "features.h5")
    printed = capsys.readouterr().out
    assert printed.count("rejected: ") == 3
    assert "note: v30_cut.mp4" in printed
    assert "7 videos extracted" in printed
    good = [video for video in manifest.videos if "_" not in video]
    extracted(manifest_of(data, good), tmp_path / "good.h5")
    assert_same_features(tmp_path / "features.h5", tmp_path / "good.h5", good)
    again = extracted(manifest.with_entries(entries), tmp_path / "features.h5")
    assert (again.done, again.cached, len(again.failed)) == (0, 7, 3)


def test_extraction_without_any_features_is_an_error(tmp_path, capsys):
    (tmp_path / "a.mp4").write_bytes(b"no video")
    report = extracted(manifest_of(tmp_path), tmp_path / "features.h5")
    with pytest.raises(LookbackError, match="no video gave features"):
        print_report(report, tmp_path / "features.h5")
    assert "a.mp4" in capsys.readouterr().out


def write_slow(path: Path, frames: int, codec: str, pixels: str) -> Path:
    """Write coded frames at two a second, also as gif."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=2)
        stream.width, stream.height, stream.pix_fmt = 64, 48, pixels
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(coded_frame(number), format="rgb24")
            container.mux(stream.encode(frame.reformat(format=pixels)))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("name", "codec", "pixels"),
    [("slow.gif", "gif", "rgb8"), ("slow.mp4", "libx264", "yuv420p")],
)
def test_repeated_frames_cost_one_inference_each(tmp_path, name, codec, pixels):
    path = write_slow(tmp_path / name, 19, codec, pixels)
    extractor = projecting_extractor(fps=10.0)
    manifest = Manifest(tmp_path / "manifest.csv", (Entry(path.name, "x"),))
    report = extracted(manifest, tmp_path / "features.h5", extractor)
    assert sum(extractor.engine.calls) == 19
    assert max(extractor.engine.calls) <= BATCH
    assert report.steps == 18 * 5 + 1
    with FeatureStore(tmp_path / "features.h5") as store:
        features = store.features(path.name)
        assert np.allclose(store.seconds(path.name), np.arange(91) / 10)
    for step, feature in enumerate(features):
        assert np.array_equal(feature, features[step // 5 * 5])
    assert len(np.unique(features, axis=0)) == 19


def test_the_same_video_in_two_rows_is_computed_once(videos, tmp_path):
    entries = (Entry("v16.mp4", "a", end=0.5), Entry("v16.mp4", "b", start=0.5))
    extractor = projecting_extractor()
    report = extracted(Manifest(videos / "m.csv", entries), tmp_path / "features.h5", extractor)
    assert report.done == 1
    assert sum(extractor.engine.calls) == 16


def test_the_steps_of_a_video_do_not_depend_on_the_other_videos(videos, small_settings, tmp_path):
    """With a real engine, whose batches contain clips of several videos."""
    extractor = set_up_extractor(small_settings({"extract.batch_size": 16}))
    manifest = manifest_of(videos)
    extract_features(manifest, extractor, tmp_path / "all.h5", "float32")
    backwards = manifest_of(videos, manifest.videos[::-1])
    extract_features(backwards, extractor, tmp_path / "backwards.h5", "float32")
    assert_same_features(tmp_path / "all.h5", tmp_path / "backwards.h5", manifest.videos)
    for video in manifest.videos:
        alone = tmp_path / f"{video}.h5"
        extract_features(manifest_of(videos, [video]), extractor, alone, "float32")
        assert_same_features(tmp_path / "all.h5", alone, [video])


def test_float16_is_the_rounded_float32(videos, tmp_path):
    manifest = manifest_of(videos)
    extracted(manifest, tmp_path / "features.h5")
    extract_features(manifest, projecting_extractor(), tmp_path / "half.h5", "float16")
    full = all_features(tmp_path / "features.h5", manifest.videos)
    half = all_features(tmp_path / "half.h5", manifest.videos)
    for video in manifest.videos:
        rounded = full[video][0].astype(np.float16).astype(np.float32)
        assert np.array_equal(half[video][0], rounded)


@pytest.mark.parametrize("fail_at", [0, 4, 9])
def test_engine_error_is_raised_and_ends_the_threads(videos, tmp_path, fail_at):
    before = set(threading.enumerate())
    path = tmp_path / "features.h5"
    with pytest.raises(RuntimeError, match="the engine stopped"):
        extracted(manifest_of(videos), path, projecting_extractor(fail_at=fail_at))
    assert {thread for thread in threading.enumerate() if thread not in before} == set()
    assert not list(parts_folder(path).glob("writing-*"))
    report = extracted(manifest_of(videos), path)
    assert report.done + report.cached == 6
    extracted(manifest_of(videos), tmp_path / "whole.h5")
    assert_same_features(path, tmp_path / "whole.h5", manifest_of(videos).videos)


def test_other_settings_do_not_mix(videos, tmp_path):
    path = tmp_path / "features.h5"
    extracted(manifest_of(videos), path)
    extracted(manifest_of(videos, ["v60.mp4"]), path, projecting_extractor(fps=5.0))
    with FeatureStore(path) as store:
        assert store.steps("v60.mp4") == 30
        assert "v25.mp4" not in store
    assert part_paths(tmp_path / "features.previous")


def test_features_path_defaults_to_the_data_folder():
    assert features_path(load(flags={"data.folder": "d"})) == Path("d/features")
    named = load(flags={"data.folder": "d", "data.features": "e/f.h5"})
    assert features_path(named) == Path("e/f.h5")


def test_report_without_new_features_prints_the_cached_ones(capsys):
    print_report(ExtractionReport(cached=3), Path("features.h5"))
    assert "3 were there already" in capsys.readouterr().out


def stop_inside_writing(
    process: subprocess.Popen, path: Path, parts: int, number: int = signal.SIGKILL
) -> bool:
    """Send a signal while a part is being written and others are there; return whether it was."""
    while process.poll() is None:
        inside = list(parts_folder(path).glob("writing-*"))
        if inside and len(part_paths(path)) >= parts:
            os.kill(process.pid, number)
            process.wait()
            return inside[0].exists()
        time.sleep(0.0005)
    return False


def start_slow_extraction(data: Path, path: Path, *shard: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "tests.extract.projecting", data, path, "0.01", *shard]
    return subprocess.Popen(
        command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", ["features", "features.h5"])
def test_killed_ten_times_it_ends_with_the_same_bits(clips_folder, tmp_path, name):
    manifest, path = manifest_of(clips_folder), tmp_path / name
    extracted(manifest, tmp_path / "whole")
    inside = 0
    for kill in range(10):
        process = start_slow_extraction(clips_folder, path)
        inside += stop_inside_writing(process, path, kill)
        process.stderr.close()
        if part_paths(path):
            with FeatureStore(path) as store:
                kept = [video for video in manifest.videos if video in store]
            assert_same_features(path, tmp_path / "whole", kept)
    assert inside >= 4
    report = extracted(manifest, path)
    assert report.done + report.cached == len(manifest.videos)
    (ours,), (whole,) = part_paths(path), part_paths(tmp_path / "whole")
    assert ours.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize("name", ["features", "features.h5"])
def test_three_shards_one_of_them_killed_end_with_the_bits_of_one_program(
    clips_folder, tmp_path, name
):
    manifest, path = manifest_of(clips_folder), tmp_path / name
    extracted(manifest, tmp_path / "whole")
    shards = [start_slow_extraction(clips_folder, path, f"{number}/3") for number in (1, 2, 3)]
    stop_inside_writing(shards[1], path, 3)
    shards.append(start_slow_extraction(clips_folder, path, "2/3"))
    told = [process.communicate()[1] for process in shards]
    codes = [process.returncode for process in shards]
    assert codes == [0, -signal.SIGKILL, 0, 0], told
    videos = [video for part in read_parts(path) for video in part.videos]
    assert sorted(videos) == sorted(manifest.videos)
    assert_same_features(path, tmp_path / "whole", manifest.videos)
    report = extracted(manifest, path)
    assert (report.done, report.cached) == (0, len(manifest.videos))
    (ours,), (whole,) = part_paths(path), part_paths(tmp_path / "whole")
    assert ours.read_bytes() == whole.read_bytes()


def test_ctrl_c_inside_writing_ends_in_order(clips_folder, tmp_path):
    manifest, path = manifest_of(clips_folder), tmp_path / "features"
    extracted(manifest, tmp_path / "whole")
    for parts in (1, 2, 3):
        process = start_slow_extraction(clips_folder, path)
        stop_inside_writing(process, path, parts, signal.SIGINT)
        told = process.stderr.read()
        process.stderr.close()
        assert process.returncode == 130, told
        assert "Traceback" not in told
        assert not list(path.glob("writing-*"))
        with FeatureStore(path) as store:
            kept = [video for video in manifest.videos if video in store]
        assert kept
        assert_same_features(path, tmp_path / "whole", kept)


SLOW_SCRIPT = """
import runpy, sys
from tests.extract.projecting import slow_down_writing
slow_down_writing(0.1)
sys.path.insert(0, "")
runpy.run_path("extract.py", run_name="__main__")
"""


def test_the_command_killed_ends_with_the_same_features(scenes, tmp_path):
    """The true chain: extract.py with a network, killed in the middle of writing, run again."""
    from clips import manifest as manifests

    some = scenes(train=2, val=1)
    data = tmp_path / "data"
    for video in some.videos:
        (data / video).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(some.place(video), data / video)
    entries = [
        Entry(entry.video, entry.label, ("train", "val", "test")[int(entry.group[1:])], entry.group)
        for entry in some.entries
    ]
    manifests.write(Manifest(data / "manifest.csv", tuple(entries)))
    arguments = ["--data", data, "--weights", tmp_path / "weights"]
    network = ["--backbone", "tiny", "--backbone-weights", "none"]
    small = ["--set", "preprocessing.input_size=48"]
    killed = tmp_path / "killed.h5"
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW_SCRIPT, *arguments, *network, *small, "--features", killed],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    stop_inside_writing(process, killed, 1)
    assert process.returncode == -signal.SIGKILL
    assert run_script("extract.py", [*arguments, "--features", killed]) == 0
    whole = tmp_path / "whole.h5"
    assert run_script("extract.py", [*arguments, "--features", whole]) == 0
    assert_same_features(killed, whole, some.videos)
