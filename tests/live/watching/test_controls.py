"""What the page may set: it acts at once, and names that do not exist are refused."""

from types import SimpleNamespace

import pytest

from live.cameras.config import CameraConfig
from live.events.store import EventStore
from live.watching.controls import LiveControls
from live.watching.rule_book import RuleBook
from recipes.loader import load
from tests.live.watching.fakes import fake_model


@pytest.fixture
def made(tmp_path):
    store = EventStore(tmp_path)
    book = RuleBook(load(None, {"alarms.classes": ["fight"]}), store)
    cameras = [
        SimpleNamespace(
            reader=SimpleNamespace(name=name, camera=CameraConfig(name, "webcam", number)),
            model=None,
        )
        for number, name in enumerate(["door", "hall"])
    ]
    yield SimpleNamespace(
        controls=LiveControls(cameras, book, store), book=book, store=store, cameras=cameras
    )
    store.close()


def test_before_a_model_there_are_no_rules_and_classes_are_planned(made):
    assert made.controls.rules(0) == {}
    assert made.controls.alarm_classes() == ("fight",)
    made.controls.set_alarm_classes(["jump"])
    assert made.controls.alarm_classes() == ("jump",)


def test_rules_of_a_camera_act_at_once(made):
    made.cameras[0].model = fake_model()
    made.controls.set_rule(0, "fight", 0.7, 0.1)
    assert made.controls.rules(0) == {"fight": (0.7, 0.1)}
    assert made.controls.rules(1) == {}  # it has no model yet
    made.cameras[1].model = fake_model()
    assert made.controls.rules(1) == {"fight": (0.8, 0.5)}
    made.controls.set_rule(None, "fight", 0.6, 0.2)
    assert made.controls.rules(0) == made.controls.rules(1) == {"fight": (0.6, 0.2)}


def test_classes_that_the_model_does_not_have_are_refused(made):
    made.cameras[1].model = fake_model()
    with pytest.raises(LookupError):
        made.controls.set_rule(0, "jump", 0.7, 0.1)
    with pytest.raises(LookupError):
        made.controls.set_alarm_classes(["calm", "jump"])
    assert made.book.changes == 0


def test_arming_by_number(made):
    made.controls.set_armed(1, False)
    assert (made.book.armed("door"), made.book.armed("hall")) == (None, False)


def test_deleting_an_event(made):
    number = made.store.add_event("door", "fight", 100.0, 101.0)
    made.controls.delete_event(number)
    assert made.store.event(number) is None
    with pytest.raises(LookupError):
        made.controls.delete_event(number)
