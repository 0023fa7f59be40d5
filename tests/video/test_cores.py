"""The number of cores: a variable, or what the process may run on."""

import pytest

from video import cores
from video.errors import UsageError


def test_the_variable_counts_before_the_affinity(monkeypatch):
    monkeypatch.setattr(cores.os, "sched_getaffinity", lambda _: range(3), raising=False)
    monkeypatch.delenv(cores.VARIABLE, raising=False)
    assert cores.usable_cores() == 3
    monkeypatch.setenv(cores.VARIABLE, "5")
    assert cores.usable_cores() == 5


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5"])
def test_another_value_is_refused_by_name(text, monkeypatch):
    monkeypatch.setenv(cores.VARIABLE, text)
    with pytest.raises(UsageError, match=f"LOOKBACK_THREADS={text}: write a whole number"):
        cores.usable_cores()
