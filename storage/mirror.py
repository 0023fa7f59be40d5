"""Mirrors: where the local copy of something on S3 or other storage lies.

`s3://bucket/set/clips/run/a.mp4` is at `<cache>/mirrors/s3/bucket/set/clips/run/a.mp4`, so a path
below `mirrors/` says by itself which address it is the copy of, and neighbors stay neighbors.
"""

import os
import re
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote, unquote

CACHE = "LOOKBACK_CACHE"  # variable with the cache folder

_URL = re.compile(r"(?P<kind>[a-z][a-z0-9+.]+)://(?P<host>[^/?#]*)/*(?P<name>[^?#]*)")


def is_url(text: str | os.PathLike[str]) -> bool:
    """Return whether a text is an address on some storage, not a path.

    >>> is_url("s3://bucket/set"), is_url("data"), is_url("C:/data")
    (True, False, False)
    """
    return _URL.match(os.fspath(text)) is not None


def cache_folder() -> Path:
    """Return the folder of mirrors: `LOOKBACK_CACHE`, or the usual cache of the system."""
    if given := os.environ.get(CACHE):
        return Path(os.path.abspath(given)) / "mirrors"
    if sys.platform == "win32":
        usual = os.environ.get("LOCALAPPDATA", "~/AppData/Local")
    elif sys.platform == "darwin":
        usual = "~/Library/Caches"
    else:
        usual = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    folder = Path(os.path.expanduser(usual))
    there = next(each for each in (folder, *folder.parents) if each.exists())
    if not folder.is_absolute() or not os.access(there, os.W_OK):  # such as in a container
        folder = Path(tempfile.gettempdir())
    return folder / "lookback" / "mirrors"


def local_path(url: str) -> Path:
    """Return the path of the local copy of an address.

    >>> local_path("s3://bucket/set/").relative_to(cache_folder()).as_posix()
    's3/bucket/set'
    """
    found = _URL.fullmatch(url)
    if not found or ".." in found["name"].split("/"):
        raise ValueError(f"{url} is no address of a file or folder")
    host = quote(found["host"], safe="") or "-"  # a port has a colon, which Windows forbids
    return cache_folder() / found["kind"] / host / found["name"].strip("/")


def url_of(path: str | os.PathLike[str]) -> str | None:
    """Return the address of which a path is the local copy; None if it is no mirror's.

    >>> url_of(local_path("s3://bucket/set")), url_of("data/features")
    ('s3://bucket/set', None)
    """
    absolute, root = os.path.abspath(path), str(cache_folder())
    if not absolute.startswith(root + os.sep):
        return None
    kind, *rest = Path(absolute[len(root) + 1 :]).parts
    if not rest:
        return None
    host = "" if rest[0] == "-" else unquote(rest[0])
    return f"{kind}://{'/'.join([host, *rest[1:]])}"


def with_urls(text: str) -> str:
    """Return a message with the addresses of mirrors instead of their local paths.

    >>> with_urls(f"{local_path('s3://bucket/set/a.mp4')}: is damaged")
    's3://bucket/set/a.mp4: is damaged'
    """
    root = str(cache_folder()) + os.sep
    if root not in text:
        return text
    form = re.compile(re.escape(root) + r"(?P<kind>[^\s/\\]+)[/\\](?P<host>[^\s/\\:]+)")
    return form.sub(
        lambda at: f"{at['kind']}://{'' if at['host'] == '-' else unquote(at['host'])}", text
    )
