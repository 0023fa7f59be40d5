"""The frames that packets tell are those of a whole decoding."""

from pathlib import Path

import av
import pytest

from clips.finding.probing import decode, facts_of, probe
from tests.conftest import write_coded_images, write_coded_video
from tests.video.sources.test_chosen_frames import KINDS, write
from video.sources.chosen_frames import NotAsIndexedError
from video.sources.packets import PacketSource

_LAGGING = {"auto-alt-ref": "1", "lag-in-frames": "16", "cpu-used": "8"}
_MORE = {
    "vp8_hidden.webm": ("libvpx", _LAGGING),
    "vp9_hidden.webm": ("libvpx-vp9", _LAGGING),
    "h264.avi": ("libx264", {"x264-params": "bframes=0"}),
    "h264_b.avi": ("libx264", {"x264-params": "bframes=3"}),
    "mjpeg.avi": ("mjpeg", {}),
    "interlaced.mp4": ("libx264", {"flags": "+ildct+ilme", "x264-params": "interlaced=1"}),
    "wmv.wmv": ("wmv2", {}),
}
_DECODED_WHOLE = {"h264_b.avi", "wmv.wmv"}


@pytest.mark.slow
@pytest.mark.parametrize("name", {**KINDS, **_MORE})
def test_facts_are_those_of_a_whole_decoding(name, tmp_path):
    path = write(tmp_path / name, *{**KINDS, **_MORE}[name])
    found = probe(path)
    assert (found.facts is None) == (name in _DECODED_WHOLE)
    assert facts_of(path) == decode(path)


def test_a_varying_rate_and_a_pause_are_in_the_packets(tmp_path):
    path = write_coded_video(tmp_path / "a.mp4", 6, times=[0.0, 0.1, 0.15, 0.4, 90.0, 90.1])
    assert probe(path).facts == decode(path)
    assert "a gap of more than 60 s" in facts_of(path).note


def test_one_frame_is_decoded(tmp_path, monkeypatch):
    path = write_coded_video(tmp_path / "a.mp4", 60)
    made = []
    frame = PacketSource._frame
    monkeypatch.setattr(
        PacketSource,
        "_frame",
        lambda self, *of, **more: made.append(of) or frame(self, *of, **more),
    )
    assert probe(path).facts.frames == 60
    assert len(made) == 1


def test_a_damaged_file_is_decoded(tmp_path):
    whole = write_coded_video(tmp_path / "whole.mp4", 60, size=(128, 96)).read_bytes()
    cut = tmp_path / "cut.ts"
    cut.write_bytes(write(cut, *KINDS["h264.ts"]).read_bytes()[:-1000])
    assert facts_of(cut) == decode(cut)
    start = whole.index(b"mdat") + 4
    early = tmp_path / "early.mp4"
    early.write_bytes(whole[:start] + bytes(40) + whole[start + 40 :])  # no first frame
    assert probe(early).facts is None
    assert facts_of(early) == decode(early)


def test_damage_inside_of_packets_shows_when_they_are_decoded(tmp_path):
    path = write_coded_video(tmp_path / "a.mp4", 60, size=(128, 96))
    content = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        places = [(packet.pos, packet.size) for packet in container.demux(video=0)]
    for place, size in places[20:25]:
        content[place : place + size] = bytes(size)
    path.write_bytes(content)
    found = probe(path)
    assert (found.facts.frames, found.facts.note) == (60, "")
    assert "5 damaged packets" in decode(path).note
    with pytest.raises(NotAsIndexedError):
        list(found.frames([0, 20, 40]))


@pytest.mark.parametrize(
    "damage", [None, b"", b"no image", b"\x89PNG\r\n\x1a\n"], ids=["whole", "empty", "text", "cut"]
)
def test_names_and_first_bytes_of_images_tell_the_frames(tmp_path, damage):
    path = write_coded_images(tmp_path / "a", [3, 4, 7, 8, 9])
    broken = tmp_path / "a" / "img_00008.png"
    if damage is not None:
        broken.write_bytes(damage)
    found, whole = probe(path), decode(path)
    assert whole.frames == (5 if damage is None else 4)
    is_seen = damage is None or damage.startswith(b"\x89PNG")
    assert (found.facts is not None) == is_seen
    if damage is None:
        assert found.facts == whole
        assert [frame.index for frame in found.frames([1, 4])] == [1, 4]
    elif is_seen:
        with pytest.raises(NotAsIndexedError):
            list(found.frames([0, 3]))
    else:
        assert facts_of(path) == whole


@pytest.mark.slow
def test_all_shared_clips_have_the_facts_of_a_whole_decoding(shared):
    paths = [p for p in sorted((shared / "data" / "demo_clips").iterdir()) if _is_clip(p)]
    assert len(paths) > 5
    for path in paths:
        assert facts_of(path) == decode(path), path


def _is_clip(path: Path) -> bool:
    return path.suffix in (".mp4", ".avi", ".mkv", ".webm", ".mov")
