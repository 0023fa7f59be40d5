"""Figures: PNG files of what they are given, also of the smallest cases."""

import cv2
import numpy as np
import pytest

from sequence.visual import figures


def is_picture(data: bytes) -> bool:
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    return image is not None and image.std() > 1


@pytest.mark.parametrize("count", [3, 40])
def test_a_map_of_clips(count):
    features = np.random.default_rng(0).normal(size=(count, 8))
    data = figures.embedding(features, [str(n % 2) for n in range(count)], "Labels")
    assert is_picture(data)


def test_two_clips_have_no_map():
    assert figures.embedding(np.eye(2), ["a", "b"], "Labels") is None


def test_training_curves_need_two_epochs(tmp_path):
    history = tmp_path / "history.csv"
    assert figures.training_curves(history) is None
    history.write_text("epoch,loss,val_clip_accuracy\n1,0.5,0.7\n")
    assert figures.training_curves(history) is None
    history.write_text("epoch,loss,val_clip_accuracy\n1,0.5,0.7\n2,0.4,\n")
    assert is_picture(figures.training_curves(history))


def test_the_other_figures():
    probabilities = np.array([[0.9, 0.1], [0.3, 0.7], [0.4, 0.6], [1.0, 0.0]])
    assert is_picture(figures.class_distribution(["train", "test"], ["bat", "bowl"]))
    assert is_picture(figures.step_importance(np.array([0.1, -0.02, 0.4])))
    seconds = np.arange(4) / 10
    course = figures.timeline(seconds, probabilities, ("a", "b"), 0, (0.0, float("inf")))
    assert is_picture(course)
    limited = figures.timeline(seconds, probabilities, ("a", "b"), (0, 1), (0.0, 0.3), (0.4, 0.6))
    assert is_picture(limited)
    assert limited != figures.timeline(seconds, probabilities, ("a", "b"), (0, 1), (0.0, 0.3))
