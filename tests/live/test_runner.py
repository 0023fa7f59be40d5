"""run.py as a whole: whatever ends a run leaves complete outputs."""

import re
import threading
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from live import runner
from live.cameras import reader
from live.sinks import Sink, StopRequested
from recipes.loader import load
from tests.conftest import coded_frame, write_coded_images
from tests.live.conftest import probabilities, read_rows, read_video, write_scene
from video.errors import LookbackError, UsageError
from video.sources import FileSource, camera
from video.writer import Mp4Writer


@pytest.fixture
def outputs(tmp_path) -> list:
    return ["--csv", tmp_path / "out.csv", "--save", tmp_path / "out.mp4"]


def test_the_saved_video_keeps_size_times_and_codec_and_differs_in_the_panel_alone(
    run_live, tmp_path
):
    times = np.array([0.0, 0.04, 0.1, 0.4, 0.45, 1.0, 1.2, 1.21])
    source = write_scene(tmp_path / "a.mp4", times, size=320, rate=25.0)
    assert run_live("--video", source, "--save", tmp_path / "saved.mp4") == 0
    before, saved = read_video(source), read_video(tmp_path / "saved.mp4")
    assert saved.codec == before.codec == "h264"
    assert saved.size == before.size == (320, 320)
    assert len(saved.frames) == len(before.frames) == 8
    np.testing.assert_allclose(saved.seconds, times, atol=1e-4)
    for one, two in zip(before.frames, saved.frames, strict=True):
        change = np.abs(one.astype(int) - two.astype(int)).mean(2)
        assert change[:40, :100].mean() > 20  # the panel
        # All else differs by what compressing twice costs.
        change[:100, :250] = 0
        assert change.mean() < 2


def test_a_source_of_odd_sides_gains_a_pixel_as_h264_asks_for(run_live, tmp_path):
    source = tmp_path / "odd.mkv"
    with av.open(str(source), "w") as container:
        stream = container.add_stream("ffv1", rate=Fraction(25, 2))
        stream.width, stream.height, stream.pix_fmt = 65, 49, "yuv444p"
        for number in range(5):
            pixels = coded_frame(number, (65, 49))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
        container.mux(stream.encode(None))
    assert run_live("--video", source, "--save", tmp_path / "out.mp4") == 0
    saved = read_video(tmp_path / "out.mp4")
    assert saved.size == (66, 50)
    np.testing.assert_allclose(saved.seconds, np.arange(5) / 12.5, atol=1e-3)


def test_the_saved_video_keeps_the_shape_of_pixels(run_live, tmp_path):
    source = tmp_path / "dvd.mp4"
    with Mp4Writer(source, (64, 48), 10, Fraction(3, 2)) as writer:
        for number in range(5):
            writer.write(coded_frame(number), number / 10)
    assert run_live("--video", source, "--save", tmp_path / "out.mp4") == 0
    with FileSource(tmp_path / "out.mp4") as saved:
        assert (saved.size, saved.pixel_aspect) == ((64, 48), Fraction(3, 2))


def test_minutes_without_frames_make_no_rows_and_are_told(run_live, tmp_path, capsys):
    times = np.concatenate([np.arange(8), 18000 + np.arange(8)]) / 10
    source = write_scene(tmp_path / "motion.mp4", times)
    assert run_live("--video", source, "--csv", tmp_path / "out.csv") == 0
    rows = read_rows(tmp_path / "out.csv")
    assert [float(row["seconds"]) for row in rows] == pytest.approx(times, abs=1e-3)
    assert "without frames before 1800 s: no steps there" in capsys.readouterr().out


def test_at_the_end_of_the_file_all_outputs_are_complete(run_live, a_clip, outputs, capsys):
    assert run_live("--video", a_clip, *outputs) == 0
    rows = read_rows(outputs[1])
    assert [int(row["step"]) for row in rows] == list(range(20))
    assert len(read_video(outputs[3]).frames) == 20
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{a_clip}: 48x48 at 10 frames/s"
    assert lines[-2:] == [str(outputs[1]), str(outputs[3])]
    table = {line.split()[0] for line in lines if line}
    assert {"decode", "preprocess", "backbone", "sequence", "output", "step"} <= table
    assert any(re.match(r"20 steps of 20 frames in \d+\.\d s", line) for line in lines)


def test_a_folder_of_frames_runs_with_its_rate_and_not_without(run_live, tmp_path, capsys):
    images = write_coded_images(tmp_path / "frames", range(12), 10.0)
    assert run_live("--video", images, "--csv", tmp_path / "out.csv") == 0
    rows = read_rows(tmp_path / "out.csv")
    assert [float(row["seconds"]) for row in rows] == pytest.approx(np.arange(12) / 10, abs=1e-3)
    assert f"{images}: 64x48 at 10 frames/s" in capsys.readouterr().out
    with pytest.raises(LookbackError, match=r"is a folder; .* its rate, such as frames@25fps"):
        run_live("--video", tmp_path / "frames")


