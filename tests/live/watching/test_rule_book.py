"""Rules in force: recipe, camera, and what a person set; and what must be refused at the start."""

import threading
from datetime import datetime

import pytest

from live.cameras.config import CameraConfig
from live.events.store import EventStore
from live.watching.rule_book import RuleBook
from recipes.loader import load
from tests.live.watching.fakes import fake_model
from video.errors import LookbackError, UsageError

DOOR = CameraConfig("door", "webcam", 0)
NIGHT = CameraConfig("hall", "webcam", 1, armed=("18:00-06:00",))


def book(store=None, time: str = "12:00", **alarms) -> RuleBook:
    keys = {f"alarms.{key}": value for key, value in alarms.items()}
    now = datetime.fromisoformat(f"2026-11-27T{time}:00+01:00")
    return RuleBook(load(None, keys), store, lambda: now)


@pytest.fixture
def store(tmp_path):
    made = EventStore(tmp_path)
    yield made
    made.close()


def thresholds(made: RuleBook, camera: CameraConfig = DOOR, model=None) -> dict:
    rules = made.rules(camera, model or fake_model())
    return {rule.label: (rule.on, rule.off) for rule in rules}


def test_without_chosen_classes_and_without_background_there_are_no_alarms():
    assert thresholds(book()) == {}
    model = fake_model(("background", "fight"))
    assert list(thresholds(book(), model=model)) == ["fight"]


def test_keys_of_a_camera_and_its_classes_go_before_the_recipe():
    made = book(classes=["calm", "fight"], per_class={"fight": {"threshold_on": 0.9}})
    camera = CameraConfig(
        "door",
        "webcam",
        0,
        alarms={"threshold_off": 0.2},
        alarms_per_class={"fight": {"threshold_off": 0.1}},
    )
    assert thresholds(made, camera) == {"calm": (0.8, 0.2), "fight": (0.9, 0.1)}
    assert thresholds(made) == {"calm": (0.8, 0.5), "fight": (0.9, 0.5)}


def test_thresholds_of_one_camera_then_of_all():
    made = book(classes=["fight"])
    made.set_thresholds("door", "fight", 0.6, 0.3)
    assert (thresholds(made), thresholds(made, NIGHT)) == (
        {"fight": (0.6, 0.3)},
        {"fight": (0.8, 0.5)},
    )
    made.set_thresholds(None, "fight", 0.7, 0.2)
    assert thresholds(made) == thresholds(made, NIGHT) == {"fight": (0.7, 0.2)}


def test_names_with_slashes_are_not_mixed_up():
    model = fake_model(("b/c", "c"))
    made = book(classes=["b/c", "c"])
    one, other = CameraConfig("a", "webcam", 0), CameraConfig("a/b", "webcam", 1)
    made.set_thresholds("a", "b/c", 0.6, 0.3)
    assert thresholds(made, other, model)["c"] == (0.8, 0.5)
    made.set_thresholds(None, "c", 0.9, 0.1)
    assert thresholds(made, one, model)["b/c"] == (0.6, 0.3)


@pytest.mark.parametrize(("on", "off"), [(0.3, 0.5), (1.5, 0.5), (0.5, -0.1)])
def test_wrong_thresholds_are_refused_and_change_nothing(on, off):
    made = book(classes=["fight"])
    with pytest.raises(LookbackError, match="fight"):
        made.set_thresholds("door", "fight", on, off)
    assert (made.changes, thresholds(made)) == (0, {"fight": (0.8, 0.5)})


def test_what_a_person_sets_is_there_at_the_next_start(store):
    made = book(store, classes=["calm"])
    made.set_classes(["fight", "fight"])
    made.set_thresholds("door", "fight", 0.6, 0.3)
    made.set_armed(DOOR, False)
    assert made.changes == 3
    again = book(store, classes=["calm"])
    assert thresholds(again) == {"fight": (0.6, 0.3)}
    assert (again.armed("door"), again.armed("hall")) == (False, None)


def test_a_class_taken_out_on_the_page_does_not_end_the_watching():
    camera = CameraConfig("door", "webcam", 0, alarms_per_class={"fight": {"hold_seconds": 3}})
    made = book(classes=["fight"])
    made.check(camera, fake_model())
    made.set_classes(["calm"])
    assert list(thresholds(made, camera)) == ["calm"]


def test_a_taught_model_without_a_class_has_the_other_alarms():
    made = book(classes=["fight", "fall"], per_class={"fall": {"hold_seconds": 3}})
    assert list(thresholds(made)) == ["fight"]
    assert made.classes(fake_model()) == ("fight",)
    assert made.classes(None) == ("fight", "fall")
    made.set_classes([])
    assert made.classes(None) == made.classes(fake_model()) == ()


def test_a_class_that_does_not_exist_is_refused_at_the_start():
    with pytest.raises(UsageError, match="no class fall"):
        book(classes=["fall"]).check(DOOR, fake_model())
    camera = CameraConfig("door", "webcam", 0, alarms_per_class={"calm": {"hold_seconds": 3}})
    with pytest.raises(UsageError, match="calm: this class raises no alarm"):
        book(classes=["fight"]).check(camera, fake_model())


def test_thresholds_in_the_wrong_order_are_refused_without_a_model():
    camera = CameraConfig("door", "webcam", 0, alarms={"threshold_on": 0.4})
    with pytest.raises(UsageError, match="above threshold_on"):
        book().check(camera, None)
    camera = CameraConfig("door", "webcam", 0, alarms_per_class={"x": {"threshold_on": 0.4}})
    with pytest.raises(UsageError, match="class x"):
        book().check(camera, None)
    book().check(DOOR, None)


def test_what_the_armed_hours_say_returns_a_camera_to_them():
    made = book(time="12:00")
    made.set_armed(NIGHT, True)
    assert made.armed("hall") is True
    made.set_armed(NIGHT, False)
    assert made.armed("hall") is None
    made.set_armed(DOOR, False)
    assert made.armed("door") is False
    made.set_armed(DOOR, True)  # always armed
    assert made.armed("door") is None


def test_a_database_that_fails_keeps_the_setting_before(store, monkeypatch):
    made = book(store, classes=["fight"])

    def fails(key, value):
        raise LookbackError("locked")

    monkeypatch.setattr(store, "set_setting", fails)
    with pytest.raises(LookbackError, match="locked"):
        made.set_thresholds(None, "fight", 0.6, 0.3)
    assert (made.changes, thresholds(made)) == (0, {"fight": (0.8, 0.5)})


def test_of_settings_made_at_once_none_is_lost():
    labels = tuple(f"class {number}" for number in range(40))
    made = book(classes=list(labels))
    threads = [
        threading.Thread(target=made.set_thresholds, args=(None, label, 0.6, 0.3))
        for label in labels
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(thresholds(made, model=fake_model(labels)).values()) == {(0.6, 0.3)}
