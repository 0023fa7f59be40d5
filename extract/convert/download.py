"""Resumable download of a file, with a SHA-256 check."""

import errno
import hashlib
import http
import http.client
import re
import urllib.error
import urllib.request
from pathlib import Path

from video.console import progress_bar
from video.errors import LookbackError

_CHUNK = 1 << 20
_TIMEOUT_SECONDS = 30
_ATTEMPTS = 5


class _StaysSecure(urllib.request.HTTPRedirectHandler):
    """Redirect handler that refuses to leave https and records the SHA-256 that a server states.

    Hugging Face sends it in the redirect's header X-Linked-Etag (huggingface_hub/constants.py).

    Attributes:
        stated: SHA-256 in hex; empty if the server sent none.
    """

    stated = ""

    def redirect_request(self, request, file, code, message, headers, address):
        if request.type == "https" and not address.startswith("https:"):
            raise urllib.error.URLError(f"it redirects away from https, to {address[:80]}")
        stated = re.fullmatch(r'"?([0-9a-f]{64})"?', headers.get("X-Linked-Etag", ""))
        self.stated = stated.group(1) if stated else self.stated
        return super().redirect_request(request, file, code, message, headers, address)


def download(address: str, path: Path, sha256: str = "") -> bool:
    """Download `address` to `path`, and check the SHA-256 if one is known.

    The bytes go to `path`.part, which is renamed when complete. If it exists, only the rest is
    requested; a server without range requests sends everything again.

    Args:
        address: URL of the file.
        path: Path to write to.
        sha256: SHA-256 in hex that the publisher states, or its first digits; empty if none is
            known. A SHA-256 that the server states is checked as well.

    Returns:
        Whether a SHA-256 was checked.

    Raises:
        LookbackError: The server is unreachable, lacks the file or broke off, or the SHA-256
            differs. The message is only the reason.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    redirects = _StaysSecure()
    opener = urllib.request.build_opener(redirects)
    partial = path.with_name(f"{path.name}.part")
    try:
        for _ in range(_ATTEMPTS):
            before = _size(partial)
            if _fetch(opener, address, partial):
                _check(partial, [sha256, redirects.stated])
                partial.replace(path)
                return bool(sha256 or redirects.stated)
            if _size(partial) <= before:
                break  # no progress
    except urllib.error.HTTPError as error:
        raise LookbackError(f"the server answers {error.code} ({error.reason})") from None
    except (OSError, http.client.HTTPException) as error:
        if getattr(error, "filename", None) or getattr(error, "errno", None) == errno.ENOSPC:
            raise  # the local disk failed, not the network
        reason = getattr(error, "reason", None) or error
        message = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
        raise LookbackError(message) from None
    raise LookbackError(f"it broke off after {_size(partial):,} bytes; run it again to continue")


def _check(partial: Path, stated: list[str]) -> None:
    """If the SHA-256 of a file differs from a stated one, remove it and raise `LookbackError`."""
    if any(stated) and not all(sha256_of(partial).startswith(digits) for digits in stated):
        partial.unlink()
        raise LookbackError("its SHA-256 differs from the stated one, so it was removed")


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's content in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fetch(opener: urllib.request.OpenerDirector, address: str, partial: Path) -> bool:
    """Download the missing rest of `partial`; return whether it is complete."""
    start = _size(partial)
    headers = {"User-Agent": "lookback", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    try:
        answer = opener.open(
            urllib.request.Request(address, headers=headers), timeout=_TIMEOUT_SECONDS
        )
    except urllib.error.HTTPError as error:
        if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE or not start:
            raise
        if error.headers.get("Content-Range") == f"bytes */{start}":
            return True
        partial.unlink()  # longer than the file, so it belongs to another one
        return _fetch(opener, address, partial)
    with answer:
        if answer.headers.get_content_type() == "text/html":
            raise urllib.error.URLError("the server sends a web page instead of the file")
        start = start if _resumes_at(answer, start) else 0
        length = answer.headers.get("Content-Length")
        total = start + int(length) if length and length.isdigit() else None
        _copy(answer, partial, start, total)
    # Without a Content-Length, the end of the response is the end of the file.
    return total is None or _size(partial) == total


def _resumes_at(answer: http.client.HTTPResponse, start: int) -> bool:
    content_range = answer.headers.get("Content-Range", "")
    partial = answer.status == http.HTTPStatus.PARTIAL_CONTENT
    return partial and content_range.startswith(f"bytes {start}-")


def _copy(answer: http.client.HTTPResponse, partial: Path, start: int, total: int | None) -> None:
    """Append a response's body to `partial`, which holds the bytes up to `start`."""
    with (
        partial.open("ab" if start else "wb") as file,
        progress_bar(
            total=total,
            initial=start,
            desc=partial.stem,
            unit="B",
            unit_scale=True,
        ) as bar,
    ):
        try:
            while chunk := answer.read(_CHUNK):
                file.write(chunk)
                bar.update(len(chunk))
        except (TimeoutError, ConnectionError, http.client.IncompleteRead):
            pass  # the caller sees from the size that the file is incomplete


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
