"""The writer on a thread of its own: order, errors and the end are those of the writer."""

import threading

import pytest

from tests.conftest import coded_frame, read_code
from video.background_writer import BackgroundWriter
from video.errors import VideoError
from video.sources import FileSource
from video.writer import Mp4Writer


class Slow:
    """A writer that waits for leave before each picture, and fails at one of them."""

    def __init__(self, fails_at: int = -1) -> None:
        self.leave, self.fails_at = threading.Semaphore(0), fails_at
        self.written: list[int] = []
        self.closed = 0

    def write(self, picture: int, seconds: float) -> None:
        self.leave.acquire()
        if picture == self.fails_at:
            raise VideoError("a.mp4: cannot be written (No space left on device)")
        self.written.append(picture)

    def close(self) -> None:
        self.closed += 1


def test_what_it_writes_is_what_the_writer_alone_writes(tmp_path):
    for name, wrap in (("a.mp4", lambda writer: writer), ("b.mp4", BackgroundWriter)):
        with wrap(Mp4Writer(tmp_path / name, (64, 48), 10)) as writer:
            for number in range(40):
                writer.write(coded_frame(number), number / 10)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
    with FileSource(tmp_path / "b.mp4") as source:
        assert [read_code(frame.rgb) for frame in source] == list(range(40))


def test_a_caller_who_is_faster_waits_and_close_writes_what_is_left():
    slow = Slow()
    writer = BackgroundWriter(slow)
    for number in range(5):  # one is being written, four wait
        writer.write(number, 0.0)
    sixth = threading.Thread(target=writer.write, args=(5, 0.0))
    sixth.start()
    sixth.join(0.3)
    assert sixth.is_alive()
    slow.leave.release(6)
    sixth.join(5)
    assert not sixth.is_alive()
    writer.close()
    assert slow.written == list(range(6))
    writer.close()


def test_an_error_reaches_the_next_write_once():
    slow = Slow(fails_at=2)
    slow.leave.release(100)
    writer = BackgroundWriter(slow)
    for number in range(3):
        writer.write(number, 0.0)
    writer._thread.join(5)
    with pytest.raises(VideoError, match="No space left"):
        writer.write(3, 0.0)
    writer.close()
    assert slow.written == [0, 1]
    assert slow.closed == 1


def test_an_error_that_no_write_has_told_reaches_close():
    slow = Slow(fails_at=1)
    writer = BackgroundWriter(slow)
    for number in range(4):
        writer.write(number, 0.0)
    slow.leave.release(100)
    with pytest.raises(VideoError, match="No space left"):
        writer.close()
    writer.close()
    assert slow.written == [0]


def test_the_thread_ends_with_the_writer(tmp_path):
    with BackgroundWriter(Mp4Writer(tmp_path / "a.mp4", (64, 48), 10)) as writer:
        writer.write(coded_frame(1), 0.0)
        assert "encode" in {thread.name for thread in threading.enumerate()}
    assert "encode" not in {thread.name for thread in threading.enumerate()}
