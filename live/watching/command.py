"""The command line of run.py: a file to the loop of files, cameras to the service."""

import argparse

from live.cameras.config import CameraConfig, camera_of, load_cameras
from live.runner import RunOptions, run
from live.watching.outputs import Outputs
from live.watching.service import WatchOptions, watch
from recipes.loader import Settings


def run_command_line(parsed: argparse.Namespace, settings: Settings) -> None:
    """Run the model on the sources of a parsed command line.

    Args:
        parsed: The command line of run.py.
        settings: The recipe.

    Raises:
        LookbackError: A source or the model cannot be opened.
        UsageError: The flags do not fit together.
    """
    outputs = Outputs(not parsed.no_window, parsed.csv, parsed.save, parsed.verbose)
    if parsed.video is not None:
        run(RunOptions("video", parsed.video, **vars(outputs)), settings)
        return
    watch(WatchOptions(_cameras(parsed), outputs, parsed.once), settings)


def _cameras(parsed: argparse.Namespace) -> list[CameraConfig]:
    cameras = load_cameras(parsed.cameras) if parsed.cameras else []
    cameras += [camera_of(address) for address in parsed.webcam or ()]
    return cameras + [camera_of(address) for address in parsed.url or ()]
