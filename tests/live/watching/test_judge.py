"""The alarms of a camera: decisions and time in, reports to the desk out."""

from datetime import datetime

import numpy as np
import pytest

from live.alarms.cool_down import CoolDown
from live.alarms.rule import Rule
from live.alarms.schedule import parse_schedule
from live.decision import Decision
from live.hub import Hub
from live.watching.judge import CameraJudge
from tests.live.watching.fakes import LABELS, gray

RULE = Rule("fight", 0.8, 0.5, smoothing="none", hold_seconds=0.5, release_seconds=1.0)


class Desk:
    """Keeps what it is told: kind and values."""

    def __init__(self) -> None:
        self.told: list[tuple] = []
        self.sent: list = []

    def confirmed(self, camera, event, frame, silent, sent) -> None:
        self.told.append(("confirmed", camera, event.label, round(event.started, 3), silent))
        self.sent.append(sent)

    def ended(self, camera, event) -> None:
        self.told.append(("ended", camera, event.label, round(event.ended, 3)))

    def still_open(self, camera, event, now) -> None:
        self.told.append(("open", now))

    def camera_state(self, camera, live, armed) -> None:
        self.told.append(("state", live, armed))

    def camera_lost(self, camera, since, why) -> None:
        self.told.append(("lost", since, why))

    def camera_back(self, camera, seconds) -> None:
        self.told.append(("back", seconds))

    def kinds(self, *kinds: str) -> list[tuple]:
        return [each for each in self.told if each[0] in kinds]


class Scene:
    """A judge of one camera with a clock of its own."""

    def __init__(self, armed: str = "", rules=(RULE,), now: float = 100.0) -> None:
        self.desk, self.hub, self.now = Desk(), Hub(), now
        self.hour = "12:00"
        self.judge = CameraJudge(
            self.hub.add_camera("door"),
            "door",
            self.desk,
            self.hub,
            CoolDown(),
            parse_schedule((armed,) if armed else ()),
            bridge_seconds=10.0,
            lost_seconds=60.0,
            local_time=lambda: datetime.fromisoformat(f"2026-11-27T{self.hour}:00+01:00"),
            now=now,
        )
        self.judge.use(LABELS, rules)

    def steps(self, value: float, seconds: float, apart: float = 0.1, session: int = 1) -> None:
        """Decide with one probability for some seconds; time passes as it does in the loop."""
        for _ in range(round(seconds / apart)):
            self.now += apart
            probabilities = np.array([1 - value, value])
            decision = Decision(0, self.now, probabilities, LABELS, 0.5)
            self.smoothed = self.judge.on_decision(decision, gray(0, 9), session)
            self.wait(apart, "live", moves=False)

    def wait(self, seconds: float, state: str, why: str = "", moves: bool = True) -> None:
        for number in range(1, max(1, round(seconds / 0.2)) + 1):
            self.judge.on_time(self.now + 0.2 * number, state, why)
        self.now += seconds if moves else 0.0


def test_an_event_from_start_to_end():
    scene = Scene()
    scene.steps(0.1, 1)
    scene.steps(0.9, 2)
    assert scene.hub.statuses()[0].open_events == ("fight",)
    assert scene.smoothed == {"fight": pytest.approx(0.9)}
    scene.steps(0.1, 2)
    assert scene.desk.kinds("confirmed", "ended") == [
        ("confirmed", "door", "fight", 101.1, False),
        ("ended", "door", "fight", 103.0),
    ]
    assert scene.hub.statuses()[0].open_events == ()


def test_steps_that_are_more_than_a_second_apart_make_events():
    scene = Scene()
    scene.steps(0.9, 9, apart=1.5)
    assert len(scene.desk.kinds("confirmed")) == 1
    assert scene.desk.kinds("ended") == []


def test_an_event_stays_one_over_a_short_outage():
    scene = Scene()
    scene.steps(0.9, 2)
    scene.wait(8, "stalled")
    scene.steps(0.9, 2, session=2)
    assert len(scene.desk.kinds("confirmed")) == 1
    assert scene.desk.kinds("ended") == []


