import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from live.decision import Decision
from live.overlay import AnnotatedFrame, Overlay
from live.sinks import ChangeLines, CsvSink, Sink, StepLines, StopRequested, VideoSink, WindowSink
from live.sinks import window_sink as window_module
from tests.conftest import coded_frame, read_code
from tests.live.conftest import read_rows, read_video
from tests.live.screen import Screen
from video.errors import LookbackError, VideoError
from video.frame import Frame

LABELS = ("a", "b", "c")


def decision(step: int, *probabilities: float) -> Decision:
    return Decision(step, step / 10, np.array(probabilities), LABELS, 0.5)


def test_csv_rows_are_on_disk_as_soon_as_they_are_made(tmp_path):
    path = tmp_path / "new" / "folder" / "out.csv"
    with CsvSink(path, LABELS) as sink:
        assert isinstance(sink, Sink)
        for step in range(3):
            sink.on_step(decision(step, 0.2, 0.7, 0.1), 0.0)
            assert len(read_rows(path)) == step + 1
    assert path.read_bytes().startswith(b"step,seconds,label,probability,a,b,c\n0,0.000,b,0.7000")
    sink.close()  # twice does no harm


def test_of_many_labels_a_csv_row_tells_the_best(tmp_path):
    labels = tuple(f"l{number}" for number in range(200))
    probabilities = np.full(200, 0.0001)
    probabilities[[150, 7, 199]] = 0.5, 0.25, 0.125
    with CsvSink(tmp_path / "out.csv", labels, best=3) as sink:
        sink.on_step(Decision(4, 0.4, probabilities, labels, 0.5), 0.0)
    assert (tmp_path / "out.csv").read_text() == (
        "step,seconds,label,probability,label_2,probability_2,label_3,probability_3\n"
        "4,0.400,l150,0.50000000,l7,0.25000000,l199,0.12500000\n"
    )


def test_a_full_disk_is_an_error_that_names_the_file(tmp_path):
    path = tmp_path / "out.csv"
    path.symlink_to("/dev/full")
    sink = CsvSink(path, LABELS)
    with pytest.raises(LookbackError, match=r"out\.csv: cannot be written \(No space left"):
        sink.on_step(decision(0, 0.2, 0.7, 0.1), 0.0)


def test_verbose_prints_two_lines_a_step_in_the_known_format(capsys):
    with StepLines() as sink:
        sink.on_step(decision(0, 0.08, 0.91895014, 0.00104986), 0.00301)
    assert capsys.readouterr().out == (
        "[INFO] Frame acc. predictions: 0.91895014\nFrame inference in 0.0030 seconds\n"
    )


def test_otherwise_a_line_is_printed_where_the_label_changes(capsys):
    sink = ChangeLines()
    for step, probabilities in enumerate(
        [(0.4, 0.3, 0.3), (0.4, 0.4, 0.2), (0.2, 0.7, 0.1), (0.1, 0.9, 0.0), (0.6, 0.2, 0.2)]
    ):
        sink.on_step(decision(step, *probabilities), 0.0)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        ["0.0", "s", "below", "threshold:", "a", "(0.40)"],
        ["0.2", "s", "b", "(0.70)"],
        ["0.4", "s", "a", "(0.60)"],
    ]


def test_a_sure_label_of_a_window_that_is_not_full_is_told_as_what_it_is(capsys):
    ChangeLines().on_step(replace(decision(0, 0.99, 0.01, 0.0), full=False), 0.0)
    line = "0.0 s  window not full yet: a (0.99)"
    assert capsys.readouterr().out.strip() == line


def test_the_video_keeps_frames_and_times_and_takes_a_change_of_size(tmp_path):
    path, times = tmp_path / "out.mp4", [0.0, 0.04, 0.5, 0.51, 2.0]
    with VideoSink(path, (64, 48), 25.0) as sink:
        assert sink.draws
        for number, seconds in enumerate(times):
            size = (64, 48) if number < 3 else (128, 96)  # a stream that grows on the way
            shown = Frame.from_array(coded_frame(number, size), number, seconds)
            sink.on_frame(shown, annotated(shown))
    sink.close()
    saved = read_video(path)
    assert saved.size == (64, 48)
    assert [read_code(pixels) for pixels in saved.frames] == [0, 1, 2, 3, 4]
    np.testing.assert_allclose(saved.seconds, times, atol=1e-4)


