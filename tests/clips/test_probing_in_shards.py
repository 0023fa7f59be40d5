"""Looks at clips are kept: a set is not read twice, a killed command continues, shards add up."""

import shutil
from pathlib import Path

import pytest

from clips import kept_likeness, kept_looks, looking
from clips.kept_looks import FOLDER, KeptLooks
from clips.manifest.hashes import Hashes
from clips.preparation import prepare, probe_shard
from clips.shards import Shard
from tests.clips.inspection.scenes import frames_of, write_clip
from tests.clips.preparing import rejected, settings
from video.errors import VideoError
from video.sources import FileSource


def _fill(data: Path) -> Path:
    """Write clips of two classes: a copy encoded again, one clip twice, one that is no video."""
    for label, scenes in (("walk", range(6)), ("run", range(6, 12))):
        for scene in scenes:
            folder = data / "clips" / label
            folder.mkdir(parents=True, exist_ok=True)
            write_clip(folder / f"s{scene:02}.mp4", frames_of(scene, scene, seconds=1.5))
    walk = data / "clips" / "walk"
    write_clip(walk / "s00_again.mp4", frames_of(0, 0, seconds=1.5, size=(128, 96)))
    shutil.copyfile(walk / "s01.mp4", walk / "s01_same.mp4")
    (walk / "text.mp4").write_text("no video\n" * 20)
    return data


@pytest.fixture(scope="module")
def filled(tmp_path_factory) -> Path:
    return _fill(tmp_path_factory.mktemp("filled") / "data")


@pytest.fixture
def copy_of(filled, tmp_path):
    def copy(name: str) -> Path:
        shutil.copytree(filled, tmp_path / name / "data")
        return tmp_path / name / "data"

    return copy


@pytest.fixture
def opened(monkeypatch) -> list[str]:
    """The names of the files that are opened, as videos or to be hashed."""
    names: list[str] = []
    init, sha256 = FileSource.__init__, looking.content_sha256

    def watched(self, path, *arguments, **options):
        names.append(Path(path).name)
        init(self, path, *arguments, **options)

    monkeypatch.setattr(FileSource, "__init__", watched)
    monkeypatch.setattr(
        looking, "content_sha256", lambda path: names.append(Path(path).name) or sha256(path)
    )
    return names


def _written(data: Path, out: Path) -> dict[str, bytes]:
    """Return the manifest, rejected.csv, the hashes and the report; without the folder's name."""
    files = [data / "manifest.csv", data / "rejected.csv", *sorted(out.iterdir())]
    where = str(data).encode()
    return {path.name: path.read_bytes().replace(where, b"DATA") for path in files}


def test_an_unchanged_set_is_not_read_again(copy_of, opened, monkeypatch):
    data = copy_of("one")
    prepare(settings(data))
    before = (data / "manifest.csv").read_bytes(), (data / "rejected.csv").read_bytes()
    assert "s00.mp4" in opened
    assert len(rejected(data)) == 1
    opened.clear()
    with monkeypatch.context() as nothing:
        nothing.setattr(kept_likeness, "compare", None)
        prepare(settings(data))
    assert opened == []
    assert ((data / "manifest.csv").read_bytes(), (data / "rejected.csv").read_bytes()) == before
    changed = data / "clips" / "run" / "s07.mp4"
    changed.write_bytes(changed.read_bytes() + b"\0\0\0\x08free")
    prepare(settings(data))
    assert set(opened) == {"s07.mp4"}
    shutil.rmtree(data / FOLDER)
    prepare(settings(data))
    assert (data / "manifest.csv").read_bytes() == before[0]


