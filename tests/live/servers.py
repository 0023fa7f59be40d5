"""Real servers for the tests of live video: GStreamer's RTSP server, run from the shared folder."""

from pathlib import Path

import pytest

from benchmarks import rtsp_cameras
from benchmarks.rtsp_cameras import RtspServer, free_port
from tests.conftest import coded_frame

__all__ = ["RtspServer", "free_port", "require_rtsp_server", "write_h264"]


def require_rtsp_server() -> None:
    """Skip the test, with the reason, where the server cannot run."""
    if why := rtsp_cameras.missing_server():
        pytest.skip(why)


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
    images = (coded_frame(number if still is None else still, size) for number in range(frames))
    return rtsp_cameras.write_h264(path, images, size, rate, group)
