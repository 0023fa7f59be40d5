"""A window on the screen; q or closing it ends the run."""

import os
import sys
import time
from pathlib import Path

import cv2
import numpy as np

from live.sinks.base import Sink, StopRequested
from video.errors import LookbackError
from video.frame import Frame

_TITLE = "Lookback (q quits)"


class WindowSink(Sink):
    """Shows the annotated frames; a file plays at its own pace, a camera as it comes.

    Raises:
        LookbackError: there is no screen.
    """

    draws = True

    def __init__(self, live: bool) -> None:
        # Without a display Qt ends the whole process instead of raising an error.
        if sys.platform.startswith("linux") and not _has_screen():
            raise LookbackError(
                "there is no screen to open a window on; add --no-window (and --save F.mp4 or "
                "--csv F to keep the outcome)"
            )
        # Qt warns line by line that the wheel brings no fonts; the window needs none.
        os.environ.setdefault("QT_LOGGING_RULES", "default.warning=false")
        self._live = live
        self._started: float | None = None
        cv2.namedWindow(_TITLE, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)

    def on_frame(self, frame: Frame, picture: np.ndarray | None) -> None:
        now = time.monotonic()
        if self._started is None:
            self._started = now - frame.seconds
            cv2.resizeWindow(_TITLE, *frame.size)
        cv2.imshow(_TITLE, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        early = 0.0 if self._live else self._started + frame.seconds - now
        key = cv2.waitKey(max(1, int(1000 * early)))
        closed = cv2.getWindowProperty(_TITLE, cv2.WND_PROP_VISIBLE) < 1
        if key & 0xFF in (ord("q"), ord("Q"), 27) or closed:
            raise StopRequested

    def close(self) -> None:
        cv2.destroyAllWindows()


def _has_screen() -> bool:
    """Return whether a display server is named and, where it is a local one, runs."""
    display = os.environ.get("DISPLAY", "")
    if display.startswith(":"):
        number = display[1:].split(".")[0]
        return Path(f"/tmp/.X11-unix/X{number}").exists()
    return bool(display or os.environ.get("WAYLAND_DISPLAY"))
