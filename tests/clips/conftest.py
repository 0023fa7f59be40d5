"""Small data folders for the tests of this room."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import distinct_copy, write_coded_video


@pytest.fixture(scope="session")
def one_clip(tmp_path_factory) -> Path:
    return write_coded_video(tmp_path_factory.mktemp("clip") / "clip.mp4", frames=3)


@pytest.fixture
def add(tmp_path, one_clip) -> Callable[..., None]:
    """Return a function that puts clips below tmp_path/clips: add("walk/v_g01_c1.mp4", ...)."""

    def put(*names: str) -> None:
        for name in names:
            distinct_copy(one_clip, tmp_path / "clips" / name)

    return put


@pytest.fixture
def data(tmp_path, add) -> Path:
    """A data folder: two classes, five groups each, two clips a group."""
    add(*(f"{c}/v_{c}_g{g:02}_c{n}.mp4" for c in ("walk", "run") for g in range(5) for n in (1, 2)))
    return tmp_path
