"""A new model beside the old one: which is refused, and that no step and no window suffers."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from extract.engines import Engine
from extract.extractor import Extractor
from live.model import LiveModel
from live.teaching.record import LearningRecord, read_record, write_record
from live.teaching.takeover import (
    BEFORE_TEACHING,
    ModelSlot,
    ModelStream,
    TakeOver,
    install,
    load_warm,
    worse_score,
)
from metrics.calibration import softmax
from model_folder.config import SEQUENCE_WEIGHTS, read_config, write_config
from tests.conftest import Project
from tests.extract.projecting import card_of, full_config
from video.errors import LookbackError
from video.frame import Frame

LABELS = ("bat", "bowl", "run")
LOOK_BACK = 4


class MarkingEngine(Engine):
    """Gives every clip the same feature, the mark of its model."""

    feature_size = 2

    def __init__(self, mark: float) -> None:
        super().__init__(batch_size=1)
        self.mark = mark

    def _compute(self, clips: np.ndarray) -> np.ndarray:
        return np.full((len(clips), 2), self.mark, np.float32)


class KeepingPredictor:
    """Keeps the windows that it sees; answers with equal probabilities."""

    look_back = LOOK_BACK

    def __init__(self) -> None:
        self.seen: list[np.ndarray] = []

    def scored(self, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        self.seen.append(batch[0].copy())
        return softmax(np.zeros((len(batch), 3))), np.zeros(len(batch))


def model_of(mark: float, labels=LABELS) -> LiveModel:
    return LiveModel(Extractor(card_of(), MarkingEngine(mark)), KeepingPredictor(), labels, 0.5)


def record_of(hits: dict[str, bool], method="groups") -> LearningRecord:
    return LearningRecord(0.5, method, hits, LABELS, ())


def offer_of(mark=1.0, hits=None, method="groups", labels=LABELS) -> TakeOver:
    record = None if hits is None else record_of(hits, method)
    return TakeOver(model_of(mark, labels), Path("new"), record)


def frames(count: int, first: int = 0, rate: float = 10) -> list[Frame]:
    pixels = np.zeros((16, 16, 3), np.uint8)
    return [
        dataclasses.replace(Frame.from_array(pixels), index=number, seconds=number / rate)
        for number in range(first, first + count)
    ]


def push(stream: ModelStream, some: list[Frame]) -> list:
    """Return the decisions on frames, in order."""
    made = []
    for frame in some:
        made += [stream.decide(step) for step in stream.steps(frame)]
    return [decision for decision in made if decision is not None]


def test_a_session_without_a_model_has_no_steps_until_there_is_one():
    slot = ModelSlot()
    stream = ModelStream(slot)
    assert push(stream, frames(3)) == []
    assert stream.model is None
    assert slot.offer(offer_of()) == ""
    made = push(stream, frames(3, 3))
    assert len(made) == 3
    assert stream.model is slot.current().model


def test_a_new_model_takes_over_at_one_step_without_a_gap():
    old, new = offer_of(1.0), offer_of(2.0)
    slot = ModelSlot(old)
    stream = ModelStream(slot)
    before = push(stream, frames(10))
    assert slot.offer(new) == ""
    assert stream.model is old.model
    after = push(stream, frames(20, 10))
    assert stream.model is new.model
    made = before + after
    # Every step has one decision, in order, and the alarm never waits for a window to fill up.
    assert [decision.step for decision in made] == list(range(len(made)))
    assert np.allclose([decision.seconds for decision in made], np.arange(len(made)) / 10)
    assert len(made) == 30
    assert all(decision.full for decision in made[LOOK_BACK - 1 :])


def test_no_window_has_features_of_both_models():
    old, new = offer_of(1.0), offer_of(2.0)
    slot = ModelSlot(old)
    stream = ModelStream(slot)
    push(stream, frames(10))
    slot.offer(new)
    push(stream, frames(10, 10))
    for offered, mark in ((old, 1.0), (new, 2.0)):
        for window in offered.model.predictor.seen:
            assert set(window.ravel()) == {mark}
    # The old one decides until the new one's first full window, which repeats no decision.
    assert len(old.model.predictor.seen) == 10 + LOOK_BACK
    assert len(new.model.predictor.seen) == 10


def test_a_session_whose_first_frame_is_late_makes_up_no_time():
    made = push(ModelStream(ModelSlot(offer_of())), frames(5, 1000))
    assert [decision.step for decision in made] == [0, 1, 2, 3, 4]
    assert np.allclose([decision.seconds for decision in made], 100 + np.arange(5) / 10)


@pytest.mark.parametrize("rate", [7, 10, 25, 29.97])
def test_the_steps_of_both_models_have_one_rhythm_at_any_frame_rate(rate):
    slot = ModelSlot(offer_of(1.0))
    stream = ModelStream(slot)
    made = push(stream, frames(20, rate=rate))
    slot.offer(offer_of(2.0))
    made += push(stream, frames(60, 20, rate=rate))
    assert stream.model is slot.current().model
    seconds = np.array([decision.seconds for decision in made])
    assert np.allclose(np.diff(seconds), 0.1)
    assert [decision.step for decision in made] == list(range(len(made)))


def test_cameras_take_over_for_themselves_and_a_new_session_begins_with_the_new_model():
    slot = ModelSlot(offer_of(1.0))
    one, other = ModelStream(slot), ModelStream(slot)
    push(one, frames(6))
    push(other, frames(6))
    new = offer_of(2.0)
    slot.offer(new)
    push(one, frames(6, 6))
    assert one.model is new.model
    assert other.model is not new.model
    assert ModelStream(slot).model is new.model


def test_a_second_offer_in_the_middle_replaces_the_first():
    slot = ModelSlot(offer_of(1.0))
    stream = ModelStream(slot)
    push(stream, frames(6))
    slot.offer(offer_of(2.0))
    push(stream, frames(2, 6))
    third = offer_of(3.0)
    slot.offer(third)
    made = push(stream, frames(10, 8))
    assert stream.model is third.model
    assert [decision.step for decision in made] == list(range(8, 18))
    assert all(set(window.ravel()) == {3.0} for window in third.model.predictor.seen)


def test_steps_of_a_model_that_was_replaced_meanwhile_are_dropped():
    """A loop that collects steps before it decides may hold one of the old model."""
    slot = ModelSlot(offer_of(1.0))
    stream = ModelStream(slot)
    push(stream, frames(6))
    late = list(stream.steps(frames(1, 6)[0]))
    slot.offer(offer_of(2.0))
    push(stream, frames(LOOK_BACK, 7))
    assert stream.decide(late[0]) is None


def test_a_model_that_lacks_the_class_of_an_alarm_is_refused():
    slot = ModelSlot(offer_of(), armed=lambda: ("run", "planned"))
    before = slot.current()
    reason = slot.offer(offer_of(labels=("bat", "bowl")))
    assert reason.startswith("the new model does not know run, which an alarm needs")
    assert "planned" not in reason  # the model in use does not know it either
    assert slot.current() is before
    assert slot.offer(offer_of(labels=("bat", "run"))) == ""


def test_the_first_model_may_lack_a_planned_class():
    slot = ModelSlot(armed=lambda: ("fall",))
    assert slot.offer(offer_of()) == ""


HITS = {f"{number}.mp4@0": True for number in range(40)}


def worse(count: int) -> dict[str, bool]:
    return {name: number >= count for number, name in enumerate(HITS)}


@pytest.mark.parametrize(("lost", "refused"), [(0, False), (4, False), (5, True), (40, True)])
def test_a_model_may_lose_a_tenth_of_the_clips_that_both_were_measured_on(lost, refused):
    reason = worse_score(offer_of(hits=HITS), offer_of(hits=worse(lost)))
    assert bool(reason) == refused
    if refused:
        assert f"of 40 clips that both were measured on, it knows {40 - lost}, and" in reason
        assert "the one in use 40" in reason


@pytest.mark.parametrize(("lost", "refused"), [(2, False), (3, True)])
def test_of_few_clips_it_may_lose_two(lost, refused):
    few = dict(list(HITS.items())[:8])
    fewer = {name: number >= lost for number, name in enumerate(few)}
    assert bool(worse_score(offer_of(hits=few), offer_of(hits=fewer))) == refused


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (offer_of(), offer_of(hits=worse(40))),
        (offer_of(hits=HITS), offer_of()),
        (None, offer_of(hits=worse(40))),
        # Harder clips, on which the old one was never measured.
        (offer_of(hits=HITS), offer_of(hits={f"new{n}": False for n in range(40)})),
        # Held back by clip, the score of one session is too good.
        (offer_of(hits=HITS, method="clips"), offer_of(hits=worse(40))),
    ],
)
def test_scores_that_cannot_be_compared_refuse_nothing(old, new):
    assert worse_score(old, new) == ""


def test_a_refused_model_is_never_current():
    slot = ModelSlot(offer_of(hits=HITS))
    before = slot.current()
    assert slot.offer(offer_of(hits=worse(30)))
    assert slot.current() is before


# The model folder.


def model_folder(folder: Path, sha256: str, record: LearningRecord | None = None) -> Path:
    folder.mkdir(parents=True)
    config = full_config()
    sequence = config.sequence.model_copy(update={"sha256": sha256})
    (folder / SEQUENCE_WEIGHTS).write_text(sha256)
    write_config(folder, config.model_copy(update={"sequence": sequence}))
    if record:
        write_record(folder, record)
    return folder


def installed(folder: Path) -> tuple[str, str]:
    return read_config(folder).sequence.sha256, (folder / SEQUENCE_WEIGHTS).read_text()


def test_the_first_model_is_installed_into_a_folder_that_does_not_exist(tmp_path):
    new = model_folder(tmp_path / "weights" / "taught" / "one", "a", record_of(HITS))
    install(new, tmp_path / "weights")
    assert installed(tmp_path / "weights") == ("a", "a")
    assert read_record(tmp_path / "weights") == record_of(HITS)


def test_a_model_of_another_command_is_kept_however_often_one_learns(tmp_path):
    weights = model_folder(tmp_path / "weights", "trained")
    for name in ("one", "two", "three"):
        install(model_folder(weights / "taught" / name, name, record_of(HITS)), weights)
        assert installed(weights) == (name, name)
    assert installed(weights / BEFORE_TEACHING) == ("trained", "trained")
    assert installed(weights / "previous") == ("two", "two")


def test_weights_that_the_new_model_does_not_have_do_not_stay(tmp_path):
    weights = model_folder(tmp_path / "weights", "trained")
    (weights / "mean.weights.h5").write_text("old")
    install(model_folder(weights / "taught" / "one", "one", record_of(HITS)), weights)
    assert not (weights / "mean.weights.h5").exists()


def test_an_install_that_is_interrupted_leaves_no_model_that_does_not_match(tmp_path, monkeypatch):
    weights = model_folder(tmp_path / "weights", "trained")
    new = model_folder(weights / "taught" / "one", "one", record_of(HITS))

    def full(*_):
        raise OSError("disk full")

    with monkeypatch.context() as patched:
        patched.setattr("live.teaching.takeover.atomic_write", full)
        with pytest.raises(OSError, match="disk full"):
            install(new, weights)
    assert read_config(weights).sequence is None
    install(new, weights)
    assert installed(weights) == ("one", "one")
    assert installed(weights / BEFORE_TEACHING) == ("trained", "trained")


def test_a_real_model_is_loaded_warm_and_a_broken_one_is_refused(project: Project, tmp_path):
    made = load_warm(project.weights, engine="keras")
    assert made.folder == project.weights
    assert made.record is None
    assert made.model.labels == ("down", "lower", "raise", "up")
    with pytest.raises(LookbackError, match="no model"):
        load_warm(tmp_path)
