"""Show which places of a video speak for a class: its frames with a map over them.

Convolutional networks get Grad-CAM, VideoMAE and TimeSformer gradient-weighted attention rollout.
Written are an annotated video (.mp4) and a picture of some frames (.png).
"""

import argparse
import time
from pathlib import Path

from recipes.command_line import (
    BACKBONE_FLAGS,
    WEIGHTS_FLAG,
    Flag,
    parser,
    run_command,
    settings,
)
from video.console import logger
from video.errors import UsageError

_LOG = logger(__name__)

FLAGS = (
    Flag(
        "--head",
        "sequence.head",
        "own: the fine-tuned backbone's classifier",
        "NAME",
        "the second stage, or own if there is none",
    ),
    *BACKBONE_FLAGS[:2],
)


def _parser() -> argparse.ArgumentParser:
    flags = parser("explain", __doc__, FLAGS, places=(WEIGHTS_FLAG,))
    flags.add_argument(
        "--video", type=Path, required=True, metavar="FILE", help="video file to explain"
    )
    label = "class to look for (default: the most probable one)"
    flags.add_argument("--label", metavar="NAME", help=label)
    for flag, default, words in (
        ("--start", 0.0, "seconds at which the explained part begins (default: 0)"),
        ("--end", float("inf"), "seconds at which it ends (default: the video's end)"),
    ):
        flags.add_argument(flag, type=float, default=default, metavar="S", help=words)
    flags.add_argument(
        "--out",
        type=Path,
        default=Path("explained"),
        metavar="FOLDER",
        help="folder of the video and the picture (default: %(default)s)",
    )
    return flags


def main(arguments: list[str] | None = None) -> int:
    parsed = _parser().parse_args(arguments)
    if not 0 <= parsed.start < parsed.end:
        raise UsageError("--start and --end: the end should come after the start")
    chosen = settings(parsed)
    # Check the command line first: the imports below are slow.
    from extract.extractor.choice import choose_for_inference
    from sequence.explain.loading import load_explainer

    explainer = load_explainer(choose_for_inference(chosen))
    began = time.perf_counter()
    found = explainer.explain(parsed.video, parsed.label, (parsed.start, parsed.end))
    parsed.out.mkdir(parents=True, exist_ok=True)
    place = parsed.out / f"{parsed.video.name.partition('@')[0].rpartition('.')[0]}"
    found.save_video(place.with_name(f"{place.name}.mp4"))
    found.save_strip(place.with_name(f"{place.name}.png"))
    seconds = time.perf_counter() - began
    _LOG.info(
        f"{parsed.video}: {found.label} {found.probability:.2f}; {found.method}, "
        f"{len(found.indices)} frames in {seconds:.1f} s"
    )
    _LOG.info(f"{place}.mp4\n{place}.png")
    return 0


if __name__ == "__main__":
    run_command(main)
