"""Calls of fsspec: lists, gets and puts. Every failure is one line with the address.

fsspec and its packages are needed only for addresses (requirements-cluster.txt). Credentials are
those that each provider's own tools find: variables, files in the home folder, or the role of a
machine.
"""

import errno
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from video.errors import LookbackError, UsageError

# Package of each kind of address.
_PACKAGES = {
    "s3": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "az": "adlfs",
    "abfs": "adlfs",
    "hf": "huggingface_hub",
    "http": "aiohttp",
    "https": "aiohttp",
}
_WITH_BUCKETS = ("s3", "gs", "gcs", "az", "abfs")
_THREADS = 8
# Libraries that raise errors of their own about networks and permissions.
_LIBRARIES = {"botocore", "aiobotocore", "aiohttp", "asyncio", "gcsfs", "google", "azure"}
_LIBRARIES |= {"huggingface_hub", "httpx", "requests", "urllib3", "fsspec"}


@dataclass(frozen=True)
class Entry:
    """A file in a listing.

    Attributes:
        size: Its size in bytes; -1 if the server does not tell.
        tag: Text that changes with the content: the ETag, or what the storage has instead.
    """

    size: int
    tag: str


class MissingError(LookbackError):
    """There is no such file, folder or bucket."""


def find(url: str) -> dict[str, Entry]:
    """Return all files below an address, by their path relative to it; itself as an empty text.

    Raises:
        LookbackError: The storage cannot be read.
    """
    with explained(url):
        files, root = _open(url)
        files.invalidate_cache()
        try:
            found = files.find(root, detail=True)
        except FileNotFoundError:
            found = {}
        bucket = root.strip("/").partition("/")[0]
        if not found and url.partition("://")[0] in _WITH_BUCKETS and not files.exists(bucket):
            raise FileNotFoundError
        files.invalidate_cache()  # a list of a million clips takes a gigabyte there
        named = {name: info for name, info in found.items() if not name.endswith("/")}
        unknown = [name for name, info in named.items() if info.get("size") is None]
        with ThreadPoolExecutor(_THREADS) as pool:  # lists of web servers have names only
            named |= zip(unknown, pool.map(files.info, unknown), strict=True)
    root = root.rstrip("/")
    return {name[len(root) :].lstrip("/"): _entry(info) for name, info in named.items()}


def entry_of(url: str) -> Entry:
    """Return what the storage has at an address.

    Raises:
        LookbackError: There is no such file, or the storage cannot be read.
    """
    with explained(url):
        files, name = _open(url)
        files.invalidate_cache(files._parent(name))
        return _entry(files.info(name))


def _entry(info: dict[str, Any]) -> Entry:
    names = ("ETag", "etag", "md5Hash", "blob_id", "LastModified", "last_modified", "mtime")
    tag = next((info[name] for name in (*names, "created") if info.get(name)), "")
    if isinstance(tag, datetime):  # lists have seconds instead in some kinds of storage
        tag = tag.timestamp()
    size = info.get("size")
    return Entry(-1 if size is None else int(size), str(tag).strip('"'))


@contextmanager
def opened(url: str, block: int = 2**16) -> Iterator[Any]:
    """Open a file of which little is read, in blocks of some bytes.

    Raises:
        LookbackError: There is no such file, or the storage cannot be read.
    """
    with explained(url):
        files, name = _open(url)
        with files.open(name, "rb", block_size=block, cache_type="blockcache") as file:
            yield file


def get(url: str, path: Path) -> None:
    """Copy a file down, with one request; the folder is made.

    Raises:
        LookbackError: There is no such file, or the storage cannot be read.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with explained(url):
        files, name = _open(url)
        # s3fs would begin large files twice: once to learn the length, and then in ranges.
        files.get_file(name, str(path), **({"max_concurrency": 1} if _is_s3(url) else {}))


def put(path: Path, url: str, new: bool = False) -> bool:
    """Copy a file up, in one step: others see the whole file or none.

    Args:
        path: The file.
        url: Where it goes.
        new: Whether a file that is there already stays as it is.

    Returns:
        Whether the file was written; without `new` always.

    Raises:
        LookbackError: The storage cannot be written.
    """
    with explained(url, "write"):
        files, name = _open(url)
        if url.startswith("http"):  # fsspec would try to send it by POST
            raise NotImplementedError
        try:
            files.put_file(str(path), name, mode="create" if new else "overwrite")
        except FileExistsError:
            if not new:
                raise
            return False
    return True


def remove(url: str) -> None:
    """Remove a file, if it is there.

    Raises:
        LookbackError: The storage refuses.
    """
    with explained(url, "delete"):
        files, name = _open(url)
        with suppress(FileNotFoundError):
            files.rm_file(name)


def _is_s3(url: str) -> bool:
    return url.startswith(("s3://", "s3a://"))


def _open(url: str) -> tuple[Any, str]:
    """Return the file system of an address, and the name in it."""
    from fsspec.core import url_to_fs

    files, name = url_to_fs(url)
    return files, str(name)


@contextmanager
def explained(url: str, verb: str = "read") -> Iterator[None]:
    """Turn what a storage raises into `LookbackError`.

    Args:
        url: The address, for the message.
        verb: What is done: read, write or delete.
    """
    kind = url.partition("://")[0]
    try:
        yield
    except ImportError:
        package = _PACKAGES.get(kind, "fsspec")
        raise LookbackError(
            f"{url}: {kind}:// needs the package {package}; "
            "python -m pip install -r requirements-cluster.txt"
            + ("" if package in ("fsspec", "s3fs", "aiohttp") else f" {package}")
        ) from None
    except ValueError as error:
        if "rotocol not known" not in str(error):
            raise
        raise UsageError(
            f"{url}: {kind}:// is no known storage; use s3://, gs://, az://, hf:// or https://"
        ) from None
    except FileNotFoundError:
        raise MissingError(f"{url}: there is no such file, folder or bucket") from None
    except PermissionError:
        raise LookbackError(
            f"{url}: no permission to {verb} it; docs/scale.md lists what is needed"
        ) from None
    except NotImplementedError:
        raise LookbackError(f"{url}: {kind}:// cannot {verb} files; name another place") from None
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise LookbackError(
                f"{url}: the local disk is full; the variable LOOKBACK_CACHE names another folder"
            ) from None
        reason = os.strerror(error.errno) if error.errno and not str(error) else str(error)
        raise LookbackError(f"{url}: cannot {verb} it ({reason[:200]})") from None
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in _LIBRARIES:
            raise
        raise LookbackError(f"{url}: cannot {verb} it ({_reason(error)})") from None


def _reason(error: Exception) -> str:
    """Return the reason of a library's error; missing credentials in words of our own."""
    if "Credential" in type(error).__name__:
        return (
            "no credentials; log in as for the provider's own tools, such as with `aws configure`, "
            "or give the machine a role"
        )
    return (str(error) or type(error).__name__).partition("\n")[0][:200]
