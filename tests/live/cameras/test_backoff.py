"""Delays between attempts: they grow, have a limit, and begin anew after a good time."""

import pytest

from live.cameras.backoff import Backoff


def delays(backoff: Backoff, live: list[float], refused: bool = False) -> list[float]:
    return [backoff.after_failure(seconds, refused) for seconds in live]


def test_delays_grow_up_to_fifteen_seconds():
    assert delays(Backoff(1), [0.0] * 7) == pytest.approx([1, 2, 4, 8, 15, 15, 15], rel=0.21)


def test_two_cameras_do_not_connect_in_step():
    assert delays(Backoff(1), [0.0] * 4) != delays(Backoff(2), [0.0] * 4)


def test_ten_good_seconds_begin_anew_and_nine_do_not():
    assert delays(Backoff(1), [0, 0, 0, 10.0]) == pytest.approx([1, 2, 4, 1], rel=0.21)
    assert delays(Backoff(1), [0, 0, 0, 9.0]) == pytest.approx([1, 2, 4, 8], rel=0.21)


def test_a_refusal_is_tried_again_once_a_minute():
    assert delays(Backoff(1), [0.0] * 3, refused=True) == pytest.approx([60] * 3, rel=0.21)
