"""Real servers for the tests of live video: GStreamer's RTSP server, run from the shared folder."""

import queue
import signal
import socket
import subprocess
import threading
from fractions import Fraction
from pathlib import Path

import av
import pytest

from tests.conftest import SHARED, coded_frame

PYTHON = Path("/usr/bin/python3")  # GStreamer's bindings are Debian's, not in an environment
SERVER = SHARED / "servers" / "rtsp_server.py"


def require_rtsp_server() -> None:
    """Skip the test, with the reason, where the server cannot run."""
    if not SERVER.is_file():
        pytest.skip(f"needs {SERVER.name} of the shared test data")
    if not PYTHON.is_file():
        pytest.skip("needs Debian's python3 for GStreamer")
    check = "import gi; gi.require_version('GstRtspServer', '1.0')"
    done = subprocess.run([PYTHON, "-c", check], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("needs the Debian package gir1.2-gst-rtsp-server-1.0")


def write_h264(
    path: Path,
    frames: int = 100,
    rate: int = 25,
    group: int = 25,
    size: tuple[int, int] = (64, 48),
    still: int | None = None,
) -> Path:
    """Write coded frames as an H.264 byte stream with a key frame every `group` frames; `still` is
    the number that all frames show."""
    with av.open(str(path), "w", format="h264") as container:
        stream = container.add_stream("libx264", rate=rate)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.codec_context.gop_size = group
        stream.codec_context.time_base = Fraction(1, rate)
        stream.options = {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "x264-params": f"aud=1:keyint={group}:min-keyint={group}:scenecut=0",
        }
        for number in range(frames):
            pixels = coded_frame(number if still is None else still, size)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def free_port() -> int:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        return made.getsockname()[1]


class RtspServer:
    """A camera that the test starts, pauses, freezes and kills; it keeps its port."""

    def __init__(self, clip: Path, port: int = 0, *arguments: str) -> None:
        self.clip, self.port, self._arguments = clip, port or free_port(), arguments
        self._process: subprocess.Popen | None = None

    @property
    def address(self) -> str:
        return f"rtsp://127.0.0.1:{self.port}/cam0"

    def start(self, *arguments: str) -> None:
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
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
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

    def __exit__(self, *_) -> None:
        self.kill()
