"""What TensorBoard reads of a run: curves, settings, answers to the validation clips."""

import io

import cv2
import numpy as np
import pytest
from sklearn.metrics import precision_score, recall_score
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata
from tensorboard.util.tensor_util import make_ndarray

from tests.history_files import points_of, run_of
from training.tensorboard import Answers, RunLog, sample_numbers

LABELS = ["bowl", "$bat$"]
PROBABILITIES = np.array([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.2, 0.8]])
TRUTH = np.eye(2, dtype=bool)[[0, 1, 1, 1]]


@pytest.fixture
def read(tmp_path):
    """Write with a function, and return the run as TensorBoard reads it."""

    def read_run(write) -> EventAccumulator:
        log = RunLog(tmp_path)
        write(log)
        log.close()
        return run_of(tmp_path)

    return read_run


def pixels(run: EventAccumulator, tag: str) -> np.ndarray:
    (image,) = run.Images(tag)
    data = np.frombuffer(io.BytesIO(image.encoded_image_string).read(), np.uint8)
    return cv2.imdecode(data, cv2.IMREAD_COLOR)


def test_curves_are_points_by_epoch(tmp_path):
    log = RunLog(tmp_path)
    for epoch in (1, 2):
        log.scalars(epoch, {"loss": 1 / epoch, "learning_rate": 1e-3})
    log.close()
    points = points_of(tmp_path)
    assert points["loss"] == [(1, 1.0), (2, 0.5)]
    assert [value for _, value in points["learning_rate"]] == pytest.approx([1e-3, 1e-3])


def test_settings_are_one_session_with_flat_names(read):
    settings = {"stage": "sequence", "sequence": {"units": 64, "delta": False, "events": ["a", 1]}}
    run = read(lambda log: log.settings({**settings, "seed": None}))
    content = run.SummaryMetadata(metadata.SESSION_START_INFO_TAG).plugin_data.content
    found = metadata.parse_session_start_info_plugin_data(content).hparams
    assert set(found) == {"stage", "sequence.units", "sequence.delta", "sequence.events"}
    assert found["stage"].string_value == "sequence"
    assert found["sequence.units"].number_value == 64
    assert found["sequence.delta"].bool_value is False
    assert found["sequence.events"].string_value == "['a', 1]"


def test_precision_and_recall_are_those_of_scikit_learn(read):
    run = read(lambda log: log.answers(3, Answers(LABELS, TRUTH, PROBABILITIES)))
    (event,) = run.Tensors("precision_recall/bowl")
    assert event.step == 3
    *_, precision, recall = make_ndarray(event.tensor_proto)
    thresholds = np.linspace(0, 1, len(precision))
    for threshold in (0.25, 0.5, 0.8):
        place = int(np.argmin(abs(thresholds - threshold)))
        predicted = PROBABILITIES[:, 0] >= threshold
        assert precision[place] == pytest.approx(precision_score(TRUTH[:, 0], predicted))
        assert recall[place] == pytest.approx(recall_score(TRUTH[:, 0], predicted))


def test_the_confusion_matrix_is_a_picture_also_with_dollars_in_names(read):
    run = read(lambda log: log.answers(1, Answers(LABELS, TRUTH, PROBABILITIES)))
    picture = pixels(run, "confusion")
    assert picture.shape[0] > 300
    assert picture.std() > 10


def test_clips_with_several_classes_have_no_confusion_matrix(read):
    both = np.ones((4, 2), bool)
    run = read(lambda log: log.answers(1, Answers(LABELS, both, PROBABILITIES)))
    assert run.Tags()["images"] == []
    assert len(run.Tags()["tensors"]) == 2


def test_samples_show_their_frames(read):
    red = np.full((60, 80, 3), (200, 10, 10), np.uint8)
    blue = np.full((80, 60, 3), (10, 10, 200), np.uint8)
    frames = {0: red, 3: blue}
    run = read(lambda log: log.answers(1, Answers(LABELS, TRUTH, PROBABILITIES, frames)))
    picture = pixels(run, "samples")  # BGR
    for color in ((10, 10, 200), (200, 10, 10)):
        assert (abs(picture.astype(int) - color).max(2) < 3).sum() > 1000


def test_two_runs_of_the_same_second_have_a_folder_each(tmp_path):
    logs = [RunLog(tmp_path) for _ in range(3)]
    for log in logs:
        log.close()
    assert len(list(tmp_path.iterdir())) == 3


def test_samples_are_spread_over_all_clips():
    assert sample_numbers(0) == []
    assert sample_numbers(100) == [0, 14, 28, 42, 57, 71, 85, 99]
