"""A part is renamed on a disk; on a storage, its name is written once."""

import pytest

from storage.mirror import local_path
from storage.parts import commit


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "writing-1.h5"
    path.write_text("mine")
    return path


def test_on_a_disk_a_part_is_renamed(file, tmp_path):
    target = tmp_path / "part-1.h5"
    assert commit(file, target) == target
    assert target.read_text() == "mine"
    assert not file.exists()


def test_a_new_part_goes_up(memory, file, gets):
    target = local_path(f"{memory.url}/features/part-1.h5")
    target.parent.mkdir(parents=True)
    assert commit(file, target) == target
    assert memory.read("features/part-1.h5") == b"mine"
    assert target.read_text() == "mine"
    assert not file.exists()
    assert not gets


def test_the_first_part_of_a_name_counts(memory, file):
    memory.put("features/part-1.h5", "of another attempt")
    target = local_path(f"{memory.url}/features/part-1.h5")
    target.parent.mkdir(parents=True)
    assert commit(file, target) == target
    assert target.read_text() == "of another attempt"
    assert memory.read("features/part-1.h5") == b"of another attempt"
    assert not file.exists()
