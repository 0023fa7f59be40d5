"""The reading thread: states, sessions, and attempts to connect again."""

import threading
import time

import pytest

from live.cameras.backoff import Backoff
from live.cameras.config import CameraConfig
from live.cameras.reader import CameraReader, Session
from tests.conftest import read_code
from tests.live.cameras.scripted import ScriptedDevice, unreachable
from video.errors import RefusedError
from video.frame import Frame


class QuickBackoff(Backoff):
    """Waits a fiftieth of a second, and notes what it was asked."""

    def __init__(self) -> None:
        super().__init__(0)
        self.asked: list[tuple[float, bool]] = []

    def after_failure(self, live_seconds: float, refused: bool = False) -> float:
        self.asked.append((live_seconds, refused))
        return 0.02


class Taker:
    """Keeps the frames that it is given."""

    def __init__(self) -> None:
        self.frames: list[tuple[Frame, Session]] = []
        self._arrived = threading.Condition()

    def on_frame(self, frame: Frame, arrived: float, session: Session) -> None:
        with self._arrived:
            self.frames.append((frame, session))
            self._arrived.notify_all()

    def wait_for(self, count: int) -> list[tuple[Frame, Session]]:
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.frames) >= count, timeout=10)
            return list(self.frames)


@pytest.fixture
def device():
    made = ScriptedDevice()
    yield made
    made.shut()


@pytest.fixture
def reader(device):
    made = CameraReader(
        CameraConfig("door", "webcam", 0), Taker(), 0.3, device=device, backoff=QuickBackoff()
    )
    yield made
    device.shut()
    made.close()


def wait_until(condition, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_frames_are_numbered_and_timed_from_the_beginning_of_their_session(reader, device):
    device.give(0, 1, 2)
    reader.start()
    frames = reader._taker.wait_for(3)
    assert [(frame.index, session.number) for frame, session in frames] == [(0, 1), (1, 1), (2, 1)]
    assert frames[0][0].seconds == 0
    assert reader.state() == ("live", "")


def test_one_thread_opens_reads_and_closes(reader, device):
    device.give(0, None, 1)
    reader.start()
    reader._taker.wait_for(2)
    reader.close()
    device.shut()
    wait_until(lambda: device.closed == device.opened)
    assert device.threads == {"read door"}


def test_a_camera_that_comes_back_has_a_new_session(reader, device):
    device.give(0, 1, None, 2)
    reader.start()
    frames = reader._taker.wait_for(3)
    assert [(read_code(f.rgb), f.index, s.number) for f, s in frames] == [
        (0, 0, 1),
        (1, 1, 1),
        (2, 0, 2),
    ]


def test_a_silence_divides_sessions_without_a_new_connection(reader, device):
    device.give(0)
    reader.start()
    reader._taker.wait_for(1)
    wait_until(lambda: reader.state()[0] == "stalled")
    assert reader.state()[1].startswith("no frame for")
    device.give(1)
    time.sleep(0.1)
    assert len(reader._taker.frames) == 1  # a single frame may be the last one from before
    device.give(2)
    frames = reader._taker.wait_for(2)
    assert [(read_code(f.rgb), s.number) for f, s in frames] == [(0, 1), (2, 2)]
    assert (device.opened, reader.state()[0]) == (1, "live")


def test_a_slow_camera_has_no_gaps_once_its_rate_is_known(device):
    taker = Taker()
    reader = CameraReader(CameraConfig("slow", "webcam", 0), taker, 0.05, device=device)
    reader.start()
    for number in range(12):
        device.give(number)
        time.sleep(0.08)  # longer than the gap, but as regular as a camera
    numbers = [session.number for _, session in taker.wait_for(6)]
    assert len(set(numbers[-5:])) == 1
    device.shut()
    reader.close()


def test_a_camera_that_is_unreachable_at_the_start_is_tried_again(reader, device, caplog):
    for _ in range(3):
        device.openings.put(unreachable())
    device.give(0)
    reader.start()
    reader._taker.wait_for(1)
    assert reader.attempts == 4
    assert reader._backoff.asked == [(0.0, False)] * 3
    assert caplog.text.count("Connection refused") == 1  # not a line for every attempt
    assert "live again" in caplog.text


def test_a_refusal_is_named_and_told_apart(reader, device, caplog):
    device.openings.put(RefusedError("camera: cannot be opened (401 Unauthorized); check it"))
    device.give(0)
    reader.start()
    reader._taker.wait_for(1)
    assert reader._backoff.asked == [(0.0, True)]
    assert "door: lost (401 Unauthorized" in caplog.text


def test_whatever_a_driver_raises_the_thread_survives(reader, device):
    device.give(0, RuntimeError("the driver is gone"), 1)
    reader.start()
    assert [session.number for _, session in reader._taker.wait_for(2)] == [1, 2]


def test_at_most_the_wanted_frames_per_second_are_passed_on(device):
    taker = Taker()
    camera = CameraConfig("door", "webcam", 0, fps=10.0)
    reader = CameraReader(camera, taker, 1.0, device=device)
    reader.start()
    for number in range(40):
        device.give(number)
        time.sleep(0.01)
    wait_until(lambda: reader.frames == 40)
    passed = taker.frames[-1][0].seconds - taker.frames[0][0].seconds
    assert len(taker.frames) == pytest.approx(10 * passed + 1, abs=1.5)
    device.shut()
    reader.close()


def test_a_thread_that_hangs_does_not_hang_the_end(reader):
    reader.start()
    wait_until(lambda: reader.device.opened)
    began = time.monotonic()
    reader.close(0.2)
    assert time.monotonic() - began < 1


def test_the_wait_before_an_attempt_ends_at_once(device):
    class Slow(Backoff):
        def after_failure(self, live_seconds: float, refused: bool = False) -> float:
            return 60.0

    device.openings.put(unreachable())
    reader = CameraReader(
        CameraConfig("door", "webcam", 0), Taker(), 1.0, device=device, backoff=Slow()
    )
    reader.start()
    wait_until(lambda: reader.state()[0] == "lost")
    began = time.monotonic()
    reader.close(5.0)
    assert time.monotonic() - began < 1


def test_a_device_that_fails_to_close_does_not_end_the_thread(reader, device, monkeypatch):
    closed = []

    def fails() -> None:
        closed.append(1)
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(device, "close", fails)
    reader.start()
    device.give(1, None, 2)
    frames = reader._taker.wait_for(2)
    assert [session.number for _, session in frames] == [1, 2]
    assert closed