def test_an_event_ends_before_an_outage_that_is_longer_than_the_bridge():
    scene = Scene()
    scene.steps(0.9, 2)
    scene.wait(15, "lost")
    assert scene.desk.kinds("ended") == [("ended", "door", "fight", 102.0)]


def test_an_open_event_is_noted_every_five_seconds():
    scene = Scene()
    scene.steps(0.9, 12)
    assert 2 <= len(scene.desk.kinds("open")) <= 3


def test_a_camera_that_is_not_armed_has_silent_events():
    scene = Scene(armed="18:00-06:00")
    scene.steps(0.9, 2)
    assert scene.desk.kinds("confirmed")[0][-1] is True
    assert not scene.hub.statuses()[0].armed
    scene.hour = "19:00"
    scene.steps(0.1, 2)
    scene.steps(0.9, 2)
    assert scene.desk.kinds("confirmed")[1][-1] is False
    assert scene.desk.kinds("state") == [("state", True, False), ("state", True, True)]


def test_a_person_goes_before_the_armed_hours():
    scene = Scene(armed="18:00-06:00")
    scene.judge.armed = True
    assert scene.judge.is_armed()
    scene.judge.armed = False
    scene.hour = "19:00"
    assert not scene.judge.is_armed()


def test_only_a_message_begins_the_cool_down():
    scene = Scene()
    silent = []
    for sends in (False, True, True):
        scene.steps(0.9, 2)
        scene.steps(0.1, 2)
        silent.append(scene.desk.kinds("confirmed")[-1][-1])
        if sends:
            scene.desk.sent[-1]()
    assert silent == [False, False, True]
    scene.now += 60
    scene.steps(0.9, 2, session=2)
    assert scene.desk.kinds("confirmed")[-1][-1] is False


def test_a_lost_camera_is_told_once_and_its_return():
    scene = Scene()
    scene.wait(30, "live")
    scene.wait(59, "lost", "refused")
    assert scene.desk.kinds("lost") == []
    scene.wait(30, "lost", "refused")
    assert scene.desk.kinds("lost") == [("lost", pytest.approx(130), "refused")]
    scene.wait(1, "live")
    ((_, seconds),) = scene.desk.kinds("back")
    assert seconds == pytest.approx(89, abs=0.5)


def test_a_camera_that_was_never_there_is_told():
    scene = Scene()
    scene.wait(61, "connecting", "no answer")
    assert scene.desk.kinds("lost") == [("lost", 100.0, "no answer")]


def test_rules_that_are_set_meanwhile_act_on_the_next_step():
    scene = Scene()
    scene.steps(0.7, 2)
    scene.judge.use(LABELS, [Rule("fight", 0.6, 0.2, smoothing="none", hold_seconds=0.5)])
    scene.steps(0.7, 1)
    assert len(scene.desk.kinds("confirmed")) == 1


def test_a_model_with_other_classes_ends_the_open_events():
    scene = Scene()
    scene.steps(0.9, 2)
    scene.judge.use(("fight", "calm"), [])
    assert scene.desk.kinds("ended") == [("ended", "door", "fight", 102.0)]
    assert scene.hub.statuses()[0].open_events == ()


def test_a_model_with_the_same_classes_goes_on_with_the_event():
    scene = Scene()
    scene.steps(0.9, 2)
    scene.judge.use(LABELS, [RULE])
    scene.steps(0.9, 1)
    assert scene.desk.kinds("ended") == []


def test_the_end_of_a_run_ends_the_events():
    scene = Scene()
    scene.steps(0.9, 2)
    scene.judge.finish()
    scene.judge.finish()
    assert len(scene.desk.kinds("ended")) == 1


def test_without_a_model_only_states_are_told():
    scene = Scene()
    judge = CameraJudge(
        0, "door", scene.desk, scene.hub, CoolDown(), parse_schedule(()), 10.0, 60.0, now=100.0
    )
    judge.on_time(101.0, "live", "")
    decision = Decision(0, 101.0, np.array([0.0, 1.0]), LABELS, 0.5)
    assert judge.on_decision(decision, gray(0, 9), 1) == {}
    judge.finish()
    assert scene.desk.kinds("confirmed", "ended") == []
