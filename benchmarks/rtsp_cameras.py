"""Network cameras for the benchmarks: an RTSP server that plays a generated clip again and again.

The server is a script that runs under Debian's Python with GStreamer's bindings, in a process of
its own, so that its processor time is not that of the program that is measured.
"""

import queue
import signal
import socket
import subprocess
import threading
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

PYTHON = Path("/usr/bin/python3")  # GStreamer's bindings are Debian's, not in an environment
SERVER = Path(__file__).resolve().parents[2] / "shared" / "servers" / "rtsp_server.py"


def missing_server() -> str:
    """Return the reason why the server cannot run here; empty if it can."""
    if not SERVER.is_file():
        return f"needs {SERVER.name} of the shared test data"
    if not PYTHON.is_file():
        return "needs Debian's python3 for GStreamer"
    check = "import gi; gi.require_version('GstRtspServer', '1.0')"
    done = subprocess.run([PYTHON, "-c", check], capture_output=True, check=False)
    return "needs the Debian package gir1.2-gst-rtsp-server-1.0" if done.returncode else ""


def write_h264(
    path: Path,
    images: Iterable[np.ndarray],
    size: tuple[int, int],
    rate: int = 25,
    group: int = 25,
    bits: int = 0,
) -> Path:
    """Write an H.264 byte stream as a camera sends it: one slice a picture, no B-frames.

    Args:
        path: The file.
        images: The pictures, uint8 RGB (H, W, 3).
        size: Width and height in pixels.
        rate: Pictures per second.
        group: Pictures from one key picture to the next.
        bits: Bits per second; 0 for the encoder's choice, at its fastest.
    """
    with av.open(str(path), "w", format="h264") as container:
        stream = container.add_stream("libx264", rate=rate)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.codec_context.gop_size = group
        stream.codec_context.time_base = Fraction(1, rate)
        if bits:
            stream.codec_context.bit_rate = bits
        stream.options = {
            "preset": "veryfast" if bits else "ultrafast",
            "tune": "zerolatency",
            "x264-params": f"aud=1:sliced-threads=0:keyint={group}:min-keyint={group}:scenecut=0",
        }
        for pixels in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def free_port() -> int:
    """Return a port of this computer that nobody uses."""
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        return made.getsockname()[1]


class RtspServer:
    """Cameras that can be started, paused, frozen and killed; the port stays. A context manager.

    Attributes:
        clip: The H.264 byte stream that it plays.
        port: Its port.
    """

    def __init__(self, clip: Path, port: int = 0, *arguments: str) -> None:
        """Prepare a server; `start` starts it.

        Args:
            clip: The H.264 byte stream to play.
            port: Its port; 0 for a free one.
            arguments: More arguments of the server, such as `--fps 25`.
        """
        self.clip, self.port, self._arguments = clip, port or free_port(), arguments
        self._process: subprocess.Popen | None = None

    @property
    def address(self) -> str:
        """Address of the first camera."""
        return self.address_of(0)

    def address_of(self, number: int) -> str:
        """Return the address of a camera."""
        return f"rtsp://127.0.0.1:{self.port}/cam{number}"

    def start(self, *arguments: str) -> None:
        """Start it, with other arguments if there are some, and wait until it is ready."""
        command = [PYTHON, SERVER, self.clip, "--port", str(self.port)]
        self._process = subprocess.Popen(
            [*command, *(arguments or self._arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        lines: queue.Queue = queue.Queue()
        output = self._process.stdout
        threading.Thread(target=lambda: lines.put(output.readline()), daemon=True).start()
        assert lines.get(timeout=20).startswith("ready")

    def say(self, line: str) -> None:
        """Send `pause`, `play` or `slow FPS`."""
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def freeze(self) -> None:
        """Let it hang, as a host that has crashed."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it at once, if it runs."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait()
            self._process.stdin.close()
            self._process.stdout.close()
            self._process = None

    def __enter__(self) -> "RtspServer":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
