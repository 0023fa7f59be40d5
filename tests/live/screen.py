"""A screen without a server: what would be shown is kept."""

import pytest

from live.sinks import window_sink as window_module


class Screen:
    """Stands for OpenCV's windows: keeps what is shown and how long it waits."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, key: int = -1, visible: float = 1.0
    ) -> None:
        self.shown, self.waits, self.closed = [], [], 0
        self.key, self.visible = key, visible
        monkeypatch.setattr(window_module, "require_screen", lambda: None)
        for name, function in {
            "namedWindow": lambda *_: None,
            "resizeWindow": lambda *_: None,
            "imshow": lambda _, pixels: self.shown.append(pixels),
            "waitKey": self._wait,
            "getWindowProperty": lambda *_: self.visible,
            "destroyAllWindows": self._close,
        }.items():
            monkeypatch.setattr(window_module.cv2, name, function)

    def _wait(self, milliseconds: int) -> int:
        self.waits.append(milliseconds)
        return self.key

    def _close(self) -> None:
        self.closed += 1
