"""Recordings of a real RTSP server, before and after it was killed, played by a browser."""

import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import av
import pytest

from tests.conftest import read_code
from tests.live.recording.conftest import Scene, decoded, h264_stream, is_indexed_first, settings_of
from video.frame import Frame

pytestmark = pytest.mark.live_servers

_PYTHON, _CHROMIUM = Path("/usr/bin/python3"), Path("/usr/bin/chromium")
_GROUP = 20  # frames: two seconds

_PLAY = """async () => {
    const video = document.querySelector('video');
    const until = (name, act) => new Promise((resolve, reject) => {
        video.addEventListener(name, () => resolve(video.currentTime), {once: true});
        setTimeout(() => reject(name), 8000);
        act();
    });
    if (video.readyState < 2) await until('loadeddata', () => {});
    await until('timeupdate', () => video.play());
    video.pause();
    return [
        await until('seeked', () => { video.currentTime = 2.05; }),
        await until('seeked', () => { video.currentTime = 0.55; }),
    ];
}"""


class _Server:
    """The server of a clip that it repeats."""

    def __init__(self, script: Path, clip: Path) -> None:
        self._command = [str(_PYTHON), str(script), str(clip), "--fps", "10", "--port"]
        self.port = 0
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [*self._command, str(self.port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        line = self.process.stdout.readline().split()
        if not line:
            pytest.skip(f"no RTSP server: {self.process.stderr.read().splitlines()[-1]}")
        self.port = int(line[1])

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def server(shared: Path, tmp_path: Path) -> Iterator[_Server]:
    script = shared / "servers" / "rtsp_server.py"
    if not _PYTHON.is_file() or not script.is_file():
        pytest.skip("no RTSP server: its script or Debian's Python is missing")
    clip = tmp_path / "clip.h264"
    # mpegts gives its packets the delimiters by which the server divides the clip.
    with av.open(h264_stream(240, group=_GROUP)) as video:
        clip.write_bytes(b"".join(bytes(packet) for packet in video.demux(video=0)))
    made = _Server(script, clip)
    yield made
    made.kill()


class _Camera(threading.Thread):
    """Reads the server again and again, as a reading thread does."""

    def __init__(self, scene: Scene, server: _Server) -> None:
        super().__init__(daemon=True)
        self.scene, self.server = scene, server
        self.newest = (0, 0.0)
        self.frames = 0
        self.stopping = threading.Event()

    def run(self) -> None:
        while not self.stopping.is_set():
            try:
                self._read()
            except av.FFmpegError:
                self.stopping.wait(0.2)

    def _read(self) -> None:
        recorder = self.scene.recorder
        address = f"rtsp://127.0.0.1:{self.server.port}/cam0"
        with av.open(address, options={"rtsp_transport": "tcp"}, timeout=(5, 2)) as stream:
            for packet in stream.demux(video=0):
                if self.stopping.is_set():
                    return
                if packet.size:
                    recorder.on_packet(packet, time.monotonic())
                for image in packet.decode():
                    arrived = time.monotonic()
                    recorder.on_frame(Frame(0, 0.0, image), arrived)
                    self.newest = (read_code(image.to_ndarray(format="rgb24")), arrived)
                    self.frames += 1

    def wait(self, frames: int) -> None:
        """Wait for so many more frames."""
        wanted, deadline = self.frames + frames, time.monotonic() + 30
        while self.frames < wanted:
            assert time.monotonic() < deadline, "the server gives no frames"
            time.sleep(0.02)


def test_an_event_goes_on_after_the_server_was_killed(server: _Server, tmp_path: Path):
    scene = Scene(
        tmp_path / "events", settings_of(), {}, now=0.0, utc=time.time, clock=time.monotonic
    )
    camera = _Camera(scene, server)
    camera.start()
    camera.wait(60)
    code, started = camera.newest
    camera.wait(10)
    number = scene.event(started)
    camera.wait(10)
    server.kill()
    server.start()
    camera.wait(30)
    last, ended = camera.newest
    scene.recorder.end(number, ended)
    camera.wait(20)
    camera.stopping.set()
    camera.join(10)
    scene.close()

    paths = [scene.folder / path for path in scene.store.event(number).paths]
    before, after = (decoded(path) for path in paths)
    assert before.codes == list(range(before.codes[0], before.codes[-1] + 1))
    assert before.codes[0] % _GROUP == 0
    assert code - before.codes[0] >= 2 * 10  # the pre-roll
    assert code - before.codes[0] <= 2 * 10 + _GROUP + 6
    # The new connection begins with the clip's first frame, and nothing of it is missing.
    assert after.codes == list(range(len(after.codes)))
    assert last + 9 <= after.codes[-1] <= last + 12
    assert all(is_indexed_first(path) for path in paths)
    _check_that_a_browser_plays(paths, tmp_path)


def _check_that_a_browser_plays(paths: list[Path], folder: Path) -> None:
    if not _CHROMIUM.is_file():
        return  # all else was checked
    from playwright.sync_api import sync_playwright

    page_file = folder / "page.html"
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=str(_CHROMIUM), args=arguments)
        page = browser.new_page()
        for path in paths:
            page_file.write_text(f"<video src='{path.as_uri()}' muted></video>")
            page.goto(page_file.as_uri())
            assert page.evaluate(_PLAY) == pytest.approx([2.05, 0.55], abs=0.01)
        browser.close()
