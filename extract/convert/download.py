"""Fetching a file: what was already fetched is kept when the connection breaks."""

import errno
import http
import http.client
import urllib.error
import urllib.request
from pathlib import Path

from tqdm import tqdm

from video.errors import LookbackError

_CHUNK = 1 << 20
_TIMEOUT_SECONDS = 30
_ATTEMPTS = 5


class _StaysSecure(urllib.request.HTTPRedirectHandler):
    """Follows no redirection from https to anything else."""

    def redirect_request(self, request, file, code, message, headers, address):
        if request.type == "https" and not address.startswith("https:"):
            raise urllib.error.URLError(f"it leads away from https, to {address[:80]}")
        return super().redirect_request(request, file, code, message, headers, address)


_opener = urllib.request.build_opener(_StaysSecure)


def download(address: str, path: Path) -> None:
    """Fetch `address` into `path`.

    Bytes gather in `path`.part; where that exists, the rest alone is asked for (a server that knows
    no ranges sends everything again). The file takes its name when it is whole.

    Raises:
        LookbackError: the server cannot be reached, has no such file, or broke off; the message is
            the reason alone.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.part")
    try:
        for _ in range(_ATTEMPTS):
            before = _size(partial)
            if _fetch(address, partial):
                partial.replace(path)
                return
            if _size(partial) <= before:
                break  # it does not move
    except urllib.error.HTTPError as error:
        raise LookbackError(f"the server answers {error.code} ({error.reason})") from None
    except (OSError, http.client.HTTPException) as error:
        if getattr(error, "filename", None) or getattr(error, "errno", None) == errno.ENOSPC:
            raise  # our own disk, not the network
        reason = getattr(error, "reason", None) or error
        told = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
        raise LookbackError(told) from None
    raise LookbackError(f"it broke off after {_size(partial):,} bytes; run it again to go on")


def _fetch(address: str, partial: Path) -> bool:
    """Fetch what `partial` lacks; return whether it is whole now."""
    start = _size(partial)
    headers = {"User-Agent": "lookback", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    try:
        answer = _opener.open(
            urllib.request.Request(address, headers=headers), timeout=_TIMEOUT_SECONDS
        )
    except urllib.error.HTTPError as error:
        if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE or not start:
            raise
        if error.headers.get("Content-Range") == f"bytes */{start}":
            return True
        partial.unlink()  # longer than the file, so of another one
        return _fetch(address, partial)
    with answer:
        if answer.headers.get_content_type() == "text/html":
            raise urllib.error.URLError("the server sends a web page instead of the file")
        start = start if _resumes_at(answer, start) else 0
        length = answer.headers.get("Content-Length")
        total = start + int(length) if length and length.isdigit() else None
        _copy(answer, partial, start, total)
    # Without a length, the end of the answer is the end of the file.
    return total is None or _size(partial) == total


def _resumes_at(answer: http.client.HTTPResponse, start: int) -> bool:
    said = answer.headers.get("Content-Range", "")
    return answer.status == http.HTTPStatus.PARTIAL_CONTENT and said.startswith(f"bytes {start}-")


def _copy(answer: http.client.HTTPResponse, partial: Path, start: int, total: int | None) -> None:
    """Append an answer's body to what `partial` holds up to `start`."""
    with (
        partial.open("ab" if start else "wb") as file,
        tqdm(
            total=total,
            initial=start,
            desc=partial.stem,
            unit="B",
            unit_scale=True,
            disable=None,
        ) as bar,
    ):
        try:
            while chunk := answer.read(_CHUNK):
                file.write(chunk)
                bar.update(len(chunk))
        except (TimeoutError, ConnectionError, http.client.IncompleteRead):
            pass  # what came is kept, and the size shows that more is to come


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
