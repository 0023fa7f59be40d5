"""The command line of run.py: a file to the loop of files, cameras to the service."""

import argparse
from dataclasses import replace
from pathlib import Path

from live.cameras.config import CameraConfig, camera_of, load_cameras
from live.messages.targets import load_targets
from live.runner import RunOptions, run
from live.watching.outputs import Outputs
from recipes.loader import Settings
from video.errors import UsageError

# Flags that act on events, and their keys of the recipe.
_LIVE_FLAGS = {
    "--events": "live.folder",
    "--notify": "live.messages.targets",
    "--notify-when": "live.messages.when",
    "--mqtt": "live.messages.mqtt",
}


def run_command_line(parsed: argparse.Namespace, settings: Settings) -> int:
    """Run the model on the sources of a parsed command line; return the exit code.

    Args:
        parsed: The command line of run.py.
        settings: The recipe.

    Raises:
        LookbackError: A source or the model cannot be opened.
        UsageError: The flags do not fit together.
    """
    _check_flags(parsed, settings)
    settings = _with_alarms(settings, parsed.alarm)
    messages = settings.recipe.live.messages
    if parsed.notify_test:
        if not messages.targets:
            raise UsageError("--notify-test: name the file with the targets: --notify FILE")
        from live.messages.trial import notify_test  # imports mail and network

        return notify_test(load_targets(Path(messages.targets)))
    window = not parsed.no_window and not parsed.serve
    outputs = Outputs(window, parsed.csv, parsed.save, parsed.verbose)
    if parsed.video is not None:
        segments = tuple(parsed.segments)
        run(RunOptions("video", parsed.video, **vars(outputs), segments=segments), settings)
        return 0
    # The imports of cameras, page and teaching are slow, and a file needs none of them.
    from live.watching.service import WatchOptions, watch

    options = WatchOptions(
        _cameras(parsed),
        outputs,
        parsed.once,
        parsed.serve or "",
        tuple(parsed.serve_name),
        parsed.token,
        acts=bool(
            settings.recipe.alarms.classes
            or messages.targets
            or messages.mqtt
            or "live.folder" in settings.given
        ),
    )
    watch(options, settings)
    return 0


def _check_flags(parsed: argparse.Namespace, settings: Settings) -> None:
    """Refuse flags that would have no effect: somebody relies on them."""
    if not parsed.serve:
        for flag, given in (("--serve-name", parsed.serve_name), ("--token", parsed.token)):
            if given:
                raise UsageError(f"{flag} is for the page: add --serve")
    if parsed.video is not None:
        for flag, key in _LIVE_FLAGS.items():
            if key in settings.given:
                raise UsageError(
                    f"{flag} is for cameras; to play a file as a camera, name it in --cameras"
                )
    if "live.messages.when" in settings.given and not settings.recipe.live.messages.targets:
        raise UsageError("--notify-when: name the file with the targets: --notify FILE")


def _cameras(parsed: argparse.Namespace) -> list[CameraConfig]:
    cameras = load_cameras(parsed.cameras) if parsed.cameras else []
    addresses = [*(parsed.webcam or ()), *(parsed.url or ())]
    for address in addresses:
        camera = camera_of(address)
        if addresses.count(address) == 1:
            # Addresses that differ only in what is not shown, such as ?channel=2.
            taken, number = {each.name for each in cameras}, 1
            while camera.name in taken:
                number += 1
                camera = camera_of(address, f"{camera_of(address).name} ({number})")
        cameras.append(camera)
    return cameras or [camera_of(0)]


def _with_alarms(settings: Settings, classes: list[str] | None) -> Settings:
    """Return the settings with the classes of `--alarm`."""
    if not classes:
        return settings
    alarms = settings.recipe.alarms.model_copy(update={"classes": tuple(classes)})
    recipe = settings.recipe.model_copy(update={"alarms": alarms})
    return replace(settings, recipe=recipe)
