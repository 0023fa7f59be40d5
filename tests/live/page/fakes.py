"""A page without cameras: a hub with drawn pictures, events in memory, a teacher that pretends."""

import io
import itertools
import math
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from live.decision import Decision
from live.hub import Hub
from live.page.access import Access
from live.page.app import PageApp
from live.page.interfaces import PageEvent
from video.errors import LookbackError
from video.frame import Frame
from video.writer import Mp4Writer

LABELS = ("still", "walk", "fall")
NAMES = ("Hall", "Entrance", "Yard", "Gym", "Stairs", "Office", "Shop", "Garage")


def scene(camera: int, moment: float, size: tuple[int, int] = (640, 360)) -> np.ndarray:
    """Return a drawn picture, uint8 RGB (H, W, 3): a floor, a wall and somebody who walks."""
    width, height = size
    hue = np.uint8([[[camera * 22 % 180, 60, 150]]])
    wall = cv2.cvtColor(hue, cv2.COLOR_HSV2RGB)[0, 0]
    rows = np.linspace(1.0, 0.55, height)[:, None, None]
    image = (np.full((height, width, 3), wall) * rows).astype(np.uint8)
    floor = int(height * 0.68)
    image[floor:] = (image[floor:] * 0.55).astype(np.uint8)
    for place in range(1, 4):  # windows
        left = width * place // 4 - width // 12
        cv2.rectangle(
            image, (left, height // 8), (left + width // 6, height // 3), (225, 232, 238), -1
        )
    across = (0.5 + 0.38 * math.sin(moment * 0.6 + camera)) * width
    tall = height * 0.42
    feet = (int(across), int(height * 0.86))
    cv2.ellipse(image, feet, (int(tall * 0.22), int(tall * 0.05)), 0, 0, 360, (30, 34, 40), -1)
    swing = math.sin(moment * 5 + camera) * tall * 0.12
    hip = (feet[0], int(feet[1] - tall * 0.45))
    neck = (feet[0], int(feet[1] - tall * 0.8))
    thick = max(2, int(tall * 0.09))
    for side in (-1, 1):
        foot = (int(feet[0] + side * swing), feet[1])
        hand = (int(neck[0] - side * swing), hip[1])
        cv2.line(image, hip, foot, (38, 44, 58), thick, cv2.LINE_AA)
        cv2.line(image, neck, hand, (232, 236, 240), max(2, thick // 2), cv2.LINE_AA)
    cv2.line(image, hip, neck, (232, 236, 240), int(thick * 1.6), cv2.LINE_AA)
    cv2.circle(image, (neck[0], int(neck[1] - tall * 0.1)), thick, (214, 178, 150), -1, cv2.LINE_AA)
    return image


def probabilities(camera: int, moment: float) -> np.ndarray:
    """Return made-up probabilities of the three classes, float64 (3,)."""
    walk = 0.5 + 0.42 * math.sin(moment / 32 + camera)
    fall = max(0.0, 1 - abs((moment / 40 + camera * 0.3) % 4 - 2) * 6) * 0.92
    logits = np.array([1 - walk, walk, 0.02]) * (1 - fall) + np.array([0.02, 0.05, 1.0]) * fall
    return logits / logits.sum()


def show(
    hub: Hub,
    camera: int,
    moment: float,
    size: tuple[int, int] = (640, 360),
    frame: Frame | None = None,
) -> None:
    """Show a picture of a camera with its decision; it is drawn if it is not given."""
    labels = hub.statuses()[camera].labels
    decision = None
    if labels:
        values = probabilities(camera, moment)
        decision = Decision(int(moment * 10), moment, values, labels, 0.5)
        hub.decided(camera, decision, {"fall": float(values[2])})
    hub.show(camera, frame or Frame.from_array(scene(camera, moment, size)), decision)


def fill_history(hub: Hub, camera: int, moment: float, seconds: float = 600.0) -> None:
    """Fill a camera's history with made-up decisions, one in half a second."""
    now = time.monotonic()
    history = hub.statuses()[camera].history
    history.clear()
    for back in np.arange(seconds, 0, -0.5):
        values = tuple(map(float, probabilities(camera, moment - back)))
        nan = float("nan")
        history.append((now - float(back), values, (nan, nan, values[2])))


class Feeder:
    """Shows pictures of all cameras from a thread.

    Args:
        hub: The hub.
        rate: Pictures a second.
        off: Cameras that are lost.
    """

    def __init__(self, hub: Hub, rate: float = 10.0, off: Sequence[int] = ()) -> None:
        self._hub, self._rate, self._off = hub, rate, off
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Feeder":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        cameras = [each.id for each in self._hub.statuses() if each.id not in self._off]
        # Drawn once: drawing is much dearer than all that the page does.
        drawn = {
            camera: [Frame.from_array(scene(camera, 100 + index / 5)) for index in range(12)]
            for camera in cameras
        }
        begun = due = time.monotonic()
        for index in itertools.count():
            due += 1 / self._rate
            if self._ending.wait(max(0.0, due - time.monotonic())):
                return
            for camera in cameras:
                moment = 100 + time.monotonic() - begun
                show(self._hub, camera, moment, frame=drawn[camera][index % 12])


def make_hub(cameras: int = 2, labels: tuple[str, ...] = LABELS) -> Hub:
    """Return a hub with live cameras that have shown one picture each."""
    hub = Hub()
    for camera in range(cameras):
        hub.add_camera(NAMES[camera], labels)
        hub.update(camera, state="live", session=1, size=(640, 360))
        show(hub, camera, 100.0)
    return hub


@dataclass
class FakeEvents:
    """Events in memory."""

    rows: dict[int, PageEvent] = field(default_factory=dict)

    def between(self, start: float, end: float) -> list[PageEvent]:
        return [
            each
            for each in sorted(self.rows.values(), key=lambda each: each.started)
            if each.started < end and (each.ended is None or each.ended >= start)
        ]

    def event(self, event: int) -> PageEvent | None:
        return self.rows.get(event)

    def add(self, camera: str, label: str, started: float, seconds: float, **more: Any) -> int:
        number = len(self.rows) + 1
        self.rows[number] = PageEvent(
            number, camera, label, started, started + seconds, seconds, 0.94, 0.81, **more
        )
        return number


@dataclass
class FakeControls:
    """Settings in memory; `calls` has what was changed."""

    hub: Hub
    events: FakeEvents
    thresholds: dict[str, tuple[float, float]] = field(
        default_factory=lambda: {"fall": (0.8, 0.5), "walk": (0.9, 0.6)}
    )
    calls: list[tuple] = field(default_factory=list)

    def rules(self, camera: int) -> dict[str, tuple[float, float]]:
        labels = self.hub.statuses()[camera].labels
        return {label: rule for label, rule in self.thresholds.items() if label in labels}

    def alarm_classes(self) -> list[str]:
        return list(self.thresholds)

    def set_rule(self, camera: int | None, label: str, on: float, off: float) -> None:
        if label not in self.thresholds:
            raise LookbackError(f"{label}: this class raises no alarms")
        self.calls.append(("rule", camera, label, on, off))
        self.thresholds[label] = (on, off)

    def set_alarm_classes(self, labels: Sequence[str]) -> None:
        self.calls.append(("classes", *labels))
        self.thresholds = {label: self.thresholds.get(label, (0.8, 0.5)) for label in labels}

    def set_armed(self, camera: int, armed: bool) -> None:
        self.calls.append(("armed", camera, armed))
        self.hub.update(camera, armed=armed)

    def delete_event(self, event: int) -> None:
        self.calls.append(("delete", event))
        del self.events.rows[event]


@dataclass
class FakeTeacher:
    """Clips in memory that all show one file; `learn` ends at once, in a model."""

    hub: Hub
    events: FakeEvents
    clip: Path | None = None
    clips: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    calls: list[tuple] = field(default_factory=list)
    state: dict[str, Any] = field(default_factory=lambda: {"state": "idle", "fraction": 0.0})
    held: dict[str, tuple[int, str, str]] = field(default_factory=dict)

    def classes(self) -> list[dict[str, Any]]:
        return [
            {"name": name, "count": len(clips), "clips": clips[::-1]}
            for name, clips in self.clips.items()
        ]

    def add_class(self, name: str) -> None:
        if name in self.clips:
            raise LookbackError(f"class {name}: exists already")
        self.clips[name] = []

    def remove_class(self, name: str) -> None:
        del self.clips[name]

    def sessions(self) -> list[str]:
        return sorted({each["session"] for clips in self.clips.values() for each in clips})

    def begin_clip(self, camera_id: int, label: str, session: str) -> str:
        token = f"t{len(self.calls)}"
        self.calls.append(("begin", camera_id, label, session))
        self.held[token] = (camera_id, label, session)
        return token

    def end_clip(self, token: str) -> int:
        camera, label, session = self.held.pop(token)
        return self.add_clip(camera, label, session)

    def add_clip(self, camera: int, label: str, session: str) -> int:
        number = 1 + sum(map(len, self.clips.values()))
        row = {"id": number, "seconds": 3.0, "session": session, "camera": NAMES[camera]}
        self.clips.setdefault(label, []).append({**row, "created": time.time()})
        return number

    def delete_clip(self, clip: int) -> None:
        for clips in self.clips.values():
            clips[:] = [each for each in clips if each["id"] != clip]

    def clip_path(self, clip: int) -> Path:
        if self.clip is None or not any(
            each["id"] == clip for clips in self.clips.values() for each in clips
        ):
            raise LookupError(clip)
        return self.clip

    def learn(self) -> None:
        if len(self.clips) < 2:
            raise LookbackError("two classes are needed")
        self.calls.append(("learn",))
        self.state = {
            "state": "done",
            "phase": "",
            "fraction": 1.0,
            "message": "",
            "score": 0.92,
            "warning": "Only 2 sessions: the score says little about another day or place.",
            "seconds": 31.0,
        }
        for status in self.hub.statuses():
            self.hub.update(status.id, labels=LABELS)

    def cancel(self) -> None:
        self.calls.append(("cancel",))

    def progress(self) -> dict[str, Any]:
        return dict(self.state)

    def correct(self, event_id: int, verdict: str, label: str | None) -> None:
        self.calls.append(("correct", event_id, verdict, label))
        self.events.rows[event_id] = replace(
            self.events.rows[event_id], verdict=verdict, corrected=label or ""
        )

    def missed(self, camera_id: int, label: str, seconds: float) -> None:
        self.calls.append(("missed", camera_id, label, seconds))


@dataclass
class FakePage:
    """A page with everything that it shows."""

    hub: Hub
    events: FakeEvents
    controls: FakeControls
    teacher: FakeTeacher
    app: PageApp


def make_page(hub: Hub | None = None, access: Access | None = None, **more: Any) -> FakePage:
    """Return a page on a hub."""
    hub = hub or make_hub()
    events = FakeEvents()
    controls, teacher = FakeControls(hub, events), FakeTeacher(hub, events)
    access = access or Access("127.0.0.1", 8000)
    app = PageApp(hub, events, controls, access, teacher, **more)
    return FakePage(hub, events, controls, teacher, app)


def write_clip(path: Path, camera: int = 0, seconds: float = 3.0) -> Path:
    """Write an mp4 of the drawn scene."""
    with Mp4Writer(path, (320, 180), 10.0) as writer:
        for index in range(round(seconds * 10)):
            writer.write(scene(camera, 90 + index / 10, (320, 180)), index / 10)
    return path


def write_still(path: Path, camera: int, moment: float) -> Path:
    """Write a JPEG of the drawn scene."""
    bgr = cv2.cvtColor(scene(camera, moment), cv2.COLOR_RGB2BGR)
    path.write_bytes(cv2.imencode(".jpg", bgr)[1].tobytes())
    return path


def jpeg_size(data: bytes) -> tuple[int, int]:
    """Return width and height of a JPEG."""
    buffer = np.frombuffer(io.BytesIO(data).getvalue(), np.uint8)
    height, width = cv2.imdecode(buffer, cv2.IMREAD_COLOR).shape[:2]
    return width, height