def test_shards_give_what_one_machine_gives(copy_of, opened, tmp_path, monkeypatch):
    whole, parts = copy_of("whole"), copy_of("parts")
    prepare(settings(whole), out=tmp_path / "whole_report")
    count = 3
    real, looks = looking.look_at, []

    def killed(path, *arguments):
        if len(looks) == 2:
            raise KeyboardInterrupt
        looks.append(path)
        return real(path, *arguments)

    monkeypatch.setattr(looking, "look_at", killed)
    monkeypatch.setenv("LOOKBACK_THREADS", "1")
    with pytest.raises(KeyboardInterrupt):
        probe_shard(settings(parts), Shard(2, count))
    done = parts / FOLDER / f"shard-2-of-{count}.jsonl"
    assert len(done.read_bytes().splitlines()) == 2
    done.write_bytes(done.read_bytes()[:-20])  # the last line was written in part
    monkeypatch.setattr(looking, "look_at", real)
    for number in range(1, count + 1):
        probe_shard(settings(parts), Shard(number, count))
    assert not (parts / "manifest.csv").exists()
    monkeypatch.setattr(looking, "look_at", None)  # nothing is left to look at
    prepare(settings(parts), out=tmp_path / "parts_report")
    found = _written(parts, tmp_path / "parts_report")
    assert found == _written(whole, tmp_path / "whole_report")
    assert b"s00_again" in found["preparation.json"]
    opened.clear()
    prepare(settings(parts), out=tmp_path / "parts_report")  # also the pictures are there
    assert opened == []
    assert _written(parts, tmp_path / "parts_report") == found
    # A clip that changes after its shard was read is read once more.
    shutil.rmtree(parts / FOLDER)
    monkeypatch.setattr(looking, "look_at", real)
    probe_shard(settings(parts), Shard(1, 1))
    changed = parts / "clips" / "run" / "s07.mp4"
    changed.write_bytes(changed.read_bytes() + b"\0\0\0\x08free")
    opened.clear()
    prepare(settings(parts))
    prepare(settings(parts))
    assert opened.count("s07.mp4") == 3  # hashed, its packets read, its frames decoded
    assert set(opened) == {"s07.mp4"}
    assert {path.name for path in (parts / FOLDER).iterdir()} == {"clips.jsonl", "likeness.json"}
    hashes = Hashes(parts)
    monkeypatch.setattr("clips.manifest.hashes.content_sha256", None)
    assert len({hashes.source(f"clips/walk/s{n:02}.mp4")["sha256"] for n in range(6)}) == 6


def test_above_the_limit_no_pictures_are_compared(copy_of, capsys, monkeypatch):
    data = copy_of("many")
    monkeypatch.setattr(looking, "sketch_of_chosen", None)
    prepare(settings(data, data__compared_clips=3))
    assert "15 clips are more than data.compared_clips (3)" in capsys.readouterr().out
    monkeypatch.undo()
    prepare(settings(data, data__compared_clips=15))
    assert "are copies of one recording" in capsys.readouterr().out


def test_what_another_decoder_refused_and_what_could_not_be_read_is_looked_at_again(
    copy_of, opened, monkeypatch
):
    data = copy_of("refused")
    prepare(settings(data))
    opened.clear()
    monkeypatch.setattr(kept_looks, "_DECODER", "another")
    prepare(settings(data))
    assert set(opened) == {"text.mp4"}

    def unreadable(path: Path) -> str:
        raise VideoError(f"{path}: cannot be read")

    shutil.rmtree(data / FOLDER)
    monkeypatch.setattr(looking, "content_sha256", unreadable)
    prepare(settings(data))
    assert list((data / FOLDER).glob("*")) == []


def test_lines_that_are_none_are_skipped(copy_of):
    data = copy_of("damaged")
    prepare(settings(data))
    path, video = data / FOLDER / "clips.jsonl", "clips/run/s07.mp4"
    lines = path.read_bytes().splitlines(keepends=True)
    assert KeptLooks(data, [video]).get(video, sketched=True)
    for text in (b"", b"\xff\n", b"{}\n", b"[]\n", b'{"version": 1}\n', b"null\n"):
        path.write_bytes(text)
        assert KeptLooks(data, [video]).get(video, sketched=True) is None
    (line,) = [each for each in lines if video.encode() in each]
    for old, new in ((b'"arrays":"', b'"arrays":"A'), (b'"facts"', b'"fact"'), (b"state", b"sate")):
        path.write_bytes(line.replace(old, new))
        assert KeptLooks(data, [video]).get(video, sketched=True) is None
