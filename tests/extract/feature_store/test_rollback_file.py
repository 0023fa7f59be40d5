"""Rollback journal: after a crash at any point, the file is as at its last commit."""

import errno
import os
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

from extract.feature_store import rollback_file
from extract.feature_store.rollback_file import RollbackFile, journal_path, roll_back

LARGEST = 24_000  # six pages of 4096


@pytest.fixture
def no_fsync(monkeypatch):
    """Skip fsync: the tests simulate thousands of crashes of the process, none of the disk."""
    monkeypatch.setattr(rollback_file.os, "fsync", lambda descriptor: None)


def crashed_copy(path: Path, to: Path) -> Path:
    """Return a copy of the file and its journal, as a kill at this moment would leave them."""
    for source, target in ((path, to), (journal_path(path), journal_path(to))):
        target.unlink(missing_ok=True)
        if source.exists():
            shutil.copyfile(source, target)
    return to


def written(file: RollbackFile, offset: int, data: bytes) -> None:
    file.seek(offset)
    assert file.write(data) == len(data)


def committed(path: Path, content: bytes) -> RollbackFile:
    file = RollbackFile(path)
    written(file, 0, content)
    file.commit()
    return file


class FullDisk:
    """File on a disk with room for `limit` bytes; a write across the limit is cut short."""

    def __init__(self, file, limit: int) -> None:
        self._file, self.limit = file, limit

    def __getattr__(self, name: str):
        return getattr(self._file, name)

    def write(self, data) -> int:
        room = self.limit - self._file.tell()
        if room <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return self._file.write(data[:room])


@pytest.mark.usefixtures("no_fsync")
@pytest.mark.parametrize("seed", range(12))
def test_a_crash_after_any_operation_restores_the_last_commit(seed, tmp_path):
    random = np.random.default_rng(seed)
    path, copy = tmp_path / "file", tmp_path / "copy"
    file = RollbackFile(path)
    now, last = bytearray(), b""  # what a plain file would hold, and held at the last commit
    for _ in range(60):
        kind = random.choice(["write", "write", "write", "truncate", "commit", "reopen"])
        if kind == "write":
            offset, length = random.integers(LARGEST), random.integers(1, 9000)
            data = random.bytes(length)
            now.extend(bytes(max(0, offset + length - len(now))))
            now[offset : offset + length] = data
            written(file, offset, data)
        elif kind == "truncate":
            size = int(random.integers(LARGEST))
            now = now[:size] + bytes(max(0, size - len(now)))
            assert file.truncate(size) == size
        elif kind == "commit":
            file.commit()
            last = bytes(now)
        elif random.random() < 0.5:
            file.close()
            assert path.read_bytes() == last
            file, now = RollbackFile(path), bytearray(last)
        file.seek(0)
        assert file.read() == now
        roll_back(crashed_copy(path, copy))
        assert copy.read_bytes() == last
    file.close()


