"""What is sent when, from tables."""

from dataclasses import dataclass

import pytest

from live.messages.policy import Digest, Send, Wait, delay, expired, plan

NOW = 1_800_000_000.0


@dataclass(frozen=True)
class Row:
    id: int
    kind: str = "start"
    created: float = NOW
    due: float = NOW
    tries: int = 0


def failed(number: int, tries: int, ago: float, kind: str = "start") -> Row:
    """A message whose last try was `ago` seconds before."""
    return Row(number, kind, NOW - 5000, NOW - ago + delay(tries), tries)


def test_tries_within_48_hours():
    times, now = [0.0], 0.0
    while not expired(Row(1, created=0.0, tries=len(times)), now):
        now += delay(len(times))
        times.append(now)
    assert times[:4] == [0, 10, 30, 70]
    assert 48 * 3600 <= times[-1] < 49 * 3600
    assert len(times) == 57


def test_what_never_failed_is_not_given_up():
    assert not expired(Row(1, created=0.0), NOW)  # a clock that began in 1970


def test_new_messages_go_one_by_one_at_once():
    assert plan([], [], NOW, 20) == Wait(None)
    assert plan([Row(number) for number in range(1, 9)], [], NOW, 20) == Send(1)


def test_a_new_message_is_tried_while_the_target_fails():
    rows = [failed(1, 3, 5), Row(2)]
    assert plan(rows, [], NOW, 20, not_before=NOW + 30) == Send(2)


def test_failed_messages_are_tried_one_at_a_time():
    rows = [failed(number, 1, 100) for number in range(1, 9)]
    assert plan(rows, [], NOW, 20, not_before=NOW + 30) == Wait(30)
    assert plan(rows, [], NOW, 20, not_before=NOW) == Send(1)


@pytest.mark.parametrize(("waiting", "digest"), [(5, False), (6, True)])
def test_more_than_five_after_an_outage_become_a_digest(waiting: int, digest: bool):
    rows = [failed(number, 1, 3) for number in range(1, waiting + 1)]
    action = plan(rows, [NOW], NOW, 20, released=NOW)
    assert action == (Digest(tuple(range(1, waiting + 1)), "outage") if digest else Send(1))


def test_messages_of_a_program_that_did_not_run_are_late():
    rows = [Row(number, created=NOW - 61) for number in range(1, 7)]
    assert plan(rows, [], NOW, 20, released=NOW) == Digest((1, 2, 3, 4, 5, 6), "outage")


def test_a_digest_and_a_test_are_in_no_digest():
    rows = [failed(1, 2, 50, "digest"), failed(2, 2, 50, "test")]
    rows += [failed(number, 1, 50) for number in range(3, 9)]
    action = plan(rows, [], NOW, 20, released=NOW)
    assert action == Digest((3, 4, 5, 6, 7, 8), "outage")


def test_one_bad_message_keeps_its_own_delay():
    # Its last try failed after the end of the last outage.
    assert plan([failed(1, 5, 10)], [], NOW, 20, released=NOW - 60) == Wait(150)
    assert plan([failed(1, 5, 10)], [], NOW, 20, released=NOW - 5) == Send(1)


def test_above_the_limit_messages_wait_and_are_summed_up():
    sent = [NOW - 10, NOW - 20, NOW - 3500]
    assert plan([Row(1), Row(2)], sent, NOW, 3) == Wait(100)
    later = NOW + 100
    assert plan([Row(1), Row(2)], sent, later, 3, released=1.0) == Digest((1, 2), "limit")
    assert plan([Row(1)], sent, later, 3) == Send(1)  # one alone needs no digest


def test_a_message_after_the_limit_is_not_summed_up():
    sent = [NOW - 10, NOW - 20, NOW - 3700]
    assert plan([Row(1), Row(2)], sent, NOW, 3) == Send(1)


def test_the_digest_itself_counts():
    digest = Row(3, "digest")
    sent = [NOW - 5, NOW - 10, NOW - 20]
    assert plan([digest], sent, NOW, 3) == Wait(3580)


def test_a_clock_that_is_set_back_delays_nothing():
    back = NOW - 3600 * 5
    assert plan([Row(1)], [NOW - 1, NOW - 2], back, 2) == Send(1)
    rows = [failed(1, 2, 0)]
    assert plan(rows, [], back, 20) == Send(1)
    assert plan(rows, [], back, 20, not_before=NOW) == Send(1)
