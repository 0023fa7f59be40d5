"""A screen that cannot be reached ends run.py in one line: Qt itself aborts the process."""

import re
import sys

import pytest

from live import screen
from live.screen import require_screen
from live.sinks import WindowSink
from video.errors import LookbackError

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="elsewhere OpenCV's window raises an error"
)


@pytest.fixture
def display(monkeypatch):
    """Return a function that sets the variables which name a screen, and no other of them."""

    def name(**variables: str) -> None:
        for each in ("DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY"):
            monkeypatch.delenv(each, raising=False)
        for each, value in variables.items():
            monkeypatch.setenv(each, value)

    return name


def refusal() -> str:
    with pytest.raises(LookbackError, match=re.escape("add --no-window")) as error:
        require_screen()
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("value", ["localhost:10.0", ":4711", "nowhere.invalid:0"])
def test_a_display_that_cannot_be_reached_is_none(value, display):
    display(DISPLAY=value)
    assert f"none can be reached by DISPLAY={value}; " in refusal()


def test_wayland_alone_is_tried_too(display, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    display(WAYLAND_DISPLAY="wayland-0")
    assert "none can be reached by WAYLAND_DISPLAY=wayland-0; " in refusal()


def test_a_window_is_never_tried_in_this_process_first(display):
    """It would end all tests."""
    display(DISPLAY="localhost:10.0")
    with pytest.raises(LookbackError, match="there is no screen"):
        WindowSink(live=False)


def test_without_a_name_nothing_is_tried(display, monkeypatch):
    monkeypatch.setattr(screen.subprocess, "run", pytest.fail)
    display()
    assert refusal().startswith("there is no screen to open a window on; ")


def test_a_screen_that_takes_the_window_is_one(display, monkeypatch):
    display(DISPLAY=":0")
    opened = screen._ATTEMPT.replace("import cv2", _STAND_IN)
    monkeypatch.setattr(screen, "_ATTEMPT", opened)
    require_screen()


# Stands for OpenCV: the first window opens.
_STAND_IN = """
class cv2:
    error, WINDOW_NORMAL, WINDOW_GUI_NORMAL = ValueError, 0, 0
    namedWindow = staticmethod(lambda *_: None)
"""


def test_an_attempt_that_hangs_is_none(display, monkeypatch):
    monkeypatch.setattr(screen, "_ATTEMPT", "import time; time.sleep(60)")
    monkeypatch.setattr(screen, "_SECONDS", 0.2)
    display(DISPLAY=":0")
    refusal()