@pytest.mark.parametrize("size", [(64, 48), (63, 47)], ids=["planes", "rgb"])
def test_a_video_that_is_turned_is_saved_upright(size, tmp_path):
    with VideoSink(tmp_path / "out.mp4", (size[0], size[1]), 25.0) as sink:
        for number in range(5):
            lying = np.ascontiguousarray(np.rot90(coded_frame(number, size), -1))
            shown = replace(Frame.from_array(lying, number, number / 25), quarter_turns=1)
            sink.on_frame(shown, annotated(shown))
    assert [read_code(pixels) for pixels in read_video(tmp_path / "out.mp4").frames] == [*range(5)]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a full disk to hand")
def test_a_full_disk_ends_the_video_with_one_line(tmp_path):
    (tmp_path / "out.mp4").symlink_to("/dev/full")
    sink = VideoSink(tmp_path / "out.mp4", (64, 48), 25.0)

    def fill() -> None:
        with sink:
            for number in range(100):
                sink.on_frame(frame(number / 25), annotated(frame()))

    with pytest.raises(VideoError, match=r"out\.mp4: cannot be written \(No space left"):
        fill()


def frame(seconds: float = 0.0) -> Frame:
    return Frame.from_array(coded_frame(1), 0, seconds)


def annotated(shown: Frame) -> AnnotatedFrame:
    return Overlay().on(shown, None)


def test_the_window_shows_the_picture_in_opencvs_order_of_colours(monkeypatch):
    screen, picture = Screen(monkeypatch), np.zeros((48, 64, 3), np.uint8)
    picture[..., 0] = 255  # red
    with WindowSink(live=True) as sink:
        sink.on_frame(frame(), annotated(Frame.from_array(picture)))
    assert screen.shown[0][-1, -1].tolist() == [0, 0, 255]
    assert screen.closed >= 1


@pytest.mark.parametrize("key", [ord("q"), ord("Q"), 27])
def test_q_and_escape_ask_for_the_end(key, monkeypatch):
    Screen(monkeypatch, key=key)
    with pytest.raises(StopRequested), WindowSink(live=True) as sink:
        sink.on_frame(frame(), annotated(frame()))


def test_closing_the_window_asks_for_the_end(monkeypatch):
    Screen(monkeypatch, visible=0.0)
    with pytest.raises(StopRequested), WindowSink(live=True) as sink:
        sink.on_frame(frame(), annotated(frame()))


@pytest.mark.parametrize(("live", "least", "most"), [(True, 1, 1), (False, 900, 1000)])
def test_a_file_plays_at_its_own_pace_and_a_camera_as_it_comes(live, least, most, monkeypatch):
    screen = Screen(monkeypatch)
    with WindowSink(live) as sink:
        sink.on_frame(frame(0.0), annotated(frame()))
        sink.on_frame(frame(1.0), annotated(frame()))  # a second later on the file's clock
    assert screen.waits[0] == 1
    assert least <= screen.waits[1] <= most


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            "OpenCV(5.0.0) window.cpp:10: error: (-2:Unspecified error) The function is not "
            "implemented. Rebuild the library with Windows, GTK+ 2.x or Cocoa support. If you are "
            "on Ubuntu or Debian, install libgtk2.0-dev and pkg-config, then re-run cmake or "
            "configure script in function 'cvNamedWindow'\n",
            "pip uninstall opencv-python-headless, then pip install --force-reinstall "
            "opencv-python; or add --no-window",
        ),
        ("Can't initialize GTK backend\n", "(Can't initialize GTK backend); add --no-window"),
    ],
)
def test_an_opencv_that_opens_no_window_is_one_line_with_the_remedy(words, told, monkeypatch):
    Screen(monkeypatch)

    def refuse(*_) -> None:
        raise window_module.cv2.error(words)

    monkeypatch.setattr(window_module.cv2, "namedWindow", refuse)
    with pytest.raises(LookbackError, match=re.escape(told)) as error:
        WindowSink(live=False)
    assert "\n" not in str(error.value)


def test_nobody_waits_for_a_gap_of_a_file(monkeypatch):
    screen = Screen(monkeypatch)
    with WindowSink(live=False) as sink:
        sink.on_frame(frame(0.0), annotated(frame()))
        sink.on_frame(replace(frame(1800.0), after_gap=True), annotated(frame()))
        sink.on_frame(frame(1801.0), annotated(frame()))
    assert screen.waits[:2] == [1, 1]
    assert 900 <= screen.waits[2] <= 1000


def test_without_a_screen_one_line_says_what_to_do(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(LookbackError, match=re.escape("add --no-window")) as error:
        WindowSink(live=False)
    assert "\n" not in str(error.value)
