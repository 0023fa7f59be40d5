"""A bug of ours that rejects a video fails the test in which it does so."""

import logging
from collections.abc import Iterator

import pytest

from video.libav import LOG, is_own


class _OwnFaults(logging.Handler):
    """Collects the errors that became a rejection of a video but that our own code raised."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and is_own(record.exc_info[1]):
            self.found.append(self.format(record))


@pytest.fixture(autouse=True)
def no_own_fault_is_a_videos(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test in which a video was rejected for a fault of ours; `own_faults` allows it."""
    faults = _OwnFaults()
    level = LOG.level
    LOG.addHandler(faults)
    LOG.setLevel(logging.DEBUG)
    yield
    LOG.removeHandler(faults)
    LOG.setLevel(level)
    if faults.found and not request.node.get_closest_marker("own_faults"):
        pytest.fail("a video was rejected for a fault of ours:\n" + "\n".join(faults.found))
