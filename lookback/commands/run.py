"""Classify live video: a webcam, a video file or a network stream."""

import argparse
from pathlib import Path

from live.cameras.flags import add_source_flags, require_sources
from recipes.command_line import (
    BACKBONE_FLAGS,
    DATA_FLAG,
    WEIGHTS_FLAG,
    Flag,
    parser,
    settings,
)

_OWN = "head to predict with; own: the fine-tuned backbone's classifier"
_NOT_OWN = "the second stage, or own if there is none"
FLAGS = (
    Flag("--head", "sequence.head", _OWN, "NAME", _NOT_OWN),
    *BACKBONE_FLAGS,
    Flag("--events", "live.folder", "folder of events: database, stills, recordings", "FOLDER"),
    Flag("--notify", "live.messages.targets", "file with targets of messages", "FILE", "none"),
    Flag("--notify-when", "live.messages.when", "messages at the start, end or both", "WHEN"),
    Flag("--mqtt", "live.messages.mqtt", "file with the address of an MQTT broker", "FILE", "none"),
)


def _parsed(arguments: list[str] | None) -> argparse.Namespace:
    flags = parser("run", __doc__, FLAGS, places=(WEIGHTS_FLAG, DATA_FLAG))
    add_source_flags(flags)
    flags.add_argument("--csv", type=Path, metavar="FILE", help="CSV file for the probabilities")
    flags.add_argument("--save", type=Path, metavar="FILE.mp4", help="file for the annotated video")
    flags.add_argument(
        "--segments",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="timeline of --video: .csv, .json, .srt or .vtt; may be repeated",
    )
    flags.add_argument("--no-window", action="store_true", help="do not open a window")
    flags.add_argument(
        "--verbose", action="store_true", help="print the probability and the latency of every step"
    )
    return flags.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    parsed = _parsed(arguments)
    require_sources(parsed)
    chosen = settings(parsed)
    # Check the command line first: the imports below are slow.
    from live.watching.command import run_command_line
    from video.signals import ended_by_signals

    with ended_by_signals():
        return run_command_line(parsed, chosen)
