"""Classify live video: a webcam, a video file or a network stream."""

import argparse
from pathlib import Path

from live.cameras.addresses import require_right_flag
from recipes.command_line import BACKBONE_FLAGS, WEIGHTS_FLAG, Flag, parser, settings

_OWN = "head to predict with; own: the fine-tuned backbone's classifier"
_NOT_OWN = "the second stage, or own if there is none"
FLAGS = (Flag("--head", "sequence.head", _OWN, "NAME", _NOT_OWN), *BACKBONE_FLAGS)


def _camera(text: str) -> int | str:
    return int(text) if text.isdigit() else text


def _parsed(arguments: list[str] | None) -> argparse.Namespace:
    flags = parser("run", __doc__, FLAGS, places=(WEIGHTS_FLAG,))
    source = flags.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--webcam",
        nargs="?",
        const=0,
        type=_camera,
        metavar="N",
        help="webcam index or device (default: 0)",
    )
    source.add_argument("--video", metavar="FILE", help="video file")
    source.add_argument("--url", metavar="ADDRESS", help="network stream: rtsp://host/stream")
    flags.add_argument("--csv", type=Path, metavar="FILE", help="CSV file for the probabilities")
    flags.add_argument("--save", type=Path, metavar="FILE.mp4", help="file for the annotated video")
    flags.add_argument("--no-window", action="store_true", help="do not open a window")
    flags.add_argument(
        "--verbose", action="store_true", help="print the probability and the latency of every step"
    )
    return flags.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    parsed = _parsed(arguments)
    kind = next(name for name in ("webcam", "video", "url") if getattr(parsed, name) is not None)
    require_right_flag(kind, str(getattr(parsed, kind)))
    chosen = settings(parsed)
    # Check the command line first: the imports below are slow.
    from live.runner import RunOptions, run
    from live.signals import ended_by_signals

    options = RunOptions(
        source=kind,
        address=getattr(parsed, kind),
        window=not parsed.no_window,
        csv=parsed.csv,
        save=parsed.save,
        step_lines=parsed.verbose,
    )
    with ended_by_signals():
        run(options, chosen)
    return 0
