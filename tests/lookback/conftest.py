"""Fixtures of the Python API's tests."""

from tests.live.conftest import odd_project  # noqa: F401 (a fixture)
