"""Fixtures of the page."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from tests.live.page.fakes import FakePage, make_page


@pytest.fixture
def page() -> FakePage:
    """A page at 127.0.0.1:8000 with two live cameras."""
    return make_page()


@pytest.fixture
def client(page: FakePage) -> Iterator[TestClient]:
    """A client of `page` on the same machine."""
    with TestClient(page.app, base_url="http://127.0.0.1:8000") as client:
        yield client
