"""What is refused: foreign hosts and origins, paths that climb, large bodies, no token."""

import asyncio
import logging
from urllib.parse import unquote

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from live.page.access import Access
from live.page.security import BODY_BYTES, COOKIE
from tests.live.page.fakes import make_page

TOKEN = "a-token-of-24-characters"
PLACES = ("/", "/api/state", "/static/app.js", "/metrics", "/snapshot/0.jpg", "/healthz", "/login")


@pytest.fixture
def guarded():
    """A client of a page that demands a token, and the page."""
    page = make_page(access=Access("192.168.1.4", 8000, token=TOKEN))
    with TestClient(page.app, base_url="http://192.168.1.4:8000", follow_redirects=False) as client:
        yield client, page


@pytest.mark.parametrize("place", PLACES)
def test_a_foreign_host_is_refused_everywhere(client, place):
    assert client.get(place).status_code == 200
    assert client.get(place, headers={"host": "evil.example"}).status_code == 403
    assert client.get(place, headers={"host": "evil.example:8000"}).status_code == 403


@pytest.mark.parametrize("place", PLACES)
def test_a_foreign_origin_is_refused_everywhere(client, place):
    for origin in ("http://evil.example", "null", "http://127.0.0.1:9999"):
        assert client.get(place, headers={"origin": origin}).status_code == 403
    assert client.get(place, headers={"origin": "http://127.0.0.1:8000"}).status_code == 200


def test_a_foreign_page_can_change_nothing(client, page):
    evil = {"origin": "http://evil.example"}
    body = {"armed": False}
    assert client.post("/api/cameras/0/armed", json=body, headers=evil).status_code == 403
    # A form or a script without a preflight can send only these content types.
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        answer = client.post(
            "/api/cameras/0/armed", content=b'{"armed": false}', headers={"content-type": kind}
        )
        assert answer.status_code == 415
    assert page.controls.calls == []
    assert client.post("/api/cameras/0/armed", json=body).status_code == 200
    assert page.controls.calls == [("armed", 0, False)]


@pytest.mark.parametrize(
    "headers", [{"origin": "http://evil.example"}, {"host": "evil.example"}, {"origin": "null"}]
)
def test_a_foreign_websocket_is_refused(client, headers):
    with client.websocket_connect("ws://127.0.0.1:8000/ws") as socket:
        assert socket.receive()["type"] == "websocket.send"
    foreign = client.websocket_connect("ws://127.0.0.1:8000/ws", headers=headers)
    with pytest.raises(WebSocketDisconnect), foreign:
        pass


def test_a_host_that_is_given_twice_is_refused(page):
    host = (b"host", b"127.0.0.1:8000")
    assert _raw_get(page.app, "/login", [host]) != 403
    assert _raw_get(page.app, "/login", [host, (b"host", b"evil.example")]) == 403
    assert _raw_get(page.app, "/login", []) == 403


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2fapp.py",
        "/static/%2e%2e%2f%2e%2e%2fhub.py",
        "/event/../../etc/passwd",
        "/event/%2e%2e/still.jpg",
        "/event/1/..%5c..%5cx.mp4",
        "/event/1/%00.mp4",
        "/teach/clip/../1.mp4",
    ],
)
def test_paths_that_climb_are_not_found(page, path):
    # httpx resolves dots before it sends: the path is given as a server would decode it.
    assert _raw_get(page.app, unquote(path), [(b"host", b"127.0.0.1:8000")]) == 404


def _raw_get(app, path: str, headers: list) -> int:
    """Return the status of a request that no client has touched."""
    statuses = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": headers,
        "client": ("127.0.0.1", 5),
        "server": ("127.0.0.1", 8000),
    }
    asyncio.run(app(scope, receive, send))
    return statuses[0]


@pytest.mark.parametrize(
    "path",
    [
        "/event/one/still.jpg",
        "/event/-1/still.jpg",
        "/event/1.5/still.jpg",
        "/event/1/x.mp4",
        "/snapshot/x.jpg",
        "/snapshot/2.jpg",
        "/snapshot/99999999999999999999.jpg",
        "/mjpeg/2",
        "/mjpeg/x",
        "/api/cameras/x/history",
        "/api/cameras/2/history",
        "/api/events/x",
        "/api/events/1",
        "/teach/clip/x.mp4",
        "/teach/clip/1.mp4",
        "/nothing",
    ],
)
def test_ids_are_integers_of_something_that_exists(client, path):
    assert client.get(path).status_code == 404


def test_a_large_body_is_refused(client, page):
    headers = {"content-type": "application/json"}
    large = b" " * (BODY_BYTES + 1)
    assert client.post("/api/rules", content=large, headers=headers).status_code == 413

    def parts():
        for _ in range(80):
            yield b" " * 1024

    answer = client.post("/api/rules", content=parts(), headers=headers)  # without a length
    assert answer.status_code == 413
    assert page.controls.calls == []


def test_every_answer_has_the_headers(client):
    for place in (*PLACES, "/nothing"):
        headers = client.get(place).headers
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'self'")
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "server" not in headers
    assert client.get("/api/state").headers["cache-control"] == "no-store"


@pytest.mark.parametrize("place", ["/api/state", "/metrics", "/snapshot/0.jpg", "/mjpeg/0"])
def test_without_the_token_nothing_is_told(guarded, place):
    client, _ = guarded
    assert client.get(place).status_code == 401
    assert client.get(place, headers={"cookie": f"{COOKIE}=1.x.y"}).status_code == 401
    assert client.get("/").status_code == 303
    assert client.get("/login").status_code == 200
    assert client.get("/healthz").text == "ok\n"
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("ws://192.168.1.4:8000/ws"):
        pass


def test_the_form_changes_the_token_for_a_cookie(guarded):
    client, _ = guarded
    answer = client.post("/login", json={"token": TOKEN})
    assert answer.status_code == 200
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert TOKEN not in cookie
    assert client.get("/api/state").json()["login"] is True
    with client.websocket_connect("ws://192.168.1.4:8000/ws") as socket:
        assert socket.receive()["type"] == "websocket.send"
    assert client.post("/logout", json={}).status_code == 200
    assert client.get("/api/state").status_code == 401


def test_wrong_tokens_are_limited_and_never_logged(guarded, caplog):
    client, _ = guarded
    with caplog.at_level(logging.DEBUG):
        for number in range(5):
            answer = client.post("/login", json={"token": f"wrong-secret-{number}"})
            assert answer.status_code == 401
        answer = client.post("/login", json={"token": TOKEN})
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) > 200
        bearer = {"authorization": f"Bearer {TOKEN}"}
        assert client.get("/metrics", headers=bearer).status_code == 429
    ours = [each.getMessage() for each in caplog.records if not each.name.startswith("httpx")]
    assert "wrong-secret" not in "".join(ours)
    assert TOKEN not in "".join(ours)


def test_programs_send_the_token_as_a_bearer(guarded):
    client, _ = guarded
    for _ in range(10):  # right ones are not limited
        answer = client.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})
        assert answer.status_code == 200
    assert client.get("/metrics", headers={"authorization": "Bearer x"}).status_code == 401
    assert client.get("/metrics", headers={"authorization": f"Basic {TOKEN}"}).status_code == 401


def test_an_error_of_the_program_is_told_without_its_text(client, page, caplog, monkeypatch):
    def broken(camera):
        raise ZeroDivisionError("rtsp://user:secret@host")

    monkeypatch.setattr(page.controls, "rules", broken)
    with caplog.at_level(logging.INFO, "lookback"):
        answer = client.get("/api/state")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "ZeroDivisionError" in caplog.text
    assert "secret" not in caplog.text
