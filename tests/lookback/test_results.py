"""Prediction: labels by mean and by time, and a CSV file equal to that of run.py."""

import numpy as np
import pytest

from live.decision import Decision
from live.sinks.csv_sink import CsvSink
from lookback import Prediction
from video.errors import LookbackError

LABELS = ("down", "raise", "up")


def prediction(steps: int = 9, labels=LABELS, full=None) -> Prediction:
    random = np.random.default_rng(0)
    probabilities = random.dirichlet(np.ones(len(labels)), steps)
    return Prediction(labels, np.arange(steps) / 10, probabilities, full)


def test_the_label_is_that_of_the_mean_over_full_windows():
    rows = np.array([[1.0, 0, 0], [1, 0, 0], [0.4, 0.6, 0], [0.2, 0.1, 0.7]])
    times = np.arange(4.0)
    assert Prediction(LABELS, times, rows).label == "down"
    result = Prediction(LABELS, times, rows, [False, False, True, True])
    np.testing.assert_allclose(result.video_probabilities, [0.3, 0.35, 0.35])
    assert result.label == "raise"  # the first of equals, as argmax has it


def test_a_video_shorter_than_a_window_has_the_label_of_its_last_step():
    rows = np.array([[1.0, 0, 0], [0.3, 0.3, 0.4]])
    assert Prediction(LABELS, [0, 1], rows, [False, False]).label == "up"


def test_video_probabilities_are_those_of_the_report():
    from metrics.calibration import clip_means

    result, full = prediction(40), np.arange(40) >= 15
    wanted = clip_means(result.probabilities[full], np.zeros(25, int))[0]
    given = Prediction(LABELS, result.seconds, result.probabilities, full)
    np.testing.assert_allclose(given.video_probabilities, wanted, rtol=1e-12)


def test_other_probabilities_of_the_whole_video_replace_the_mean():
    rows = np.array([[1.0, 0, 0], [0.3, 0.3, 0.4]])
    result = Prediction(LABELS, [0, 1], rows, whole=[0.1, 0.2, 0.7])
    assert (result.label, result.label_at(0)) == ("up", "down")
    assert result.video_probabilities.tolist() == [0.1, 0.2, 0.7]
    with pytest.raises(ValueError, match="whole must be"):
        Prediction(LABELS, [0, 1], rows, whole=[0.5, 0.5])


@pytest.mark.parametrize(
    ("seconds", "label"),
    [(-1, "down"), (0, "down"), (0.099, "down"), (0.1, "raise"), (0.2, "up"), (99, "up")],
)
def test_the_label_at_a_time_is_that_of_the_newest_step(seconds, label):
    assert Prediction(LABELS, [0, 0.1, 0.2], np.eye(3)).label_at(seconds) == label


def test_no_time_has_no_label():
    with pytest.raises(ValueError, match="not a number"):
        prediction().label_at(float("nan"))


@pytest.mark.parametrize("count", [3, 100, 101])
def test_the_csv_file_is_that_of_run(count, tmp_path):
    labels = tuple(f"label {number}" for number in range(count))
    result = prediction(5, labels)
    with CsvSink(tmp_path / "run.csv", labels, 5 if count > 100 else None) as sink:
        for step, row in enumerate(result.probabilities):
            sink.on_step(Decision(step, float(result.seconds[step]), row, labels, 0.5), 0.0)
    result.to_csv(tmp_path / "new" / "result.csv")
    written = (tmp_path / "new" / "result.csv").read_bytes()
    assert written == (tmp_path / "run.csv").read_bytes()


def test_a_csv_file_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LookbackError, match=r"a\.csv: cannot be written"):
        prediction().to_csv(tmp_path / "file" / "a.csv")


@pytest.mark.parametrize(
    ("seconds", "probabilities", "full", "problem"),
    [
        ([], np.zeros((0, 3)), None, "at least one step"),
        ([0, 1], np.eye(3), None, r"must be \(2, 3\)"),
        ([0, 1, 2], np.eye(3)[:, :2], None, r"must be \(3, 3\)"),
        ([0, 1, 2], np.eye(3), [True], "full must be"),
        ([0, 2, 1], np.eye(3), None, "must ascend"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(seconds, probabilities, full, problem):
    with pytest.raises(ValueError, match=problem):
        Prediction(LABELS, seconds, probabilities, full)


def test_a_result_cannot_be_changed_and_its_dtype_stays():
    result = Prediction(LABELS, [0.0], np.ones((1, 3), np.float32))
    assert result.probabilities.dtype == np.float32
    assert prediction().probabilities.dtype == np.float64
    assert Prediction(LABELS, [0], [[1, 0, 0]]).probabilities.dtype == np.float32
    with pytest.raises(AttributeError):
        result.seconds = np.zeros(1)


def several() -> Prediction:
    rows = np.array([[0.9, 0.2, 0.6]] * 10 + [[0.1, 0.2, 0.3]] * 10)
    return Prediction(LABELS, np.arange(20) / 10, rows, thresholds=(0.4, 0.4, 0.4))


def test_several_labels_are_those_that_reach_their_threshold():
    result = several()
    assert (result.label, result.video_labels) == ("down|up", ("down", "up"))
    assert (result.label_at(0.5), result.label_at(1.5)) == ("down|up", "background")
    assert prediction().video_labels == (prediction().label,)
    with pytest.raises(ValueError, match="thresholds must be 3 numbers, and are 2"):
        Prediction(LABELS, [0.0], np.full((1, 3), 0.5), thresholds=(0.5, 0.5))


def test_segments_of_several_labels_may_overlap():
    found = several().segments(smoothing_seconds=0)
    assert [(each.label, each.start, each.end) for each in found] == [
        ("down", 0.0, 1.0),
        ("up", 0.0, 1.0),
    ]
    assert [each.label for each in several().segments(threshold=0.7)] == ["down"]


def test_the_csv_file_names_all_labels_that_are_found(tmp_path):
    several().to_csv(tmp_path / "a.csv")
    rows = (tmp_path / "a.csv").read_text().splitlines()
    assert rows[1] == "0,0.000,down|up,0.90000000,0.90000000,0.20000000,0.60000000"
    assert rows[-1].startswith("19,1.900,background,0.30000000,")
