"""Cameras, events and teaching over HTTP."""

import json
import re
import time

import pytest

from live.page.files import STATIC
from live.page.health import camera_health
from tests.live.page.fakes import (
    LABELS,
    FakePage,
    fill_history,
    jpeg_size,
    make_hub,
    show,
    write_clip,
    write_still,
)
from video.errors import LookbackError


def test_the_state_names_cameras_classes_and_thresholds(client):
    state = client.get("/api/state").json()
    assert [camera["name"] for camera in state["cameras"]] == ["Hall", "Entrance"]
    first = state["cameras"][0]
    assert first["live"] is True
    assert first["labels"] == list(LABELS)
    assert first["rules"] == {"fall": {"on": 0.8, "off": 0.5}, "walk": {"on": 0.9, "off": 0.6}}
    assert (state["model"], state["teach"], state["login"]) == (True, True, False)


def test_the_history_has_ten_minutes_of_raw_and_smoothed_probabilities(client, page):
    fill_history(page.hub, 0, 100.0)
    page.hub.statuses()[0].history[-1] = (time.monotonic(), (0.2, 0.3, 0.5), (float("nan"),) * 3)
    history = client.get("/api/cameras/0/history").json()
    assert history["labels"] == list(LABELS)
    assert len(history["times"]) == 1200
    assert 598 < history["times"][-1] - history["times"][0] < 602
    assert abs(history["times"][-1] - time.time()) < 2
    assert history["raw"][2][-1] == 0.5
    assert history["smoothed"][2][-1] is None
    assert history["smoothed"][2][0] is not None
    assert all(value is None for value in history["smoothed"][0])


def test_a_model_with_many_classes_plots_those_that_raise_alarms(client, page):
    labels = tuple(f"class {number}" for number in range(400))
    page.hub.update(0, labels=labels, smoothed={"class 7": 0.5})
    page.hub.statuses()[0].history.clear()
    page.hub.statuses()[0].history.append((time.monotonic(), (0.0025,) * 400, (0.5,) * 400))
    history = client.get("/api/cameras/0/history").json()
    assert history["labels"] == ["class 7"]
    assert (history["raw"], history["smoothed"]) == ([[0.0025]], [[0.5]])


def test_points_of_an_earlier_model_are_left_out(client, page):
    fill_history(page.hub, 0, 100.0, seconds=10)
    page.hub.update(0, labels=("one", "two", "three"))
    history = client.get("/api/cameras/0/history").json()
    assert (history["labels"], history["times"]) == (["one", "two", "three"], [])


def test_thresholds_act_at_once_and_off_is_below_on(client, page):
    body = {"camera": 0, "label": "fall", "on": 0.7, "off": 0.4}
    assert client.post("/api/rules", json=body).status_code == 200
    assert client.post("/api/rules", json={**body, "camera": None}).status_code == 200
    assert page.controls.calls == [("rule", 0, "fall", 0.7, 0.4), ("rule", None, "fall", 0.7, 0.4)]
    for wrong in (
        {"off": 0.7},
        {"off": 0.9},
        {"on": 1.1},
        {"off": -0.1},
        {"on": "0.8"},
        {"on": float("nan")},
        {"label": ""},
        {"label": "../x"},
        {"more": 1},
        {"camera": True},
    ):
        answer = client.post(
            "/api/rules",
            content=json.dumps({**body, **wrong}),
            headers={"content-type": "application/json"},
        )
        assert answer.status_code == 400, wrong
    assert client.post("/api/rules", json={**body, "camera": 9}).status_code == 404
    answer = client.post("/api/rules", json={**body, "label": "other"})
    assert answer.status_code == 409
    assert answer.json()["error"] == "other: this class raises no alarms"
    assert len(page.controls.calls) == 2


def test_arming_and_alarm_classes(client, page):
    assert client.post("/api/cameras/1/armed", json={"armed": False}).status_code == 200
    assert client.post("/api/alarm_classes", json={"classes": ["walk"]}).status_code == 200
    assert page.controls.calls == [("armed", 1, False), ("classes", "walk")]
    assert client.get("/api/state").json()["cameras"][1]["armed"] is False
    assert client.post("/api/cameras/1/armed", json={"armed": 1}).status_code == 400
    assert client.post("/api/cameras/1/armed", content=b"{").status_code == 415
    assert client.get("/api/rules").status_code == 405


