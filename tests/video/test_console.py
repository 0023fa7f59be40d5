"""Messages are silent from Python and plain lines while a console is open."""

import errno
import logging
import subprocess
import sys
import threading

import pytest

from tests.running import ROOT
from video.console import console, logger, progress_bar


def test_a_library_that_nobody_listens_to_prints_nothing():
    script = (
        "from video.console import logger, progress_bar\n"
        "logger('a').warning('note: heard by nobody'); list(progress_bar([1, 2]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert (done.stdout, done.stderr) == ("", "")


def test_a_console_prints_messages_as_they_are_and_once(capsys):
    heard = []
    listener = logging.Handler()
    listener.emit = lambda record: heard.append(record.getMessage())
    logging.getLogger().addHandler(listener)
    try:
        logger("rooms.module").info("100% of %s")
        logger("rooms.module").debug("a traceback")
    finally:
        logging.getLogger().removeHandler(listener)
    assert capsys.readouterr().out == "100% of %s\n"
    assert heard == []


def test_a_console_leaves_the_loggers_as_they_were():
    root = logging.getLogger("lookback")
    before = (list(root.handlers), root.level, root.propagate)
    with pytest.raises(KeyboardInterrupt), console():
        raise KeyboardInterrupt
    assert (list(root.handlers), root.level, root.propagate) == before


def test_a_closed_output_is_an_error_of_the_caller(monkeypatch):
    class Closed:
        def write(self, _) -> int:
            raise BrokenPipeError

        def flush(self) -> None: ...

    monkeypatch.setattr(sys, "stdout", Closed())
    with pytest.raises(BrokenPipeError):
        logger("rooms.module").info("anything")


class Failing:
    """An output that takes nothing."""

    def __init__(self, error: OSError) -> None:
        self.error = error

    def write(self, _) -> int:
        raise self.error

    def flush(self) -> None: ...


def test_a_full_disk_takes_no_lines_and_ends_nothing(monkeypatch):
    monkeypatch.setattr(sys, "stdout", Failing(OSError(errno.ENOSPC, "No space left on device")))
    logger("rooms.module").info("anything")


def test_a_line_of_a_thread_does_not_end_the_thread(monkeypatch):
    monkeypatch.setattr(sys, "stdout", Failing(BrokenPipeError()))
    done = []

    def work() -> None:
        logger("rooms.module").info("anything")
        done.append(1)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done


def test_a_progress_bar_counts_what_it_is_given():
    assert list(progress_bar(range(3), "count")) == [0, 1, 2]
