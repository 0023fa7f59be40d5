"""An MJPEG camera over HTTP whose picture the test sets."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cv2
import numpy as np


class MjpegCamera:
    """Sends ten pictures a second; `picture` makes each from the seconds since the start.

    Attributes:
        picture: Function from seconds to an RGB picture, uint8 (H, W, 3); may be set at any time.
        silent: While set, the camera is connected and sends nothing.
    """

    def __init__(self, picture: Callable[[float], np.ndarray], rate: float = 10.0) -> None:
        self.picture, self.rate = picture, rate
        self.silent = threading.Event()
        self._closed = threading.Event()
        camera = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                kind = "multipart/x-mixed-replace; boundary=frame"
                self.send_header("Content-Type", kind)
                self.end_headers()
                began = due = time.monotonic()
                with suppress(OSError):  # the reader has left
                    while not camera._closed.is_set():
                        if not camera.silent.is_set():
                            self._send(camera.picture(time.monotonic() - began))
                        due += 1 / camera.rate
                        camera._closed.wait(max(0.0, due - time.monotonic()))

            def _send(self, rgb: np.ndarray) -> None:
                jpeg = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))[1].tobytes()
                head = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n"
                self.wfile.write(head % len(jpeg) + jpeg + b"\r\n")

            def log_message(self, *_) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_port}/camera"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self) -> "MjpegCamera":
        return self

    def __exit__(self, *_) -> None:
        self._closed.set()
        self._server.shutdown()
        self._server.server_close()