def test_a_snapshot_is_never_old(client, page):
    answer = client.get("/snapshot/0.jpg")
    assert answer.headers["content-type"] == "image/jpeg"
    assert jpeg_size(answer.content) == (640, 360)
    page.hub.update(0, state="lost", reason="refused")
    assert client.get("/snapshot/0.jpg").status_code == 503
    page.hub.update(0, state="live")
    picture = page.hub.picture(0)
    object.__setattr__(picture, "arrived", picture.arrived - 10)
    assert client.get("/snapshot/0.jpg").status_code == 503


def test_a_snapshot_has_at_most_full_hd(client, page):
    show(page.hub, 0, 101.0, size=(3840, 2160))
    assert jpeg_size(client.get("/snapshot/0.jpg").content) == (1920, 1080)


def test_health_is_told_without_names(client, page, monkeypatch):
    assert client.get("/healthz").text == "ok\n"


def test_no_camera_live_for_long_is_not_healthy():
    hub = make_hub(2)
    health = camera_health(hub, seconds=120)
    assert health() == ""
    for camera in (0, 1):
        hub.update(camera, state="lost")
    assert health() == ""  # not for long
    reason = camera_health(hub, seconds=-1)()
    assert reason == "no camera is live"
    hub.update(1, state="live")
    assert camera_health(hub, seconds=-1)() == ""


def test_metrics_count_and_name_no_address(client, page):
    page.hub.count("events", 3)
    page.hub.update(1, state="lost", reason="rtsp://user:secret@host: 401")
    text = client.get("/metrics").text
    assert "lookback_events_total 3.0" in text
    assert 'lookback_camera_frames_total{camera="Hall"} 1.0' in text
    assert 'lookback_camera_state{camera="Entrance",state="lost"} 1.0' in text
    assert 'lookback_camera_state{camera="Entrance",state="live"} 0.0' in text
    assert 'lookback_camera_armed{camera="Hall"} 1.0' in text
    assert "lookback_viewers 0.0" in text
    assert "secret" not in text
    assert "python_info" not in text  # the registry is the page's own


@pytest.fixture
def event(page: FakePage, tmp_path) -> int:
    """The number of an event of today with a still and a recording."""
    clip = write_clip(tmp_path / "clip.mp4", seconds=1)
    still = write_still(tmp_path / "still.jpg", 0, 1.0)
    return page.events.add("Hall", "fall", time.time() - 1, 1.0, still=still, parts=(clip,))


def test_a_day_has_its_events_and_bounds(client, event):
    day = client.get("/api/events").json()
    assert day["today"] is True
    assert (day["end"] - day["start"]) / 3600 in (23, 24, 25)
    assert len(day["hours"]) == round((day["end"] - day["start"]) / 3600)
    (row,) = day["events"]
    assert (row["id"], row["label"], row["still"], row["parts"]) == (event, "fall", True, 1)
    assert day["start"] <= row["started"] < day["end"]
    old = client.get("/api/events?day=2020-02-29").json()
    assert (old["today"], old["events"]) == (False, [])
    for wrong in ("2020-02-30", "x", "9999-12-31"):
        assert client.get(f"/api/events?day={wrong}").status_code == 400


def test_a_recording_can_be_sought(client, event, page):
    whole = client.get(f"/event/{event}/0.mp4")
    assert whole.headers["content-type"] == "video/mp4"
    assert whole.headers["accept-ranges"] == "bytes"
    part = client.get(f"/event/{event}/0.mp4", headers={"range": "bytes=100-199"})
    assert part.status_code == 206
    assert part.content == whole.content[100:200]
    assert part.headers["content-range"] == f"bytes 100-199/{len(whole.content)}"
    assert client.get(f"/event/{event}/1.mp4").status_code == 404
    assert client.get(f"/event/{event}/still.jpg").headers["content-type"] == "image/jpeg"
    page.events.event(event).still.unlink()
    assert client.get(f"/event/{event}/still.jpg").status_code == 404


