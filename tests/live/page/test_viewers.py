"""The WebSocket: pictures, numbers, several viewers, slow ones."""

import json
import struct
import time

import pytest

from tests.live.page.fakes import Feeder, jpeg_size, show

WS = "ws://127.0.0.1:8000/ws"


def read(socket, seconds: float = 2.0, until=lambda *_: False):
    """Return pictures (camera, time, JPEG) and messages of a WebSocket.

    Args:
        socket: The connection.
        seconds: How long to read.
        until: Called with both lists; reading ends when it returns True.
    """
    pictures, messages = [], []
    ends = time.monotonic() + seconds
    while time.monotonic() < ends and not until(pictures, messages):
        message = socket.receive()
        if message.get("bytes") is not None:
            camera, at = struct.unpack(">Bd", message["bytes"][:9])
            pictures.append((camera, at, message["bytes"][9:]))
        else:
            messages.append(json.loads(message["text"]))
    return pictures, messages


def test_a_viewer_gets_pictures_and_numbers(client, page):
    with client.websocket_connect(WS) as socket:
        pictures, messages = read(socket, until=lambda p, m: len(p) >= 2 and m)
        assert {camera for camera, *_ in pictures} == {0, 1}
        assert abs(pictures[0][1] / 1000 - time.time()) < 5
        assert jpeg_size(pictures[0][2]) == (640, 360)
        status = next(each for each in messages if each["type"] == "status")
        assert status["model"] is True
        first = status["cameras"][0]
        assert (first["name"], first["state"], first["live"]) == ("Hall", "live", True)
        assert 0 <= first["age"] < 5
        assert [bar[0] for bar in first["bars"]] == ["still", "walk", "fall"]
        assert status["learn"]["state"] == "idle"


def test_new_points_come_once(client, page):
    with client.websocket_connect(WS) as socket:
        read(socket, until=lambda _, m: any(each["type"] == "status" for each in m))
        show(page.hub, 0, 101.0)
        _, messages = read(socket, seconds=1.0, until=lambda _, m: _statuses(m) >= 3)
        points = [
            row["points"]["times"]
            for each in messages
            if each["type"] == "status"
            for row in each["cameras"]
            if row["points"]
        ]
        assert sum(map(len, points)) == 1


def _statuses(messages) -> int:
    return sum(each["type"] == "status" for each in messages)


def test_a_lost_camera_is_never_live(client, page):
    page.hub.update(0, state="lost", reason="connection refused", open_events=("fall",))
    with client.websocket_connect(WS) as socket:
        _, messages = read(socket, until=lambda _, m: _statuses(m) > 0)
    first = next(each for each in messages if each["type"] == "status")["cameras"][0]
    assert (first["live"], first["state"]) == (False, "lost")
    assert first["reason"] == "connection refused"
    assert abs(first["since"] - time.time()) < 5
    assert (first["label"], first["bars"]) == (None, [])


def test_a_camera_without_new_pictures_is_not_live(client, page):
    picture = page.hub.picture(0)
    object.__setattr__(picture, "arrived", picture.arrived - 10)
    with client.websocket_connect(WS) as socket:
        _, messages = read(socket, until=lambda _, m: _statuses(m) > 0)
    first = next(each for each in messages if each["type"] == "status")["cameras"][0]
    assert (first["live"], first["state"], first["reason"]) == (False, "stalled", "no new picture")
    assert first["age"] >= 10


def test_nothing_is_encoded_while_nobody_looks(client, page):
    pictures = page.app.pictures
    with Feeder(page.hub, rate=30):
        time.sleep(0.3)
        assert pictures.encoded == 0
        with client.websocket_connect(WS) as socket:
            read(socket, seconds=0.5)
            socket.send_json({"cameras": [1]})
            read(socket, seconds=0.6, until=lambda _, m: _statuses(m) >= 2)
            shown, _ = read(socket, seconds=0.5, until=lambda p, _: len(p) >= 2)
            assert {camera for camera, *_ in shown} == {1}
            socket.send_json({"visible": False})
            read(socket, seconds=0.6, until=lambda _, m: _statuses(m) >= 2)
            hidden = pictures.encoded
            assert hidden > 0
            read(socket, seconds=0.5, until=lambda _, m: _statuses(m) >= 2)
            assert pictures.encoded == hidden
        client.get("/healthz")
        gone = pictures.encoded
        time.sleep(0.3)
        assert pictures.encoded == gone
    assert pictures.viewers == 0


def test_two_viewers_share_the_pictures(client, page):
    with (
        Feeder(page.hub, rate=30),
        client.websocket_connect(WS) as one,
        client.websocket_connect(WS) as other,
    ):
        mine, _ = read(one, seconds=0.5)
        theirs, _ = read(other, seconds=0.5)
        assert page.app.pictures.viewers == 2
    assert {jpeg for *_, jpeg in mine} & {jpeg for *_, jpeg in theirs}


def test_an_enlarged_camera_comes_in_full_size(client, page):
    show(page.hub, 0, 101.0, size=(1280, 720))
    with client.websocket_connect(WS) as socket:
        pictures, _ = read(socket, until=lambda p, _: any(each[0] == 0 for each in p))
        assert jpeg_size(next(each for each in pictures if each[0] == 0)[2]) == (640, 360)
        socket.send_json({"enlarged": 0})
        large = lambda p, _: any(jpeg_size(each[2]) == (1280, 720) for each in p)  # noqa: E731
        pictures, _ = read(socket, until=large)
        assert {camera for camera, _, jpeg in pictures if jpeg_size(jpeg)[0] == 1280} == {0}


def test_a_viewer_that_does_not_draw_gets_no_more_than_three_rounds(client, page):
    with Feeder(page.hub, rate=30), client.websocket_connect(WS) as socket:
        _, messages = read(socket, until=lambda _, m: any(each["type"] == "round" for each in m))
        number = next(each["number"] for each in messages if each["type"] == "round")
        socket.send_json({"round": number})
        _, messages = read(socket, seconds=0.9)
        rounds = [each["number"] for each in messages if each["type"] == "round"]
        assert rounds
        assert max(rounds) <= number + 4  # the fourth may have been on its way
        socket.send_json({"round": max(rounds)})
        pictures, messages = read(
            socket, until=lambda p, m: p and m[-1:] and m[-1]["type"] == "round"
        )
        assert [each for each in messages if each["type"] == "round"]
        ages = [time.time() - at / 1000 for _, at, _ in pictures]
        assert min(ages) < 1.0


@pytest.mark.parametrize(
    "text", ["", "x", "[]", "1", '{"round": "x"}', '{"enlarged": [1], "cameras": 1}']
)
def test_nonsense_from_a_viewer_is_ignored(client, text):
    with client.websocket_connect(WS) as socket:
        socket.send_text(text)
        socket.send_bytes(b"\0\1")
        _, messages = read(socket, until=lambda _, m: _statuses(m) >= 2)
        assert _statuses(messages) >= 2
