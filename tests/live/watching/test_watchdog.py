"""The watchdog: what ends the process, what does not, and what systemd is told."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from live.watching.watchdog import EXIT_CODE, Watchdog
from tests.running import ROOT


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ended() -> list[float]:
    return []


@pytest.fixture
def watchdog(clock, ended, monkeypatch) -> Watchdog:
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    return Watchdog(30.0, end=ended.append, clock=clock)


def steps(clock: Clock, watchdog: Watchdog, seconds: float, by: float = 3.0) -> Iterator[float]:
    """Let time pass, with a check every `by` seconds."""
    until = clock.now + seconds
    while clock.now < until:
        clock.now += by
        yield clock.now
        watchdog.check()


def test_without_a_beat_the_process_is_ended_after_the_timeout(clock, ended, watchdog):
    for _ in steps(clock, watchdog, 30):
        assert ended == []
    assert ended == []  # the first check counts as a beat: the whole timeout is ahead
    for _ in steps(clock, watchdog, 3):
        pass
    assert ended == [30.0]


def test_beats_keep_it_alive_for_weeks(clock, ended, watchdog):
    for number, _ in enumerate(steps(clock, watchdog, 20_000)):
        if number % 9 == 0:  # every 27 s
            watchdog.beat()
    assert ended == []


def test_time_in_which_the_process_did_not_run_does_not_count(clock, ended, watchdog):
    for _ in steps(clock, watchdog, 27):
        pass
    clock.now += 8 * 3600  # the computer slept
    watchdog.check()
    assert ended == []
    for _ in steps(clock, watchdog, 30):
        pass
    assert ended == [30.0]


def run_watched(body: str, timeout: float = 0.6) -> tuple[subprocess.Popen, float]:
    script = (
        "import ctypes, threading, time\n"
        "from live.watching.watchdog import Watchdog\n"
        f"with Watchdog({timeout}) as watchdog:\n    print('watching', flush=True)\n    {body}\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "watching\n"
    return process, time.monotonic()


def test_a_process_that_hangs_ends_with_70_and_all_stacks():
    process, _ = run_watched(
        "hang = threading.Thread(target=threading.Event().wait); hang.start(); hang.join()"
    )
    _, errors = process.communicate(timeout=30)
    assert process.returncode == EXIT_CODE
    assert errors.startswith("error: nothing has moved for 1 s; the stacks of all threads:\n")
    assert errors.count("Thread 0x") + errors.count("Current thread 0x") == 3
    assert 'threading.py", line' in errors
    assert 'File "<string>", line 5 in <module>' in errors


def test_a_process_with_a_beat_now_and_then_ends_by_itself():
    process, _ = run_watched("for _ in range(20): time.sleep(0.1); watchdog.beat()")
    _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, "")


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="Windows does not stop processes")
def test_a_stopped_process_goes_on():
    process, _ = run_watched("for _ in range(8): time.sleep(0.1); watchdog.beat()", timeout=1.0)
    process.send_signal(signal.SIGSTOP)
    time.sleep(2.5)
    process.send_signal(signal.SIGCONT)
    _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, "")


@pytest.mark.skipif(os.name == "nt", reason="the library of C is another one")
def test_a_library_that_lets_no_thread_run_is_ended_as_well():
    # PyDLL keeps the interpreter's lock while it calls.
    process, started = run_watched("time.sleep(0.2); ctypes.PyDLL(None).sleep(60)")
    _, errors = process.communicate(timeout=30)
    assert time.monotonic() - started < 20
    assert process.returncode == 1
    assert "Timeout (0:00:01" in errors


def test_closing_stops_it(ended):
    with Watchdog(0.2, end=ended.append):
        pass
    time.sleep(0.5)
    assert ended == []