@pytest.mark.usefixtures("no_fsync")
def test_a_crash_inside_an_operation_restores_the_last_commit(tmp_path, monkeypatch):
    """The files are copied before every single write to the file or the journal."""
    monkeypatch.setattr(rollback_file, "_PAGE", 64)
    path, copy = tmp_path / "file", tmp_path / "copy"
    content = bytes(range(200))
    file = committed(path, content)
    states = 0

    class Watched:
        def __init__(self, raw) -> None:
            self._raw = raw

        def __getattr__(self, name: str):
            return getattr(self._raw, name)

        def write(self, data) -> int:
            nonlocal states
            done = 0
            for length in (len(data) // 2, len(data) - len(data) // 2):  # torn in the middle too
                roll_back(crashed_copy(path, copy))
                assert copy.read_bytes() == content
                states += 1
                done += self._raw.write(data[done : done + length])
            return done

    file._file = Watched(file._file)
    file._save(0, 0)  # begins the journal
    file._journal = Watched(file._journal)
    for offset, length in ((10, 20), (60, 10), (190, 40), (0, 200), (300, 5)):
        written(file, offset, b"x" * length)
    file.truncate(70)
    assert file.error is None
    assert states > 10
    roll_back(crashed_copy(path, copy))
    assert copy.read_bytes() == content


@pytest.mark.usefixtures("no_fsync")
def test_a_journal_cut_at_any_length_restores_the_last_commit(tmp_path, monkeypatch):
    monkeypatch.setattr(rollback_file, "_PAGE", 64)
    path, copy = tmp_path / "file", tmp_path / "copy"
    content = bytes(range(150))
    file = committed(path, content)
    journals, files = [b""], [content]
    for page in range(3):
        written(file, 64 * page + 3, b"new!")
        journals.append(journal_path(path).read_bytes())
        files.append(path.read_bytes())
    written(file, 150, b"appended")  # needs no record: the size in the header cuts it off
    assert journal_path(path).read_bytes() == journals[-1]
    for number in range(3):
        # The record is being written, so the page it saves still holds what it held.
        for length in range(len(journals[number]), len(journals[number + 1])):
            copy.write_bytes(files[number])
            journal_path(copy).write_bytes(journals[number + 1][:length])
            assert roll_back(copy)
            assert copy.read_bytes() == content, (number, length)
            assert not journal_path(copy).exists()


@pytest.mark.usefixtures("no_fsync")
def test_torn_record_of_full_length_is_ignored(tmp_path, monkeypatch):
    """Blocks of a file may reach the disk in any order: a hole of zeros fails the checksum."""
    monkeypatch.setattr(rollback_file, "_PAGE", 64)
    path = tmp_path / "file"
    content = bytes(range(100, 200))
    file = committed(path, content)
    written(file, 0, b"new!")
    journal = bytearray(journal_path(path).read_bytes())
    journal[-20:] = bytes(20)
    copy = tmp_path / "copy"
    copy.write_bytes(content)
    journal_path(copy).write_bytes(journal)
    roll_back(copy)
    assert copy.read_bytes() == content


def test_rolling_back_can_itself_be_killed_and_run_again(tmp_path, monkeypatch):
    path = tmp_path / "file"
    content = os.urandom(20_000)
    file = committed(path, content)
    written(file, 0, bytes(30_000))
    crashed_copy(path, tmp_path / "copy")

    def killed(descriptor):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(rollback_file.os, "fsync", killed)
        with pytest.raises(KeyboardInterrupt):
            roll_back(tmp_path / "copy")
    assert roll_back(tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == content


def test_a_file_that_is_opened_after_a_crash_shows_the_last_commit(tmp_path):
    content = os.urandom(9000)
    file = committed(tmp_path / "file", content)
    written(file, 4000, bytes(8000))
    crashed_copy(tmp_path / "file", tmp_path / "copy")
    again = RollbackFile(tmp_path / "copy")
    again.seek(0)
    assert again.read() == content
    written(again, 0, b"goes on")
    again.commit()
    again.close()
    assert (tmp_path / "copy").read_bytes() == b"goes on" + content[7:]


def test_without_a_journal_there_is_nothing_to_do(tmp_path):
    committed(tmp_path / "file", b"content").close()
    assert not roll_back(tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == b"content"


def test_the_journal_exists_between_the_first_write_and_the_commit_alone(tmp_path):
    journal = journal_path(tmp_path / "file")
    file = committed(tmp_path / "file", b"content")
    assert not journal.exists()
    file.seek(0)
    file.read()
    assert not journal.exists()
    written(file, 0, b"x")
    assert journal.exists()
    file.commit()
    assert not journal.exists()


def test_a_new_file_that_was_never_committed_is_empty(tmp_path):
    file = RollbackFile(tmp_path / "file")
    written(file, 0, b"content")
    file.close()
    assert (tmp_path / "file").read_bytes() == b""


def test_closing_twice_is_allowed(tmp_path):
    file = committed(tmp_path / "file", b"content")
    written(file, 0, b"x")
    file.close()
    file.close()
    assert (tmp_path / "file").read_bytes() == b"content"


@pytest.mark.parametrize("limit", [0, 1, 4096, 10_000, 15_000])
def test_a_failed_write_is_remembered_and_the_commit_raises_it(limit, tmp_path):
    content = os.urandom(10_000)
    file = committed(tmp_path / "file", content)
    file._file = FullDisk(file._file, limit)
    written(file, 0, bytes(limit + 1))  # does not raise: that would crash the HDF5 library
    assert file.error.errno == errno.ENOSPC
    before = (tmp_path / "file").read_bytes()
    written(file, 0, b"later writes are dropped")
    file.truncate(3)
    file.flush()
    assert (tmp_path / "file").read_bytes() == before
    for _ in range(2):
        with pytest.raises(OSError, match="No space left"):
            file.commit()
    file.close()
    assert (tmp_path / "file").read_bytes() == content


@pytest.mark.parametrize("limit", [0, 7, 16, 20, 2000, 4112, 5000])
def test_a_journal_that_does_not_fit_on_the_disk_protects_the_page(limit, tmp_path, monkeypatch):
    content = os.urandom(10_000)
    file = committed(tmp_path / "file", content)
    real_open = Path.open

    def open_on_full_disk(self, mode="r", *arguments, **options):
        opened = real_open(self, mode, *arguments, **options)
        return FullDisk(opened, limit) if mode == "wb" else opened

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", open_on_full_disk)
        written(file, 0, bytes(10_000))
    assert file.error is not None
    with pytest.raises(OSError, match=r"No space left"):
        file.commit()
    assert crashed_copy(tmp_path / "file", tmp_path / "copy")
    roll_back(tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == content
    file.close()
    assert (tmp_path / "file").read_bytes() == content


def test_a_commit_that_the_disk_refuses_is_undone_by_closing(tmp_path, monkeypatch):
    file = committed(tmp_path / "file", b"content")
    written(file, 0, b"changed")

    def refuse(descriptor):
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(rollback_file.os, "fsync", refuse)
        with pytest.raises(OSError, match="Input/output"):
            file.commit()
    file.close()
    assert (tmp_path / "file").read_bytes() == b"content"


def test_hdf5_on_a_full_disk_ends_without_a_crash_and_with_the_last_commit(tmp_path):
    raw = RollbackFile(tmp_path / "file.h5")
    file = h5py.File(raw, "w")
    file["kept"] = np.arange(1000)
    file.flush()
    raw.commit()
    raw._file = FullDisk(raw._file, 20_000)
    file["lost"] = np.arange(10_000)
    del file["kept"]
    file.flush()
    with pytest.raises(OSError, match="No space left"):
        raw.commit()
    file.close()
    raw.close()
    with h5py.File(tmp_path / "file.h5") as file:
        assert list(file) == ["kept"]
        assert (file["kept"][:] == np.arange(1000)).all()
