"""Conversion to H.264 files of one short side."""

from pathlib import Path

import av
import numpy as np
import pytest

from clips import converting
from clips import manifest as manifests
from clips.converting import convert
from clips.manifest import Entry, Manifest
from tests.clips.inspection.scenes import frames_of, write_clip
from tests.conftest import read_code, write_coded_video
from tests.running import run_script
from video.errors import LookbackError, UsageError
from video.sources import FileSource

CAMERA = (("camera", "x"),)


@pytest.fixture
def old(tmp_path) -> Manifest:
    folder = tmp_path / "old"
    write_clip(folder / "clips" / "a" / "1.mp4", frames_of(0, 0, 1.0, size=(96, 72)))
    write_coded_video(folder / "clips" / "a" / "2.mp4", frames=20)
    write_coded_video(folder / "clips" / "b" / "2.mp4", frames=9)
    (folder / "clips" / "b" / "2.mp4").rename(folder / "clips" / "b" / "2.mov")
    rows = [
        Entry("clips/a/1.mp4", "a", "train", "g1", extra=CAMERA),
        Entry("clips/a/2.mp4", "a", "val", "g2", 0.1, 0.5, CAMERA),
        Entry("clips/b/2.mov", "b", "test", "g3", extra=CAMERA),
    ]
    return Manifest(folder / "manifest.csv", tuple(rows))


def frames_in(path: Path) -> tuple[list[float], list[np.ndarray]]:
    with FileSource(path) as source:
        frames = [(frame.seconds, frame.rgb) for frame in source]
    return [seconds for seconds, _ in frames], [pixels for _, pixels in frames]


def test_every_frame_keeps_its_time_and_its_picture(old, tmp_path):
    before = {path: path.read_bytes() for path in old.path.parent.rglob("*.m*")}
    new = convert(old, tmp_path / "new", 32)
    assert manifests.read(tmp_path / "new" / "manifest.csv") == new
    assert [entry.video for entry in new.entries] == [
        "clips/a/1.mp4",
        "clips/a/2.mp4",
        "clips/b/2.mp4",
    ]
    for row, was in zip(new.entries, old.entries, strict=True):
        assert (row.label, row.split, row.group, row.start, row.end, row.extra) == (
            *(was.label, was.split, was.group, was.start, was.end, was.extra),
        )
        times, pictures = frames_in(new.place(row.video))
        old_times, old_pictures = frames_in(old.place(was.video))
        assert times == pytest.approx(old_times, abs=1e-3)
        assert min(pictures[0].shape[:2]) == 32
        with av.open(str(new.place(row.video))) as container:
            assert container.streams.video[0].codec_context.name == "h264"
        if was.video != "clips/a/1.mp4":
            assert list(map(read_code, pictures)) == list(map(read_code, old_pictures))
    assert {path: path.read_bytes() for path in before} == before


def test_a_second_run_converts_only_what_is_missing_changed_or_of_another_size(
    old, tmp_path, monkeypatch
):
    new = tmp_path / "new"
    done: list[str] = []
    encode = converting._encode

    def counted(source, target, short_side):
        done.append(source.name)
        return encode(source, target, short_side)

    monkeypatch.setattr(converting, "_encode", counted)
    convert(old, new, 32)
    assert sorted(done) == ["1.mp4", "2.mov", "2.mp4"]
    done.clear()
    convert(old, new, 32)
    assert done == []
    (new / "clips" / "a" / "1.mp4").unlink()
    write_coded_video(old.place("clips/b/2.mov").with_suffix(".mp4"), frames=11).rename(
        old.place("clips/b/2.mov")
    )
    convert(old, new, 32)
    assert sorted(done) == ["1.mp4", "2.mov"]
    done.clear()
    convert(old, new, 48)
    assert len(done) == 3


def test_an_interrupted_conversion_goes_on_where_it_stopped(old, tmp_path, monkeypatch):
    encode = converting._encode

    def interrupted(source, target, short_side):
        if source.name == "2.mov":
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(b"half")
            raise KeyboardInterrupt
        return encode(source, target, short_side)

    monkeypatch.setattr(converting, "_encode", interrupted)
    with pytest.raises(KeyboardInterrupt):
        convert(old, tmp_path / "new", None, workers=1)
    assert not (tmp_path / "new" / "clips" / "b" / "2.mp4").exists()
    assert not (tmp_path / "new" / "manifest.csv").exists()
    done = []
    monkeypatch.setattr(
        converting, "_encode", lambda s, t, n: (done.append(s.name), encode(s, t, n))[1]
    )
    convert(old, tmp_path / "new", None, workers=1)
    assert done == ["2.mov"]


def test_a_file_that_does_not_decode_to_its_source_is_not_kept(old, tmp_path, monkeypatch, capsys):
    encode = converting._encode

    def spoilt(source, target, short_side):
        times, sketch = encode(source, target, short_side)
        if source.name == "2.mov":
            write_coded_video(target, frames=len(times) - 1)
        if source.name == "1.mp4":
            write_clip(target, frames_of(9, 9, 1.0, size=(96, 72)))
        return times, sketch

    monkeypatch.setattr(converting, "_encode", spoilt)
    new = convert(old, tmp_path / "new", None)
    assert new.videos == ["clips/a/2.mp4"]
    assert sorted(path.name for path in (tmp_path / "new").rglob("*.mp4")) == ["2.mp4"]
    printed = capsys.readouterr().out
    assert "not converted: clips/b/2.mov: 8 of 9 frames can be decoded again" in printed
    assert "not converted: clips/a/1.mp4: a picture differs by" in printed


def test_files_with_one_name_and_two_suffixes_keep_both(old, tmp_path):
    folder = old.path.parent
    for suffix in (".mov", ".avi"):
        (folder / "clips" / "a" / f"x{suffix}").write_bytes(old.place("clips/b/2.mov").read_bytes())
    rows = [Entry(f"clips/a/x{suffix}", "a", "train", "g") for suffix in (".mov", ".avi")]
    new = convert(Manifest(old.path, tuple(rows)), tmp_path / "new", None)
    assert new.videos == ["clips/a/x.mov.mp4", "clips/a/x.avi.mp4"]


def test_nothing_is_converted_in_place(old, tmp_path):
    data = old.path.parent
    linked = tmp_path / "linked"
    linked.mkdir()
    (linked / "clips").symlink_to(data / "clips")
    for folder in (data, data / "clips", data / "clips" / "a", linked):
        with pytest.raises(UsageError, match=r"the originals in .* must not be overwritten"):
            convert(old, folder, None)
        with pytest.raises(UsageError, match="must not be overwritten"):
            run_script("prepare.py", ["--data", data, "--convert", folder])
    assert not (data / "manifest.csv").exists()


def test_a_set_of_which_nothing_can_be_converted_is_an_error(old, tmp_path):
    rows = Manifest(old.path, (Entry("clips/a/none.mp4", "a", "train", "g"),))
    with pytest.raises(LookbackError, match="no clip could be converted"):
        convert(rows, tmp_path / "new", None)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--short-side", "64"], "only with --convert"),
        (["--convert", "x", "--short-side", "4"], "16"),
    ],
)
def test_flags_without_meaning_are_refused_before_any_work(flags, message, tmp_path):
    with pytest.raises(UsageError, match=message):
        run_script("prepare.py", ["--data", tmp_path, *flags])
