"""Flags of run.py that name sources and what acts on their events."""

import argparse
from pathlib import Path

from live.cameras.addresses import require_right_flag
from video.errors import UsageError

PAGE = "127.0.0.1:8000"


def add_source_flags(flags: argparse.ArgumentParser) -> None:
    """Add the flags of sources, alarms and the page."""
    flags.add_argument("--video", metavar="FILE", help="video file")
    flags.add_argument(
        "--webcam",
        action="append",
        nargs="?",
        const=0,
        type=_camera,
        metavar="N",
        help="webcam index or device (default: 0); may be repeated",
    )
    flags.add_argument(
        "--url",
        action="append",
        metavar="ADDRESS",
        help="network stream: rtsp://host/stream; may be repeated",
    )
    flags.add_argument("--cameras", type=Path, metavar="FILE", help="YAML file with cameras")
    flags.add_argument(
        "--once", action="store_true", help="end, with exit code 1, when a camera is lost"
    )
    flags.add_argument(
        "--alarm",
        action="append",
        metavar="CLASS",
        help="class that raises alarms; may be repeated (default: alarms.classes of the recipe)",
    )
    flags.add_argument(
        "--notify-test", action="store_true", help="send a test message to every target, and end"
    )
    flags.add_argument(
        "--serve",
        nargs="?",
        const=PAGE,
        metavar="ADDRESS",
        help=f"serve the page (default address: {PAGE}); without --video and without cameras, "
        "webcam 0",
    )
    flags.add_argument(
        "--serve-name",
        action="append",
        default=[],
        metavar="HOST",
        help="further name by which browsers reach the page; may be repeated",
    )
    flags.add_argument(
        "--token", type=Path, metavar="FILE", help="file with the token of a page for a network"
    )


def require_sources(parsed: argparse.Namespace) -> None:
    """Raise `UsageError` unless there is one file, or one camera and more, each after its own flag.

    Args:
        parsed: The parsed flags.
    """
    for kind in ("video", "webcam", "url"):
        given = getattr(parsed, kind)
        for address in given if isinstance(given, list) else [given]:
            if address is not None:
                require_right_flag(kind, str(address))
    live = bool(parsed.webcam or parsed.url or parsed.cameras)
    if parsed.notify_test:
        return
    if parsed.video is not None:
        if live:
            raise UsageError("--video plays one file and goes with no camera; leave one out")
        for flag in ("alarm", "serve", "once"):
            if getattr(parsed, flag):
                raise UsageError(
                    f"--{flag} is for cameras; to play a file as a camera, name it in --cameras"
                )
    elif parsed.segments:
        raise UsageError("--segments is the timeline of a file; name it with --video")
    elif not live and not parsed.serve:
        raise UsageError("one of the arguments --webcam --video --url --cameras is required")


def _camera(text: str) -> int | str:
    return int(text) if text.isdigit() else text
