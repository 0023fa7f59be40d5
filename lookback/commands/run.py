"""Classify live video: a webcam, a video file or a network stream."""

import argparse
from pathlib import Path

from live.cameras.addresses import require_sources
from recipes.command_line import BACKBONE_FLAGS, WEIGHTS_FLAG, Flag, parser, settings

_OWN = "head to predict with; own: the fine-tuned backbone's classifier"
_NOT_OWN = "the second stage, or own if there is none"
FLAGS = (Flag("--head", "sequence.head", _OWN, "NAME", _NOT_OWN), *BACKBONE_FLAGS)


def _camera(text: str) -> int | str:
    return int(text) if text.isdigit() else text


def _parsed(arguments: list[str] | None) -> argparse.Namespace:
    flags = parser("run", __doc__, FLAGS, places=(WEIGHTS_FLAG,))
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
    flags.add_argument("--csv", type=Path, metavar="FILE", help="CSV file for the probabilities")
    flags.add_argument("--save", type=Path, metavar="FILE.mp4", help="file for the annotated video")
    flags.add_argument("--no-window", action="store_true", help="do not open a window")
    flags.add_argument(
        "--verbose", action="store_true", help="print the probability and the latency of every step"
    )
    return flags.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    parsed = _parsed(arguments)
    require_sources(parsed.video, parsed.webcam, parsed.url, parsed.cameras)
    chosen = settings(parsed)
    # Check the command line first: the imports below are slow.
    from live.signals import ended_by_signals
    from live.watching.command import run_command_line

    with ended_by_signals():
        run_command_line(parsed, chosen)
    return 0
