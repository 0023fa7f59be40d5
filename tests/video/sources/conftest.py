"""Stand-ins for the world outside: a capture device that obeys the test, and a server at home."""

import queue
import threading
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import pytest

from video.sources import camera

_GONE = object()


class FakeDevice:
    """What cv2.VideoCapture opens in these tests: images come when the test gives them.

    A camera that is gone is tried again for a tenth of a second.

    Attributes:
        plugged_in: whether it can be opened.
        released: how often it was let go.
        asked: how many images were asked for so far.
    """

    def __init__(self) -> None:
        self.plugged_in = True
        self.rate = 25.0
        self.released = 0
        self.asked = 0
        self._images: queue.Queue = queue.Queue()
        self._condition = threading.Condition()

    def give(self, *images: np.ndarray | None) -> None:
        """Let the device show RGB images; None disconnects it."""
        for image in images:
            self._images.put(_GONE if image is None else image[..., ::-1])

    def lose(self, times: int = 1) -> None:
        """Let so many readings fail."""
        for _ in range(times):
            self._images.put(None)

    def wait_until_asked(self, times: int) -> None:
        """Wait until an image was asked for this often: the ones before have been dealt with."""
        with self._condition:
            assert self._condition.wait_for(lambda: self.asked >= times, timeout=10)

    def next_image(self) -> tuple[bool, np.ndarray | None]:
        with self._condition:
            self.asked += 1
            self._condition.notify_all()
        image = self._images.get(timeout=20)
        if image is _GONE:
            self._images.put(_GONE)  # all readings fail from now on
            return False, None
        if isinstance(image, Exception):
            raise image
        return image is not None, image

    def fail(self, error: Exception) -> None:
        """Let the next reading raise an error."""
        self._images.put(error)


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeDevice]:
    """A device that stands in for every camera that OpenCV opens."""
    made = FakeDevice()

    class Capture:
        def __init__(self, device: int | str) -> None:
            made.opened_as = device

        def isOpened(self) -> bool:
            return made.plugged_in

        def read(self):
            return made.next_image()

        def get(self, what: int) -> float:
            return made.rate if what == cv2.CAP_PROP_FPS else 0.0

        def release(self) -> None:
            made.released += 1

    monkeypatch.setattr(cv2, "VideoCapture", Capture)
    monkeypatch.setattr(camera, "_RETRY_SECONDS", 0.1)
    monkeypatch.setattr(camera, "_PAUSE_SECONDS", 0.01)
    yield made
    made.give(None)  # a reading thread that still waits may end


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """The address of tmp_path, served on this machine.

    `/locked/...` asks for a password; `/hanging/FILE` sends most of a file and then nothing; a file
    that ends in .mpjpeg is a camera's stream of JPEGs.
    """
    asleep = threading.Event()

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/locked/"):
                self.send_error(401)
            elif self.path.startswith("/hanging/"):
                content = (tmp_path / self.path.split("/")[-1]).read_bytes()
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content[: 7 * len(content) // 10])
                self.wfile.flush()
                asleep.wait(20)
            elif self.path.endswith(".mpjpeg"):
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=part")
                self.end_headers()
                self.wfile.write((tmp_path / self.path.split("/")[-1]).read_bytes())
            else:
                super().do_GET()

        def log_message(self, *_) -> None:
            pass

        def copyfile(self, source, outputfile) -> None:
            with suppress(ConnectionError):  # the reader has left
                super().copyfile(source, outputfile)

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(tmp_path)))
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    asleep.set()
    server.shutdown()
    thread.join()
    server.server_close()