def test_events_are_corrected_and_deleted(client, event, page):
    place = f"/api/events/{event}"
    assert client.post(f"{place}/verdict", json={"verdict": "wrong"}).status_code == 200
    body = {"verdict": "wrong", "label": "walk"}
    assert client.post(f"{place}/verdict", json=body).status_code == 200
    assert client.post(f"{place}/verdict", json={"verdict": "maybe"}).status_code == 400
    assert client.get(place).json()["corrected"] == "walk"
    assert client.post("/api/events/99/verdict", json=body).status_code == 404
    assert client.delete(place).status_code == 200
    assert client.delete(place).status_code == 404
    assert page.teacher.calls == [
        ("correct", event, "wrong", None),
        ("correct", event, "wrong", "walk"),
    ]
    assert page.controls.calls == [("delete", event)]


def test_missed_events_have_five_to_sixty_seconds(client, page):
    body = {"camera": 1, "label": "fall", "seconds": 12.0}
    assert client.post("/api/missed", json=body).status_code == 200
    assert page.teacher.calls == [("missed", 1, "fall", 12.0)]
    for seconds in (4.9, 61, "10"):
        assert client.post("/api/missed", json={**body, "seconds": seconds}).status_code == 400


def test_teaching_from_nothing(client, page, tmp_path):
    page.teacher.clip = write_clip(tmp_path / "clip.mp4", seconds=1)
    for name in ("sit", "stand"):
        assert client.post("/api/teach/classes", json={"name": name}).status_code == 200
    assert client.post("/api/teach/classes", json={"name": "sit"}).status_code == 409
    refused = client.post("/api/teach/classes", json={"name": "a/b"})
    assert refused.status_code == 400
    assert refused.json()["error"].startswith("name: neither / nor \\ nor")
    begin = {"camera": 0, "label": "sit", "session": "morning"}
    token = client.post("/api/teach/clips/begin", json=begin).json()["token"]
    number = client.post("/api/teach/clips/end", json={"token": token}).json()["id"]
    shown = client.get("/api/teach").json()
    counts = {each["name"]: each["count"] for each in shown["classes"]}
    assert counts == {"sit": 1, "stand": 0}
    assert shown["progress"]["state"] == "idle"
    assert client.get(f"/teach/clip/{number}.mp4").content == page.teacher.clip.read_bytes()
    assert client.post("/api/teach/clips/end", json={"token": token}).status_code == 404
    assert client.delete(f"/api/teach/clips/{number}").status_code == 200
    assert client.get(f"/teach/clip/{number}.mp4").status_code == 404
    assert client.post("/api/teach/learn").status_code == 200
    assert client.get("/api/teach").json()["progress"]["score"] == 0.92
    assert client.request("DELETE", "/api/teach/classes", json={"name": "sit"}).status_code == 200
    answer = client.post("/api/teach/learn")
    assert (answer.status_code, answer.json()) == (409, {"error": "two classes are needed"})


def test_a_refusal_is_told_in_its_own_words(client, page, monkeypatch):
    def refuse(label, *rest):
        raise LookbackError("Class X: is Not a Folder")

    monkeypatch.setattr(page.teacher, "add_class", refuse)
    answer = client.post("/api/teach/classes", json={"name": "X"})
    assert answer.json() == {"error": "Class X: is Not a Folder"}


def test_every_static_file_that_is_named_exists(client):
    names = set()
    for path in (*STATIC.glob("*.html"), *STATIC.glob("*.js")):
        text = path.read_text(encoding="utf-8")
        names |= set(re.findall(r'(?:href|src)="/static/([^"]+)"', text))
        names |= set(re.findall(r'from "\./([^"]+)"', text))
        assert not re.search(r"https?://(?!www\.w3\.org)", text), path  # nothing leaves the page
        assert "style=" not in text, path  # the policy forbids it
    assert {"app.js", "style.css", "vendor/uplot/uPlot.iife.min.js"} <= names
    for name in names:
        assert client.get(f"/static/{name}").status_code == 200, name
    assert "MIT" in client.get("/static/vendor/uplot/LICENSE").text
