from dataclasses import replace

import numpy as np
import pytest

from extract.extractor.loading import load_network
from live.decision import Decision, Recogniser, choose_recogniser, load_recogniser
from live.timing import Stopwatch
from metrics.calibration import softmax
from model_folder.card import require_card, write_card
from recipes.loader import load
from sequence.windows import windows
from video.errors import LookbackError, UsageError
from video.steps import Step

LABELS = ("bat", "bowl", "run")


def decision(*probabilities: float, threshold: float = 0.5) -> Decision:
    return Decision(3, 0.3, np.array(probabilities), LABELS, threshold)


def test_the_label_is_the_likeliest_class():
    made = decision(0.2, 0.7, 0.1)
    assert (made.label, made.probability, made.decided) == ("bowl", 0.7, True)
    assert made.best(2) == [("bowl", 0.7), ("bat", 0.2)]
    assert len(made.best(9)) == 3


def test_between_equals_the_first_class_wins_as_in_the_report():
    made = decision(0.4, 0.4, 0.2)
    assert made.label == LABELS[int(made.probabilities.argmax())] == "bat"
    assert [name for name, _ in made.best(3)] == ["bat", "bowl", "run"]


@pytest.mark.parametrize(("threshold", "decided"), [(0.6, False), (0.5, True), (0.0, True)])
def test_below_the_threshold_nothing_is_decided(threshold, decided):
    assert decision(0.5, 0.3, 0.2, threshold=threshold).decided == decided


class CountingExtractor:
    """Gives the clip's mean as every one of four features, and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.card = type("Card", (), {"labels": LABELS})

    def of_step(self, step: Step) -> np.ndarray:
        self.asked += 1
        return np.repeat(step.clip.mean() / 7, 4).astype("float32")


class EchoPredictor:
    """Answers with the sum of the window; keeps the windows."""

    look_back = 3

    def __init__(self) -> None:
        self.seen: list[np.ndarray] = []

    def probabilities(self, batch: np.ndarray) -> np.ndarray:
        self.seen.append(batch[0].copy())
        return softmax(batch.sum(1)[:, :3])


def steps(*values: int, repeated: tuple[int, ...] = ()) -> list[Step]:
    clips = [np.full((1, 2, 2, 3), value, np.uint8) for value in values]
    return [Step(n, n / 10, clip, n in repeated) for n, clip in enumerate(clips)]


def recognised(dtype: str, *some: Step):
    extractor, predictor = CountingExtractor(), EchoPredictor()
    recogniser = Recogniser(extractor, predictor, 0.5, dtype)
    return extractor, predictor, [recogniser.decide(step, Stopwatch()) for step in some]


def test_every_step_sees_its_look_back_window():
    _, predictor, decisions = recognised("float32", *steps(7, 14, 21, 28, 35))
    rows = np.repeat(np.arange(1.0, 6.0, dtype="float32")[:, None], 4, 1)
    np.testing.assert_array_equal(predictor.seen, windows(rows, 3))
    assert [(made.step, made.seconds) for made in decisions] == [(n, n / 10) for n in range(5)]
    assert decisions[0].labels == LABELS


def test_a_repeated_clip_costs_no_backbone_but_is_a_step_of_the_window():
    extractor, predictor, _ = recognised("float32", *steps(7, 14, 14, 21, repeated=(2,)))
    assert extractor.asked == 3
    assert predictor.seen[-1][:, 0].tolist() == [2, 2, 3]


def test_features_are_rounded_as_the_feature_file_rounds_them():
    _, exact, _ = recognised("float32", *steps(1, 2))
    _, rounded, _ = recognised("float16", *steps(1, 2))
    wanted = exact.seen[-1].astype(np.float16).astype(np.float32)
    np.testing.assert_array_equal(rounded.seen[-1], wanted)
    assert not np.array_equal(rounded.seen[-1], exact.seen[-1])
    assert rounded.seen[-1].dtype == np.float32


def test_a_recogniser_holds_the_folders_labels_and_threshold(project):
    recogniser = load_recogniser(project.weights)
    recogniser.warm_up()
    blank = np.zeros((1, 48, 48, 3), np.uint8)
    made = recogniser.decide(Step(0, 0.0, blank, False), Stopwatch())
    assert made.labels == ("down", "lower", "raise", "up")
    assert made.threshold == 0.5
    assert made.probabilities.sum() == pytest.approx(1)


def test_warming_up_leaves_no_trace_in_the_first_window(project):
    step = Step(0, 0.0, np.full((1, 48, 48, 3), 200, np.uint8), False)
    cold, warm = load_recogniser(project.weights), load_recogniser(project.weights)
    warm.warm_up()
    first, second = (each.decide(step, Stopwatch()).probabilities for each in (cold, warm))
    np.testing.assert_array_equal(first, second)


def test_a_folder_without_a_model_is_an_error_that_names_the_mend(tmp_path):
    with pytest.raises(LookbackError, match=r"model\.yaml is missing.*train_lstm\.py"):
        load_recogniser(tmp_path)


def test_a_label_is_undecided_until_the_window_is_full():
    sure = np.array([0.1, 0.9])
    assert not Decision(0, 0.0, sure, ("a", "b"), 0.5, full=False).decided
    assert Decision(9, 0.9, sure, ("a", "b"), 0.5, full=True).decided


def test_a_window_counts_as_full_once_every_clip_in_it_is():
    """A look-back of three over clips of which the first two are filled up with their oldest."""
    some = [replace(step, full=step.index >= 2) for step in steps(*range(7, 70, 7))]
    _, _, decisions = recognised("float32", *some)
    assert [made.full for made in decisions] == [False] * 4 + [True] * 5
    assert recognised("float32", *some)[2][3].decided is False


def test_the_own_head_is_asked_for_by_name_and_its_labels_are_the_network_s(project):
    own = load_recogniser(project.weights, head="own")
    assert (own.labels, own.tells_all, own.best) == (("down", "lower", "raise", "up"), True, 3)
    blank = Step(0, 0.0, np.zeros((1, 48, 48, 3), np.uint8), False)
    made = own.decide(blank, Stopwatch())
    assert made.full  # look-back 1
    assert made.threshold == 0.5
    network = load_network(project.weights, require_card(project.weights))
    temperature = require_card(project.weights).backbone.temperature
    logits = np.asarray(network(blank.clip[None]))
    np.testing.assert_allclose(made.probabilities, softmax(logits, temperature)[0], atol=1e-6)
    assert load_recogniser(project.weights, 0.9, "own").decide(blank, Stopwatch()).threshold == 0.9


def test_a_backbone_that_was_not_fine_tuned_has_no_head_of_its_own(project, tmp_path):
    card = require_card(project.weights)
    backbone = card.backbone.model_copy(update={"network": None, "fine_tuned": False})
    write_card(tmp_path, card.model_copy(update={"backbone": backbone}))
    with pytest.raises(LookbackError, match=r"no classifier of its own.*finetune\.py"):
        load_recogniser(tmp_path, head="own")


def test_another_precision_than_the_model_s_is_refused(project):
    asked = {"model.folder": str(project.weights), "extract.precision": "bf16"}
    with pytest.raises(UsageError, match=r"extract\.precision: a model runs in the precision"):
        choose_recogniser(load(flags=asked))
