"""No password in anything that a run prints, writes or serves.

Prints a table: python -m pytest -m live_servers -s tests/live/watching/test_secrets.py
"""

import urllib.request
from pathlib import Path

import pytest

from tests.live.servers import RtspServer, free_port
from tests.live.watching.program import events_of, row_told

pytestmark = [pytest.mark.live_servers, pytest.mark.shared, pytest.mark.timeout(900)]

CAMERA, WRONG, TOKEN, MAIL, BROKER = (
    "c4mera-geheim",
    "wr0ng-geheim",
    "t0ken-geheim",
    "m4il-geheim",
    "br0ker-geheim",
)


def served(port: int) -> bytes:
    pages = ("", "api/state", "metrics", "healthz", "api/events", "api/cameras/0/history")
    parts = []
    for page in pages:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/{page}", timeout=10) as answer:
                parts.append(answer.read() + str(answer.headers).encode())
        except urllib.error.HTTPError as error:
            parts.append(error.read())
    return b"".join(parts)


def thread_names(pid: int) -> bytes:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return b"".join((task / "comm").read_bytes() for task in tasks)


def test_a_wrong_password_then_the_right_one(clip, watch, tmp_path):
    page = free_port()
    targets, broker = tmp_path / "targets.yaml", tmp_path / "mqtt.yaml"
    cameras = tmp_path / "cameras.yaml"
    targets.write_text(
        f"mail: mailto://ann:{MAIL}@127.0.0.1:{free_port()}/?from=c@b.org&to=a@b.org&mode=insecure\n"
    )
    broker.write_text(f"host: 127.0.0.1\nport: {free_port()}\nuser: u\npassword: {BROKER}\n")
    for path in (targets, broker):
        path.chmod(0o600)
    seen = []
    with RtspServer(clip, 0, "--user", "ann", "--password", CAMERA) as server:
        place = server.address.removeprefix("rtsp://")

        def write(password: str) -> None:
            cameras.write_text(
                f"door: {{address: '{server.address}?token={TOKEN}', user: ann, "
                "password: '${DOOR}'}\n"
                f"hall: 'rtsp://ann:{password}@{place}'\n"
            )
            cameras.chmod(0o600)

        flags = [
            *("--cameras", cameras, "--serve", f"127.0.0.1:{page}"),
            *("--notify", targets, "--mqtt", broker, "--verbose"),
        ]
        write(WRONG)
        first = watch(*flags, env={"DOOR": WRONG})
        first.wait_for("lost (", count=2)
        assert first.text.count("401") == 2
        seen += [served(page), thread_names(first.pid)]
        first.end()
        write(CAMERA)
        second = watch(*flags, env={"DOOR": CAMERA})
        second.wait(lambda: len(events_of(tmp_path / "events")) >= 1, what="an event")
        second.wait_for("messages to mail fail")
        seen += [served(page), thread_names(second.pid)]
        second.end()
    seen += [first.text.encode(), second.text.encode()]
    own = {targets, broker, cameras}
    files = [path for path in tmp_path.rglob("*") if path.is_file() and path not in own]
    everything = b"\0".join([*seen, *(path.read_bytes() for path in files)])
    row_told("secrets", f"{len(files)} files, {len(everything) / 1e6:.1f} MB searched")
    assert b"door" in everything
    assert len(files) >= 4
    for secret in (CAMERA, WRONG, TOKEN, MAIL, BROKER):
        assert secret.encode() not in everything