def test_verbose_prints_two_lines_a_step(run_live, a_clip, outputs, capsys):
    assert run_live("--video", a_clip, "--verbose", *outputs[:2]) == 0
    lines = capsys.readouterr().out.splitlines()
    first = next(n for n, line in enumerate(lines) if line.startswith("[INFO]"))
    said, took = lines[first : first + 40 : 2], lines[first + 1 : first + 41 : 2]
    assert not any("Frame" in line for line in lines[:first] + lines[first + 40 :])
    wanted = [f"[INFO] Frame acc. predictions: {r['probability']}" for r in read_rows(outputs[1])]
    assert said == wanted
    assert all(re.fullmatch(r"Frame inference in 0\.\d{4} seconds", line) for line in took)
    assert all(0 < float(line.split()[3]) < 5 for line in took)


class Interrupting(Sink):
    """Ends the run at its eighth step or frame."""

    def __init__(self, error: BaseException, where: str) -> None:
        self._error, self._where, self._count = error, where, 0

    def _count_to_eight(self, where: str) -> None:
        if where == self._where:
            self._count += 1
            if self._count == 8:
                raise self._error

    def on_step(self, *_) -> None:
        self._count_to_eight("step")

    def on_frame(self, *_) -> None:
        self._count_to_eight("frame")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), StopRequested()])
@pytest.mark.parametrize(("where", "steps"), [("step", 7), ("frame", 8)])
def test_ctrl_c_and_q_in_the_middle_leave_complete_outputs(
    error, where, steps, run_live, a_clip, outputs, monkeypatch, capsys
):
    # First among the sinks: the others miss the step or frame that it interrupts.
    monkeypatch.setattr(runner, "ChangeLines", lambda best: Interrupting(error, where))
    assert run_live("--video", a_clip, *outputs) == 0
    assert [int(row["step"]) for row in read_rows(outputs[1])] == list(range(steps))
    assert len(read_video(outputs[3]).frames) == 7
    assert "8 steps of 8 frames" in capsys.readouterr().out


def test_a_sink_that_fails_leaves_the_others_complete(run_live, a_clip, outputs, monkeypatch):
    failing = Interrupting(LookbackError("out.csv: cannot be written (full)"), "step")
    monkeypatch.setattr(runner, "ChangeLines", lambda best: failing)
    with pytest.raises(LookbackError, match=r"out\.csv"):
        run_live("--video", a_clip, *outputs)
    assert len(read_rows(outputs[1])) == len(read_video(outputs[3]).frames) == 7


def test_q_in_the_window_keeps_the_frame_that_was_shown_last(project, a_clip, outputs, monkeypatch):
    from tests.live.screen import Screen
    from tests.running import run_script

    screen = Screen(monkeypatch)
    show = screen.shown.append

    def shown(_, pixels):
        show(pixels)
        screen.key = ord("q") if len(screen.shown) == 5 else -1

    monkeypatch.setattr("live.sinks.window_sink.cv2.imshow", shown)
    chosen = ["--weights", project.weights, "--video", a_clip, *outputs]
    assert run_script("run.py", chosen) == 0
    assert len(screen.shown) == len(read_video(outputs[3]).frames) == 5
    assert screen.closed


