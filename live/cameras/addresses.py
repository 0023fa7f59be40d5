"""Addresses of sources: their kinds, and a check that each was passed to the right flag."""

from pathlib import Path

from recipes.commands import command
from video.errors import UsageError


def source_kind(address: int | str) -> str:
    """Return the key of `video.sources.SOURCES` that opens an address.

    Args:
        address: The index or device of a camera, the address of a stream, or the path of a file.

    >>> source_kind(0), source_kind("rtsp://host/stream"), source_kind("match.mp4")
    ('webcam', 'url', 'video')
    """
    if isinstance(address, int) or address.startswith("/dev/video"):
        return "webcam"
    return "url" if "://" in address else "video"


def require_right_flag(kind: str, address: str) -> None:
    """Raise `UsageError` if the address belongs to another flag of run.py.

    Args:
        kind: The flag that it was given to: `video`, `webcam` or `url`.
        address: The file, camera or address as it was typed.
    """
    if "://" in address:
        right = "url"
    elif kind != "webcam" and Path(address).is_file():
        right = kind  # a stream can be opened from a file, too
    elif address.isdigit() or address.startswith("/dev/video"):
        right = "webcam"
    else:
        right = "video" if Path(address).is_file() else kind
    if right != kind:
        # An address may hold a password: it is not repeated.
        shown = "ADDRESS" if right == "url" else address
        raise UsageError(
            f"--{kind} {shown}: that is for --{right}: {command('run')} --{right} {shown}"
        )
