"""Check for a screen before a window is opened: without one, Qt aborts the process."""

import os
import subprocess
import sys

from video.errors import LookbackError

REMEDY = "add --no-window (and --save F.mp4 or --csv F to keep the outcome)"

# An OpenCV without windows raises its error in the caller. An attempt that aborts dumps no core.
_ATTEMPT = """
import os, resource
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
import cv2
try:
    cv2.namedWindow("Lookback", cv2.WINDOW_NORMAL | cv2.WINDOW_GUI_NORMAL)
except cv2.error:
    pass
os._exit(0)
"""
_SECONDS = 20.0  # over a network a window takes a while; an attempt that hangs has failed


def require_screen() -> None:
    """Raise `LookbackError` unless a window can be opened.

    On Linux another process tries first, because Qt aborts if a display server cannot be reached
    (`ssh -X` that has ended, a server that refuses, Wayland without an X server). It takes half a
    second. Windows and macOS report errors instead of aborting.
    """
    if not sys.platform.startswith("linux"):
        return
    names = [name for name in ("DISPLAY", "WAYLAND_DISPLAY") if os.environ.get(name)]
    if not names:
        raise LookbackError(f"there is no screen to open a window on; {REMEDY}")
    if not _opens_a_window():
        named = f"{names[0]}={os.environ[names[0]]}"
        raise LookbackError(
            f"there is no screen to open a window on: none can be reached by {named}; {REMEDY}"
        )


def _opens_a_window() -> bool:
    quiet = subprocess.DEVNULL
    command = [sys.executable, "-c", _ATTEMPT]
    try:
        done = subprocess.run(
            command, stdin=quiet, stdout=quiet, stderr=quiet, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0
