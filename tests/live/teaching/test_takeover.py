"""A new model beside the old one: which is refused, and that no step and no window suffers."""

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
