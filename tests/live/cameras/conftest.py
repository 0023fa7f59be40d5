"""Messages of cameras, whatever other tests have done with the loggers."""

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def captured_messages(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Let `caplog` have the messages of the project, each once, also while a console is open."""
    root = logging.getLogger("lookback")
    level, propagate = root.level, root.propagate
    root.addHandler(caplog.handler)
    root.setLevel(logging.INFO)
    root.propagate = False
    yield
    root.removeHandler(caplog.handler)
    root.setLevel(level)
    root.propagate = propagate