def test_a_file_that_breaks_off_is_run_to_the_break_and_told(run_live, tmp_path, outputs, capsys):
    whole = write_scene(tmp_path / "whole.mp4", np.arange(60) / 10, size=128)
    broken = tmp_path / "broken.mp4"
    content = whole.read_bytes()
    broken.write_bytes(content[: len(content) * 2 // 3])
    assert run_live("--video", broken, *outputs) == 0
    rows = read_rows(outputs[1])
    assert 10 < len(rows) < 60
    # A frame at the break may be decoded in part; those before it are as if nothing had happened.
    csv = tmp_path / "whole.csv"
    run_live("--video", whole, "--csv", csv)
    kept = len(rows) - 5
    gap = probabilities(rows[:kept]) - probabilities(read_rows(csv)[:kept])
    assert np.abs(gap).max() < 1e-5
    # The last frame stands behind a gap, whose ticks have rows as well.
    with FileSource(broken) as source:
        seconds = [frame.seconds for frame in source]
    assert read_video(outputs[3]).seconds == pytest.approx(seconds)
    assert [float(row["seconds"]) for row in rows] == pytest.approx(np.arange(len(rows)) / 10)
    assert float(rows[-1]["seconds"]) == pytest.approx(seconds[-1])
    assert f"note: {broken}: " in capsys.readouterr().out


class Camera:
    """Stands for OpenCV's capture: 100 coded frames a second, then what `end` does.

    The frames count from the moment at which the file `since` exists: the model is loaded then.
    """

    def __init__(self, frames: int, end, since: Path = Path()) -> None:
        self.left, self.end, self.released, self.since = frames, end, False, since

    def isOpened(self) -> bool:
        return True

    def get(self, _) -> float:
        return 100.0

    def read(self):
        time.sleep(0.01)
        self.left -= self.since.exists()
        return (True, coded_frame(self.left % 256)) if self.left >= 0 else self.end()

    def release(self) -> None:
        self.released = True


def check_a_cameras_outputs(outputs: list) -> None:
    rows, saved = read_rows(outputs[1]), read_video(outputs[3])
    assert [int(row["step"]) for row in rows] == list(range(len(rows)))
    assert len(rows) >= 3
    np.testing.assert_allclose(probabilities(rows).sum(1), 1, atol=1e-6)
    assert len(saved.frames) >= 5
    assert saved.seconds[0] == 0
    assert (np.diff(saved.seconds) > 0).all()


def failing_read():
    raise OSError(19, "No such device")


@pytest.mark.parametrize(
    ("end", "note"),
    [(lambda: (False, None), "disconnected"), (failing_read, "No such device")],
)
def test_a_camera_that_disconnects_leaves_complete_outputs(
    end, note, run_live, outputs, monkeypatch
):
    monkeypatch.setattr(camera, "_RETRY_SECONDS", 0.1)
    made = Camera(100, end, outputs[1])
    monkeypatch.setattr(camera.cv2, "VideoCapture", lambda _: made)
    with pytest.raises(LookbackError, match=f"camera 0: lost .*{note}"):
        run_live("--webcam", "0", "--once", *outputs)
    check_a_cameras_outputs(outputs)
    assert made.released


def test_a_camera_that_falls_silent_ends_a_run_with_once(run_live, outputs, monkeypatch):
    unplugged = threading.Event()

    def hang():
        unplugged.wait(20)
        return False, None

    monkeypatch.setattr(reader, "SILENCE_SECONDS", 2.0)
    monkeypatch.setattr(camera.cv2, "VideoCapture", lambda _: Camera(100, hang, outputs[1]))
    started = time.monotonic()
    try:
        with pytest.raises(LookbackError, match="camera 0: lost"):
            run_live("--webcam", "--once", *outputs)
    finally:
        unplugged.set()
    assert time.monotonic() - started < 15
    check_a_cameras_outputs(outputs)


def test_a_camera_that_cannot_be_opened_is_one_line_that_names_it(run_live, monkeypatch):
    class Absent(Camera):
        def isOpened(self) -> bool:
            return False

    monkeypatch.setattr(camera.cv2, "VideoCapture", lambda _: Absent(0, failing_read))
    with pytest.raises(LookbackError, match=r"camera 7: .*--webcam 1") as error:
        run_live("--webcam", "7", "--once")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("flag", ["--csv", "--save"])
def test_an_output_may_not_be_the_source(flag, run_live, a_clip, tmp_path):
    own = tmp_path / "own.mp4"
    content = a_clip.read_bytes()
    own.write_bytes(content)
    (tmp_path / "link.mp4").symlink_to(own)
    for name in (own, tmp_path / "link.mp4"):
        with pytest.raises(UsageError, match=f"{flag} .*{name.name}"):
            run_live("--video", own, flag, name)
    assert own.read_bytes() == content


def test_two_outputs_may_not_be_one_file(run_live, a_clip, tmp_path):
    with pytest.raises(UsageError, match=r"both\.mp4"):
        run_live("--video", a_clip, "--csv", tmp_path / "both.mp4", "--save", tmp_path / "both.mp4")


def test_a_csv_is_not_written_to_the_name_of_a_video(run_live, a_clip, tmp_path):
    (tmp_path / "out.mp4").write_bytes(b"a video of before")
    with pytest.raises(UsageError, match=r"--csv .*out\.mp4: is a video; .*\.csv"):
        run_live("--video", a_clip, "--csv", tmp_path / "out.mp4")
    assert (tmp_path / "out.mp4").read_bytes() == b"a video of before"


def test_a_saved_video_must_be_named_mp4(run_live, a_clip, tmp_path):
    with pytest.raises(UsageError, match=r"--save .*out\.avi: .*\.mp4"):
        run_live("--video", a_clip, "--save", tmp_path / "out.avi")


def test_without_a_screen_older_outputs_stay_as_they_were(project, a_clip, tmp_path, monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    csv = tmp_path / "out.csv"
    csv.write_text("of yesterday")
    options = runner.RunOptions("video", str(a_clip), window=True, csv=csv)
    with pytest.raises(LookbackError, match="--no-window"):
        runner.run(options, load(flags={"model.folder": str(project.weights)}))
    assert csv.read_text() == "of yesterday"
