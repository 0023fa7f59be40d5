"""The server in its thread: starts, answers, ends while somebody watches."""

import contextlib
import logging
import socket
import threading
import time

import httpx
import pytest
from websockets.sync.client import connect

from live.page.server import PageServer
from tests.live.page.fakes import Feeder, make_page
from video.errors import LookbackError


@pytest.fixture
def server():
    page = make_page()
    server = PageServer(("127.0.0.1", 0), page.app)
    server.start()
    yield server, page
    server.stop()


def test_it_answers_at_the_port_that_the_system_chose(server):
    server, _ = server
    assert server.port > 0
    assert server.url == f"http://127.0.0.1:{server.port}/"
    assert httpx.get(server.url).status_code == 200
    assert httpx.get(f"{server.url}healthz", headers={"host": "evil.example"}).status_code == 403


def test_paths_that_climb_are_not_found_on_the_wire(server):
    server, _ = server
    for path in ("/event/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/static/..%2fapp.py"):
        with socket.create_connection(("127.0.0.1", server.port)) as wire:
            head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n"
            wire.sendall(head.encode())
            assert wire.recv(4096).startswith(b"HTTP/1.1 404")


def test_it_ends_within_two_seconds_while_somebody_watches(server, capfd, caplog):
    server, page = server
    begun = threading.Event()

    def watch_mjpeg() -> None:
        address = f"{server.url}mjpeg/0"
        with contextlib.suppress(httpx.HTTPError), httpx.stream("GET", address) as got:
            for part in got.iter_bytes():
                if part.startswith(b"--picture\r\nContent-Type: image/jpeg"):
                    begun.set()

    thread = threading.Thread(target=watch_mjpeg, daemon=True)
    with caplog.at_level(logging.DEBUG, "lookback"), Feeder(page.hub):
        with connect(f"ws://127.0.0.1:{server.port}/ws") as watching:
            thread.start()
            assert begun.wait(5)
            watching.recv()
            assert page.app.pictures.viewers == 2
            before = time.monotonic()
            server.stop()
            assert time.monotonic() - before < 2
        thread.join(2)
    assert not thread.is_alive()
    assert server._thread is not None
    assert not server._thread.is_alive()
    assert "Traceback" not in capfd.readouterr().err
    assert not [each for each in caplog.records if each.levelno >= logging.WARNING]
    with pytest.raises(httpx.ConnectError):
        httpx.get(server.url)


def test_a_port_in_use_is_one_line(server):
    server, _ = server
    other = PageServer(("127.0.0.1", server.port), make_page().app)
    with pytest.raises(
        LookbackError, match=f"--serve 127.0.0.1:{server.port} .*another port"
    ) as told:
        other.start()
    assert str(told.value).count("127.0.0.1") == 1
    other.stop()


def test_mjpeg_shows_nothing_of_a_lost_camera(server):
    server, page = server
    page.hub.update(0, state="lost")
    with httpx.stream("GET", f"{server.url}mjpeg/0", timeout=0.6) as got:
        assert got.headers["content-type"].startswith("multipart/x-mixed-replace")
        with pytest.raises(httpx.ReadTimeout):
            next(got.iter_bytes())
