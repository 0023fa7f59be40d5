"""A model without a network, and frames of a camera, for the tests of this room."""

import numpy as np

from extract.engines import Engine
from extract.extractor import Extractor
from live.cameras.reader import Session
from live.model import LiveModel
from metrics.calibration import softmax
from tests.extract.projecting import card_of
from video.frame import Frame

LABELS = ("calm", "fight")


class MeanEngine(Engine):
    """Gives the clip's mean as both features, and counts how often it is asked."""

    feature_size = 2

    def __init__(self) -> None:
        super().__init__(batch_size=1)
        self.asked = 0

    def _compute(self, clips: np.ndarray) -> np.ndarray:
        self.asked += 1
        return np.repeat(np.float32(clips[0].mean()), 2)[None]


class LastPredictor:
    """The brighter the window's mean, the more probable `fight`; keeps the windows.

    Attributes:
        seen: First column of every window.
    """

    look_back = 3

    def __init__(self) -> None:
        self.seen: list[list[float]] = []

    def scored(self, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        self.seen.append(batch[0, :, 0].tolist())
        logit = (batch.mean((1, 2)) - 128) / 16
        return softmax(np.stack([-logit, logit], 1)), np.zeros(len(batch))


def fake_model(labels: tuple[str, ...] = LABELS) -> LiveModel:
    return LiveModel(Extractor(card_of(), MeanEngine()), LastPredictor(), labels, 0.5)


def gray(index: int, value: int, seconds: float | None = None) -> Frame:
    """Return a frame of one gray; without a time, ten come in a second."""
    pixels = np.full((48, 64, 3), value, np.uint8)
    return Frame.from_array(pixels, index, index / 10 if seconds is None else seconds)


def session(number: int = 1, began: float = 100.0) -> Session:
    return Session(number, began, (64, 48), 10.0)
