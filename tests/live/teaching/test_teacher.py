"""The whole of it: two classes filmed, learned in a process of its own, and in use."""

import sys
import time

import pytest

from extract.feature_store.reader import FeatureStore
from live.model import load_live_model
from live.teaching.record import read_record
from live.teaching.request import with_keys
from live.teaching.takeover import ModelSlot
from live.teaching.teacher import Teacher
from tests.live.teaching.filming import CLASSES, NETWORK, Studio, film, write_scene
from tests.live.teaching.scripted import CAMERAS, Clock, ScriptedLog, settings_of
from video.sources import FileSource


class School:
    """A teacher with a studio."""

    def __init__(self, folder, command=None, armed=()) -> None:
        self.folder, self.clock, self.studio = folder, Clock(), Studio()
        self.slot = ModelSlot(armed=lambda: armed)
        settings = settings_of(folder / "data", model__folder=str(folder / "weights"))
        self.teacher = Teacher(
            with_keys(settings, {**NETWORK, "backbone.input": "auto"}),
            self.slot,
            self.studio,
            ScriptedLog(),
            lambda: CAMERAS,
            self.clock,
            command,
        )

    def learn(self) -> dict:
        self.teacher.learn()
        started = time.monotonic()
        while self.teacher.progress()["state"] == "running":
            assert time.monotonic() - started < 240
            time.sleep(0.05)
        return self.teacher.progress()


def test_a_model_that_cannot_be_loaded_is_refused_and_not_used(tmp_path):
    script = tmp_path / "process.py"
    script.write_text(
        "import json, os, sys\n"
        "folder = json.loads(sys.stdin.readline())['folder']\n"
        "os.makedirs(folder)\n"
        "record = dict(score=1.0, method='groups', hits={}, labels=['a', 'b'], warnings=[])\n"
        "print(json.dumps({'learned': record}))\n"
    )
    school = School(tmp_path, [sys.executable, str(script)])
    shown = school.learn()
    assert shown["state"] == "refused"
    assert shown["message"].startswith("the new model cannot be loaded: ")
    assert school.slot.current() is None
    assert not (tmp_path / "weights" / "model.yaml").exists()


def test_closing_without_a_learning_does_nothing(tmp_path):
    School(tmp_path).teacher.close()


@pytest.mark.live_servers
def test_from_nothing_to_a_model_in_use(tmp_path):
    school = School(tmp_path)
    film(school.teacher, school.studio, school.clock)
    assert [each["count"] for each in school.teacher.classes()] == [6, 6]
    shown = school.learn()
    assert (shown["state"], shown["score"]) == ("done", 1.0), shown
    assert "Only 2 sessions" in shown["warning"]

    model = school.slot.current().model
    assert model.labels == CLASSES
    for label in CLASSES:
        place = tmp_path / f"{label}.mp4"
        write_scene(place, label, 3.0, seed=99)
        with FileSource(place) as source:
            assert [each.label for each in model.decisions(source)][-1] == label
    # It is also the model of the next start.
    assert load_live_model(tmp_path / "weights", engine="keras").labels == CLASSES
    assert read_record(tmp_path / "weights").score == 1.0

    # A third class, cancelled while it learns, then learned: only new clips are extracted.
    features = tmp_path / "data" / "features"
    school.teacher.learn()
    while school.teacher.progress()["phase"] not in ("extract", "train", "score"):
        assert school.teacher.progress()["state"] == "running"
        time.sleep(0.02)
    school.teacher.cancel()
    assert school.teacher.progress()["message"] == "Cancelled"
    assert school.slot.current().model is model
    with FeatureStore(features) as store:
        assert len(store.contents()) == 12
    film(school.teacher, school.studio, school.clock, sessions=("three",))
    assert school.learn()["state"] == "done"
    assert school.slot.current().model is not model
    with FeatureStore(features) as store:
        assert len(store.contents()) == 18
