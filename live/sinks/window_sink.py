"""Window on the screen; q or closing it ends the run."""

import os
import time

import cv2

from live.overlay import AnnotatedFrame
from live.screen import REMEDY, require_screen
from live.sinks.base import Sink, StopRequested
from video.errors import LookbackError
from video.frame import Frame

_TITLE = "Lookback (q quits)"


class WindowSink(Sink):
    """Shows the annotated frames; a file at its own pace, a camera as frames arrive.

    Raises:
        LookbackError: There is no screen, or this OpenCV was built without windows.
    """

    draws = True

    def __init__(self, live: bool) -> None:
        require_screen()
        # Qt warns line by line that the wheel brings no fonts; the window needs none.
        os.environ.setdefault("QT_LOGGING_RULES", "default.warning=false")
        self._live = live
        self._started: float | None = None
        _open_window()

    def on_frame(self, frame: Frame, image: AnnotatedFrame | None) -> None:
        assert image is not None  # the loop draws for a sink that asks for it
        now = time.monotonic()
        if self._started is None:
            self._started = now - frame.seconds
            cv2.resizeWindow(_TITLE, *frame.size)
        if frame.after_gap:  # nothing was recorded in between: do not wait for it
            self._started = now - frame.seconds
        cv2.imshow(_TITLE, cv2.cvtColor(image.rgb, cv2.COLOR_RGB2BGR))
        early = 0.0 if self._live else self._started + frame.seconds - now
        key = cv2.waitKey(max(1, int(1000 * early)))
        closed = cv2.getWindowProperty(_TITLE, cv2.WND_PROP_VISIBLE) < 1
        if key & 0xFF in (ord("q"), ord("Q"), 27) or closed:
            raise StopRequested

    def close(self) -> None:
        cv2.destroyAllWindows()


def _open_window() -> None:
    look = cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL
    try:
        cv2.namedWindow(_TITLE, look)
    except cv2.error as error:
        if "not implemented" not in str(error):
            reason = str(error).strip().splitlines()[-1]
            raise LookbackError(f"OpenCV cannot open a window ({reason}); {REMEDY}") from None
        raise LookbackError(
            "this OpenCV has no windows (another package may have installed "
            "opencv-python-headless over it): pip uninstall opencv-python-headless, then "
            "pip install --force-reinstall opencv-python; or add --no-window"
        ) from None
