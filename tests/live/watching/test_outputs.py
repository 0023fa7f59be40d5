"""The sinks of cameras: one file of all, the next one for other classes, and files that fail."""

import errno
from types import SimpleNamespace

import numpy as np
import pytest

from live.decision import Decision
from live.hub import Hub
from live.overlay import Overlay
from live.sinks import Sink
from live.watching.camera_stream import CameraStream
from live.watching.loop import Watched, WatchLoop
from live.watching.outputs import Outputs, OutputSinks
from tests.live.conftest import read_rows, read_video
from tests.live.watching.fakes import LABELS, fake_model, gray, session
from video.errors import LookbackError


def reader(name: str = "door"):
    return SimpleNamespace(name=name, device=SimpleNamespace(rate=10.0, pixel_aspect=1))


def decide(sinks, seconds: float, labels=LABELS) -> None:
    values = np.full(len(labels), 1 / len(labels))
    for sink in sinks:
        sink.on_step(Decision(0, seconds, values, labels, 0.5), 0.0)


def test_the_rows_of_two_cameras_are_in_one_file(tmp_path):
    path = tmp_path / "rows.csv"
    with OutputSinks(Outputs(csv=path), several=True) as sinks:
        for name in ("door", "hall, left"):
            decide(sinks.of(reader(name), fake_model()), 1.0)
    assert [row["camera"] for row in read_rows(path)] == ["door", "hall, left"]


def test_other_classes_have_the_next_file(tmp_path):
    path, others = tmp_path / "rows.csv", ("calm", "fall", "fight")
    with OutputSinks(Outputs(csv=path), several=True) as sinks:
        old = sinks.of(reader("door"), fake_model())
        new = sinks.of(reader("hall"), fake_model(others))  # this camera took it over first
        decide(old, 1.0)
        decide(new, 1.0, others)
        decide(sinks.of(reader("door"), fake_model(others)), 2.0, others)
    assert len(read_rows(path)) == 1
    assert [row["fall"] for row in read_rows(tmp_path / "rows-2.csv")] == ["0.33333333"] * 2


def test_a_next_file_that_cannot_be_written_does_not_end_the_watching(tmp_path, caplog):
    (tmp_path / "rows-2.csv").mkdir()
    with OutputSinks(Outputs(csv=tmp_path / "rows.csv"), several=False) as sinks:
        sinks.of(reader(), fake_model())
        others = ("a", "b", "c")
        decide(sinks.of(reader(), fake_model(others)), 1.0, others)
        decide(sinks.of(reader(), fake_model(others)), 2.0, others)
    assert caplog.text.count("rows-2.csv") == 1


def test_a_first_file_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "rows.csv").mkdir()
    with (
        OutputSinks(Outputs(csv=tmp_path / "rows.csv"), several=False) as sinks,
        pytest.raises(LookbackError, match=r"rows\.csv"),
    ):
        sinks.of(reader(), fake_model())


def test_a_saved_video_begins_at_0_and_outlives_a_model(tmp_path):
    path = tmp_path / "saved.mp4"
    overlay = Overlay()
    with OutputSinks(Outputs(save=path), several=False) as sinks:
        for model in (fake_model(), fake_model()):
            made = sinks.of(reader(), model)
        for index in range(5):
            frame = gray(index, 90, 7.3 + index / 10)
            for sink in made:
                sink.on_frame(frame, overlay.on(frame, None))
    saved = read_video(path)
    assert saved.seconds == pytest.approx([0, 0.1, 0.2, 0.3, 0.4], abs=0.01)


class Full(Sink):
    """A file on a full disk."""

    def __init__(self) -> None:
        self.asked = 0

    def on_step(self, decision, step_seconds) -> None:
        self.asked += 1
        raise LookbackError("rows.csv: cannot be written (No space left on device)")


class Rows(Sink):
    def __init__(self) -> None:
        self.steps = 0

    def on_step(self, decision, step_seconds) -> None:
        self.steps += 1


class Closed(Sink):
    def on_step(self, decision, step_seconds) -> None:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")


def watched(*sinks: Sink) -> WatchLoop:
    hub = Hub()
    loop = WatchLoop(hub)
    stream = CameraStream(hub.add_camera("door"), "door", hub, loop.wake, [])
    loop.cameras.append(Watched(SimpleNamespace(state=lambda now: ("live", "")), stream))
    loop.cameras[0].sinks = list(sinks)
    loop.use(fake_model())
    return loop


def play(loop: WatchLoop, count: int) -> None:
    for index in range(count):
        frame = gray(index, 90)
        loop.cameras[0].stream.on_frame(frame, 100 + frame.seconds, session())
        loop._round()


def test_a_full_disk_is_told_once_and_watching_goes_on(caplog):
    full, rows = Full(), Rows()
    play(watched(full, rows), 5)
    assert (full.asked, rows.steps) == (1, 5)
    assert caplog.text.count("watching goes on") == 1


def test_an_output_that_nobody_reads_any_more_ends_the_run():
    with pytest.raises(BrokenPipeError):
        play(watched(Closed()), 1)
