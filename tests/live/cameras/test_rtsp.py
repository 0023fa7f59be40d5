"""A real RTSP server that dies, hangs, falls silent and refuses: the reader comes back each time.

Every test prints a row of a table: python -m pytest -m live_servers -s tests/live/cameras
"""

import os
import threading
import time
from pathlib import Path

import pytest

from live.cameras.backoff import DELAYS
from live.cameras.config import CameraConfig
from live.cameras.reader import CameraReader, Session
from tests.live.servers import RtspServer, require_rtsp_server, write_h264
from video.frame import Frame

pytestmark = [pytest.mark.live_servers, pytest.mark.shared]


class Log:
    """Times of arrival of all frames, with their sessions."""

    def __init__(self) -> None:
        self.rows: list[tuple[float, int]] = []
        self.sizes: set[tuple[int, int]] = set()

    def on_frame(self, frame: Frame, arrived: float, session: Session) -> None:
        self.rows.append((arrived, session.number))
        self.sizes.add(frame.size)

    def first_after(self, moment: float, timeout: float = 40.0) -> tuple[float, int]:
        """Return the first frame that arrived after a moment."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            later = [row for row in self.rows if row[0] > moment]
            if later:
                return later[0]
            time.sleep(0.02)
        raise AssertionError(f"no frame within {timeout} s")


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    require_rtsp_server()
    return write_h264(tmp_path_factory.mktemp("rtsp") / "clip.h264")


@pytest.fixture
def server(clip):
    with RtspServer(clip) as made:
        yield made


def watching(server: RtspServer, **keys) -> tuple[CameraReader, Log]:
    log = Log()
    reader = CameraReader(CameraConfig("door", "url", server.address, **keys), log, 1.0)
    reader.start()
    return reader, log


def handles() -> int:
    folder = Path("/proc/self/fd")
    return len(os.listdir(folder)) if folder.is_dir() else 0


def test_a_server_that_is_killed_five_times(server):
    reader, log = watching(server)
    log.first_after(0.0)
    threads, files = threading.active_count(), handles()
    waits = []
    for _ in range(5):
        server.kill()
        time.sleep(0.5)
        server.start()
        up = time.monotonic()
        waits.append(log.first_after(up)[0] - up)
    assert log.rows[-1][1] == 6
    print(f"\nkilled x5 | back after {', '.join(f'{wait:.1f}' for wait in waits)} s")
    # It was never live for 10 s, so every delay is longer; two seconds are for connecting.
    assert all(wait < 1.2 * delay + 2 for wait, delay in zip(waits, DELAYS, strict=True))
    assert threading.active_count() <= threads
    assert handles() <= files
    reader.close(3)


@pytest.mark.parametrize("seconds", [3.0, 8.0, 30.0])
def test_a_host_that_hangs(server, seconds):
    reader, log = watching(server)
    log.first_after(0.0)
    time.sleep(1)
    server.freeze()
    frozen = time.monotonic()
    time.sleep(2.0)
    assert reader.state()[0] == "stalled"
    time.sleep(seconds - 2.0)
    server.thaw()
    thawed = time.monotonic()
    back, session = log.first_after(thawed)
    print(f"\nSIGSTOP {seconds:.0f} s | back after {back - thawed:.1f} s, session {session}")
    assert back - thawed < 18
    assert session >= 2
    assert not [row for row in log.rows if frozen + 0.5 < row[0] < thawed]
    reader.close(3)


def test_a_camera_that_falls_silent(server):
    reader, log = watching(server)
    log.first_after(0.0)
    server.say("pause")
    time.sleep(4)
    assert reader.state()[0] == "stalled"
    server.say("play")
    played = time.monotonic()
    back, session = log.first_after(played)
    print(f"\npause 4 s | back after {back - played:.1f} s, session {session}")
    assert (back - played < 2, session) == (True, 2)
    reader.close(3)


def test_a_wrong_password_is_refused_and_the_right_one_works(clip, caplog):
    with RtspServer(clip, 0, "--user", "u", "--password", "p:@1") as server:
        wrong, _ = watching(server, user="u", password="geheim")
        deadline = time.monotonic() + 10
        while wrong.state()[0] != "lost":
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert "401" in wrong.state()[1]
        time.sleep(3)
        assert wrong.attempts == 1  # once a minute
        wrong.close(3)
        right, log = watching(server, user="u", password="p:@1")
        log.first_after(0.0)
        right.close(3)
    assert "geheim" not in caplog.text


def test_a_wrong_path_is_named(server):
    camera = CameraConfig("door", "url", server.address + "9")
    reader = CameraReader(camera, Log(), 1.0)
    reader.start()
    deadline = time.monotonic() + 10
    while reader.state()[0] != "lost":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert "404" in reader.state()[1]
    reader.close(3)


def test_one_frame_a_second_is_one_session(server):
    reader, log = watching(server)
    log.first_after(0.0)
    server.say("slow 1")
    time.sleep(9)
    numbers = [number for _, number in log.rows[-4:]]
    print(f"\n1 fps | sessions of the last frames {numbers}")
    assert len(set(numbers)) == 1
    reader.close(3)


def test_a_group_of_pictures_of_four_seconds(tmp_path):
    require_rtsp_server()
    with RtspServer(write_h264(tmp_path / "long.h264", 200, group=100)) as server:
        began = time.monotonic()
        reader, log = watching(server)
        first = log.first_after(began)[0] - began
        print(f"\n4 s group of pictures | first frame after {first:.1f} s")
        assert first < 6
        reader.close(3)


def test_another_picture_size(server, tmp_path):
    reader, log = watching(server)
    log.first_after(0.0)
    server.kill()
    server.clip = write_h264(tmp_path / "large.h264", size=(128, 96))
    server.start()
    log.first_after(time.monotonic())
    time.sleep(1)
    assert log.sizes == {(64, 48), (128, 96)}
    reader.close(3)


@pytest.mark.parametrize("act", ["opening", "stalled", "backing off"])
def test_the_end_in_every_state(clip, act):
    server = RtspServer(clip)
    server.start()
    if act == "opening":
        server.freeze()
    reader, log = watching(server)
    if act == "opening":
        time.sleep(0.5)
    else:
        log.first_after(0.0)
        server.freeze() if act == "stalled" else server.kill()
        time.sleep(1.5)
    began = time.monotonic()
    reader.close(1.0)
    assert time.monotonic() - began < 1.5
    server.kill()
