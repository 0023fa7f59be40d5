"""A full disk is noticed, told once, and recording goes on when there is room."""

import errno
from pathlib import Path

from live.recording.disk import Disk


class _Place:
    """A disk with a clock and a free space that the test sets."""

    def __init__(self, folder: Path) -> None:
        self.now, self.free, self.told = 0.0, 2e9, []
        self.disk = Disk(folder, 1.0, self.told.append, lambda: self.now, lambda _: self.free)

    def after(self, seconds: float, free: float) -> bool:
        self.now, self.free = self.now + seconds, free
        return self.disk.has_room()


def test_too_little_space_is_told_once_and_its_end_too(tmp_path: Path):
    place = _Place(tmp_path)
    assert place.disk.has_room()
    assert place.after(0.5, 0.5e9)  # looked up once a second
    assert not place.after(1, 0.5e9)
    assert not place.after(1, 0.3e9)
    assert len(place.told) == 1
    assert "0.5 GB" in place.told[0]
    assert "0.3 GB" in place.disk.problem
    assert not place.after(1, 1.01e9)  # it would be over at once
    assert place.after(1, 1.1e9)
    assert place.told[1:] == [""]
    assert place.disk.problem == ""


def test_a_failed_write_is_tried_again_after_ten_seconds(tmp_path: Path):
    place = _Place(tmp_path)
    for _ in range(3):
        place.disk.failed(OSError(errno.ENOSPC, "No space left on device"))
        assert not place.after(9, 2e9)
        assert place.after(2, 2e9)
        assert place.disk.problem == "files cannot be written (No space left on device)"
    place.disk.worked()
    assert place.told == ["files cannot be written (No space left on device)", ""]
    place.disk.worked()
    assert len(place.told) == 2


def test_the_space_of_a_folder_that_is_not_there_is_that_of_its_disk(tmp_path: Path):
    disk = Disk(tmp_path / "new" / "events", 0.0)
    assert disk.free() > 0
    assert not (tmp_path / "new").exists()
    assert disk.has_room()
