"""A file that is played as a camera: at its pace, again and again, and not in a hurry."""

import itertools

import pytest

from live.cameras import played_file
from live.cameras.played_file import PlayedFile
from tests.conftest import read_code, write_coded_video
from video.frame import Frame


class Clock:
    """Time passes only while somebody sleeps."""

    def __init__(self, monkeypatch) -> None:
        self.now, self.pauses = 100.0, []
        monkeypatch.setattr(played_file.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(played_file.time, "sleep", self.sleep)

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def played(tmp_path, clock):
    made = PlayedFile(str(write_coded_video(tmp_path / "a.mp4", 10, rate=10)))
    made.open()
    yield made
    made.close()


def codes(played, count: int) -> list[int]:
    images = [played.read() for _ in range(count)]
    return [read_code(Frame(0, 0.0, image).rgb) for image in images]


def test_it_is_played_again_and_again_at_its_pace(played, clock):
    assert codes(played, 25) == list(itertools.islice(itertools.cycle(range(10)), 25))
    assert clock.now == pytest.approx(100 + 2.4, abs=0.01)


def test_after_a_sleep_of_the_computer_nothing_is_hurried_through(played, clock):
    codes(played, 5)
    clock.now += 3600
    clock.pauses.clear()
    codes(played, 11)
    assert sum(clock.pauses) == pytest.approx(1.0, abs=0.11)
