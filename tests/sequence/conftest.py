"""Fixtures of the sequence tests."""

from pathlib import Path

import pytest

from tests.running import run_script


@pytest.fixture(scope="session")
def report(project, tmp_path_factory) -> Path:
    """The report folder of the small project for its test split, with explained clips."""
    folder = tmp_path_factory.mktemp("report")
    run_script("evaluate.py", [*project.arguments, "--out", folder, "--explain", "1"])
    return folder
