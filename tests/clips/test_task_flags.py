"""`--shard` and `--threads` of commands."""

import pytest

from clips.task_flags import take_threads
from video import cores
from video.errors import UsageError


def test_threads_are_those_of_the_flag(monkeypatch):
    monkeypatch.setenv(cores.VARIABLE, "2")
    take_threads("3")
    assert cores.usable_cores() == 3
    take_threads(None)
    assert cores.usable_cores() == 3
    with pytest.raises(UsageError, match="LOOKBACK_THREADS=none"):
        take_threads("none")
