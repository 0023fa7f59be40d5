"""Clips that are cut from the memory: exact times, any codec, and what is no longer there."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from live.recording.pictures import write_still
from tests.conftest import coded_frame, read_code
from tests.live.recording.conftest import decoded, h264_stream, is_indexed_first
from video.errors import LookbackError
from video.frame import Frame


@pytest.mark.parametrize(
    ("codec", "group", "b_frames"),
    [("libx264", 5, 0), ("libx264", 25, 0), ("libx264", 10, 2), ("mpeg4", 5, 0)],
)
def test_a_clip_begins_and_ends_exactly(scene, tmp_path: Path, codec, group, b_frames):
    made = scene(options={"keep_seconds": 8.0})
    video = h264_stream(100, group=group, codec=codec, b_frames=b_frames, container="matroska")
    times = made.play(video, lambda index: made.settle())
    late = b_frames / 10  # of their packets, by which frames are chosen
    cut = made.recorder.cut(times[62], times[84], tmp_path / "new" / "clip.mp4")
    shown = decoded(cut.path)
    assert shown.codes == list(range(shown.codes[0], shown.codes[0] + 23))
    assert abs(shown.codes[0] - 62) <= 10 * late
    assert shown.seconds[0] == 0.0
    assert shown.seconds[-1] == pytest.approx(2.2, abs=0.002)
    assert cut.frames == 23
    assert (cut.since, cut.until) == pytest.approx((times[62], times[84]), abs=late + 0.002)
    assert is_indexed_first(cut.path)


def test_what_the_memory_no_longer_has_is_left_out(scene, tmp_path: Path):
    made = scene(options={"keep_seconds": 4.0})
    times = made.play(h264_stream(100))
    cut = made.recorder.cut(times[10], times[90], tmp_path / "clip.mp4")
    assert times[38] <= cut.since <= times[44]  # 5.5 s, which the events need
    assert decoded(cut.path).codes[-1] == 90
    with pytest.raises(LookbackError, match=r"camera hall: no clip \(no picture of this time"):
        made.recorder.cut(times[10], times[20], tmp_path / "other.mp4")
    assert [path.name for path in tmp_path.glob("*.mp4")] == ["clip.mp4"]


def test_an_empty_memory_gives_no_clip(scene, tmp_path: Path):
    with pytest.raises(LookbackError, match="no picture"):
        scene().recorder.cut(0.0, 10.0, tmp_path / "clip.mp4")


def test_a_clip_has_only_what_came_after_a_reconnect(scene, tmp_path: Path):
    made = scene(options={"keep_seconds": 20.0})
    before = made.play(h264_stream(30))
    made.now += 3
    after = made.play(h264_stream(30, size=(96, 64), first=100))
    shown = decoded(made.recorder.cut(before[20], after[10], tmp_path / "clip.mp4").path)
    assert shown.codes == list(range(100, 111))
    shown = decoded(made.recorder.cut(before[10], before[20], tmp_path / "clip.mp4").path)
    assert shown.codes == list(range(10, 21))


def test_a_clip_that_cannot_be_written_is_one_line(scene, tmp_path: Path):
    made = scene()
    times = made.play(h264_stream(30))
    (tmp_path / "file").write_text("")
    with pytest.raises(LookbackError, match="camera hall: no clip"):
        made.recorder.cut(times[20], times[25], tmp_path / "file" / "clip.mp4")


@pytest.mark.parametrize("order", ["rgb24", "bgr24"])
@pytest.mark.parametrize("turns", [0, 1])
def test_a_still_is_upright(tmp_path: Path, order: str, turns: int):
    plain = Frame.from_array(coded_frame(37), order=order)
    frame = Frame(0, 0.0, plain.image, quarter_turns=turns)
    path = tmp_path / "stills" / "a.jpg"
    write_still(frame, path)
    pixels = cv2.imread(str(path))
    assert pixels.shape[:2] == ((64, 48) if turns else (48, 64))
    upright = pixels if not turns else cv2.rotate(pixels, cv2.ROTATE_90_CLOCKWISE)
    assert read_code(upright) == 37
    assert [each.name for each in path.parent.iterdir()] == ["a.jpg"]


def test_a_still_keeps_its_colors(tmp_path: Path):
    red = np.zeros((48, 64, 3), np.uint8)
    red[..., 0] = 200
    for order, pixels in (("rgb24", red), ("bgr24", red[..., ::-1])):
        write_still(Frame.from_array(pixels, order=order), tmp_path / "a.jpg")
        blue, green, shown = cv2.imread(str(tmp_path / "a.jpg"))[20, 20]
        assert shown > 190, order
        assert max(blue, green) < 15, order
