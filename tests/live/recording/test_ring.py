"""The ring keeps whole groups, and no more than it may."""

import pytest

from live.recording.coded import Coded, Coding
from live.recording.ring import Ring

_H264 = Coding("h264", b"sps")


def _fill(ring: Ring, seconds: float, group: float, rate: float = 10, size: int = 100) -> None:
    for index in range(round(seconds * rate)):
        is_key = index % round(group * rate) == 0
        ring.add(Coded(bytes(size), is_key, 50 + index / rate, None, None, _H264))


@pytest.mark.parametrize("group", [0.5, 1, 4, 10])
def test_the_seconds_are_covered_by_whole_groups(group: float):
    ring = Ring(5.0, 1)
    for length in (12, 15, 21.5, 30.3):
        ring.clear()
        _fill(ring, length, group)
        newest = 50 + length - 0.1
        kept = ring.since(newest - 5)
        assert kept[0].is_key
        assert kept[0].seconds <= newest - 5 + 1e-6
        assert kept[0].seconds > newest - 5 - group
        assert kept[-1].seconds == pytest.approx(newest)
        assert ring.covered <= 5 + group + 0.1
        assert ring.size == 100 * round(ring.covered * 10 + 1)


def test_what_begins_before_the_ring_is_the_whole_ring():
    ring = Ring(5.0, 1)
    _fill(ring, 3, 1)
    assert len(ring.since(0.0)) == 30
    assert ring.since(52.0)[0].seconds == 52.0
    assert Ring(5.0, 1).since(0.0) == []


def test_the_memory_is_bounded_before_the_seconds_are():
    ring = Ring(1000.0, 0.01)
    _fill(ring, 60, 1)
    assert ring.size <= 10_000
    assert ring.covered >= 8
    assert ring.since(0.0)[0].is_key


def test_a_group_that_is_too_large_alone_is_dropped_up_to_the_next_key():
    ring = Ring(5.0, 0.001)
    _fill(ring, 3, 2)  # 2,000 bytes a group, and 1,000 are allowed
    assert ring.overflows == 1
    assert ring.since(0.0)[0].seconds == 52.0
    assert ring.size == 1000


def test_pictures_whose_key_is_missing_are_not_kept():
    ring = Ring(5.0, 1)
    assert not ring.add(Coded(b"x", False, 1.0, None, None, _H264))
    assert ring.add(Coded(b"x", True, 2.0, None, None, _H264))
    other = Coding("h264", b"other")
    assert not ring.add(Coded(b"x", False, 3.0, None, None, other))
    assert len(ring.since(0.0)) == 1


def test_of_an_earlier_run_only_what_reaches_the_time_is_returned():
    ring = Ring(100.0, 1)
    _fill(ring, 3, 1)  # 50 to 52.9
    for index in range(10):
        other = Coding("h264", b"sps", run=1)
        ring.add(Coded(b"x", index == 0, 60 + index / 10, None, None, other))
    assert ring.since(55.0)[0].seconds == 60.0
    assert ring.since(52.9)[0].seconds == 52.0
    assert ring.since(60.5)[0].seconds == 60.0


def test_what_is_waited_for_is_kept_and_let_go():
    ring = Ring(5.0, 1)
    ring.wait_for(55.2)
    _fill(ring, 30, 1)
    assert ring.since(0.0)[0].seconds == 55.0
    ring.stop_waiting(55.2)
    ring.add(Coded(b"", True, 80.0, None, None, _H264))
    assert ring.since(0.0)[0].seconds == 75.0


def test_what_is_waited_for_in_vain_is_let_go_after_a_while():
    ring = Ring(5.0, 1)
    ring.wait_for(51.0)
    _fill(ring, 120, 1)
    assert ring.covered <= 6.1
