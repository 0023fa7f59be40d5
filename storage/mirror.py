"""Mirrors: where the local copy of something on S3 or other storage lies.

`s3://bucket/set/clips/run/a.mp4` is at `<cache>/mirrors/s3/bucket/set/clips/run/a.mp4`, so a path
below `mirrors/` says by itself which address it is the copy of, and neighbors stay neighbors. A
program has its mirrors to itself: a second one on the same disk uses `mirrors-2/`.
"""

import logging
import os
import re
import sys
import tempfile
from itertools import count
from pathlib import Path
from urllib.parse import quote, unquote

from filelock import FileLock, Timeout

from video.console import add_filter
from video.errors import UsageError

CACHE = "LOOKBACK_CACHE"  # variable with the cache folder

_URL = re.compile(r"(?P<kind>[a-z][a-z0-9+.]+)://(?P<host>[^/?#]*)/*(?P<name>[^?#]*)")
_taken: dict[str, tuple[Path, FileLock]] = {}  # the mirrors of this process, by cache folder


def is_url(text: str | os.PathLike[str]) -> bool:
    """Return whether a text is an address on some storage, not a path.

    >>> is_url("s3://bucket/set"), is_url("data"), is_url("C:/data")
    (True, False, False)
    """
    return _URL.match(os.fspath(text)) is not None


def cache_folder() -> Path:
    """Return `LOOKBACK_CACHE`, or a folder in the usual cache of the system."""
    if given := os.environ.get(CACHE):
        return Path(os.path.abspath(given))
    if sys.platform == "win32":
        usual = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    elif sys.platform == "darwin":
        usual = "~/Library/Caches"
    else:
        usual = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    folder = Path(os.path.expanduser(usual))
    there = next((each for each in (folder, *folder.parents) if each.exists()), folder)
    if not folder.is_absolute() or not os.access(there, os.W_OK):  # such as in a container
        folder = Path(tempfile.gettempdir())
    return folder / "lookback"


def root() -> Path:
    """Return the folder of this process's mirrors; the first that no other process uses."""
    cache = cache_folder()
    if str(cache) not in _taken:
        for number in count(1):
            folder = cache / ("mirrors" if number == 1 else f"mirrors-{number}")
            folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(folder / ".lock")
            try:
                lock.acquire(timeout=0)
            except Timeout:
                continue
            except NotImplementedError:  # a disk without locks
                pass
            _taken[str(cache)] = folder, lock
            break
    return _taken[str(cache)][0]


def local_path(url: str) -> Path:
    """Return the path of the local copy of an address.

    Raises:
        UsageError: It is no address of a file or folder.
    """
    found = _URL.fullmatch(url)
    if not found or not found["host"] or ".." in found["name"].split("/"):
        raise UsageError(f"{url}: is no address of a file or folder, such as s3://bucket/folder")
    host = quote(found["host"], safe="")  # a port has a colon, which Windows forbids
    return root() / found["kind"] / host / found["name"].strip("/")


def url_of(path: str | os.PathLike[str]) -> str | None:
    """Return the address of which a path is the local copy; None if it is in no mirror."""
    absolute = os.path.abspath(path)
    for folder, _ in _taken.values():
        if absolute.startswith(f"{folder}{os.sep}"):
            kind, *rest = Path(absolute).relative_to(folder).parts
            return f"{kind}://{'/'.join([unquote(rest[0]), *rest[1:]])}" if rest else None
    return None


def with_urls(text: str) -> str:
    """Return a message with addresses instead of the local paths of their mirrors."""
    for folder, _ in _taken.values():
        if str(folder) in text:
            there = re.escape(f"{folder}{os.sep}") + r"([^\s/\\]+)[/\\]([^\s/\\:]+)"
            text = re.sub(there, _address, text)
    return text


class _Addresses(logging.Filter):
    """Shows addresses instead of the paths of mirrors in messages."""

    def filter(self, record: logging.LogRecord) -> bool:
        if _taken:
            record.msg, record.args = with_urls(record.getMessage()), ()
        return True


add_filter(_Addresses())


def _address(found: re.Match) -> str:
    return f"{found[1]}://{unquote(found[2])}"
