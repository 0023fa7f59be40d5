"""Copies of single files: down to a mirror, and up again.

A copy carries in its time of modification which content it is the copy of: a number made of the
storage's tag. So a changed file differs in its time from what the storage has, on either side, and
no list of copies is needed that could get lost.
"""

import hashlib
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from storage import remote
from storage.mirror import url_of
from storage.remote import Entry
from video.console import progress_bar

_FIRST_SECOND, _SECONDS = 1_000_000_000, 500_000_000  # times of 2001 to 2017
_THREADS = 8


def is_copy(path: Path, entry: Entry) -> bool:
    """Return whether a file is there and is the copy of what the storage has."""
    try:
        found = path.stat()
    except OSError:
        return False
    return found.st_size == entry.size and found.st_mtime == _time_of(entry)


def fetch(path: Path, entry: Entry) -> None:
    """Copy a file of a mirror down with one request, if it is not there; in one step.

    Raises:
        LookbackError: There is no such file, or the storage cannot be read.
    """
    if is_copy(path, entry):
        return
    temporary = path.with_name(f"part.{path.name}")
    try:
        remote.get(_url(path), temporary)
        os.utime(temporary, (_time_of(entry),) * 2)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def fetch_all(files: Mapping[Path, Entry]) -> None:
    """Copy files of a mirror down that are not there, some at a time."""
    missing = {path: entry for path, entry in files.items() if not is_copy(path, entry)}
    with (
        ThreadPoolExecutor(_THREADS) as pool,
        progress_bar(desc="download", total=len(missing), unit="file") as bar,
    ):
        for _ in pool.map(fetch, missing, missing.values()):
            bar.update()


def send(path: Path, new: bool = False) -> Entry | None:
    """Copy a file of a mirror up.

    Args:
        path: The file.
        new: Whether a file that the storage has stays as it is.

    Returns:
        What the storage has now; None if it was there already, with `new`.

    Raises:
        LookbackError: The storage cannot be written.
    """
    url = _url(path)
    if not remote.put(path, url, new):
        return None
    entry = remote.entry_of(url)
    if entry.size == path.stat().st_size:
        mark(path, entry)
    return entry


def mark(path: Path, entry: Entry) -> None:
    """Make a file the copy of what the storage has, without comparing them."""
    os.utime(path, (_time_of(entry),) * 2)


def _time_of(entry: Entry) -> float:
    number = int.from_bytes(hashlib.sha256(f"{entry.size} {entry.tag}".encode()).digest()[:8])
    return float(_FIRST_SECOND + number % _SECONDS // 2 * 2)  # some disks count in two seconds


def _url(path: Path) -> str:
    url = url_of(path)
    if url is None:
        raise ValueError(f"{path} is in no mirror")
    return url
