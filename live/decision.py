"""What the second stage says at a step, and how it comes to say it."""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from extract.extractor import Extractor
from extract.extractor.loading import load_extractor, pretrained_classifier
from live.timing import Stopwatch
from model_folder.card import require_card
from recipes.loader import Settings
from sequence.own_head import asked_head, own_predictor, takes_own_head
from sequence.prediction import Predictor, load_predictor, require_sequence, require_spec
from sequence.windows import RollingWindow
from video.errors import UsageError
from video.steps import Step

# Of the 400 classes of Kinetics nobody reads a column each.
_MOST_COLUMNS, _BEST, _BEST_OF_MANY = 100, 3, 5
_WARM_STEPS = 3


@dataclass(frozen=True)
class Decision:
    """The probabilities at a step.

    Attributes:
        step: index from 0.
        seconds: on the source's clock.
        probabilities: float64 (K,).
        labels: the K names.
        threshold: below it, the label counts as undecided.
        full: whether the window has a step of its own in every row; one filled up with its oldest
            row looks motionless, so its label counts as undecided too.
    """

    step: int
    seconds: float
    probabilities: np.ndarray
    labels: tuple[str, ...]
    threshold: float
    full: bool = True

    @property
    def label(self) -> str:
        return self.labels[int(np.argmax(self.probabilities))]

    @property
    def probability(self) -> float:
        return float(np.max(self.probabilities))

    @property
    def decided(self) -> bool:
        return self.full and self.probability >= self.threshold

    def best(self, count: int) -> list[tuple[str, float]]:
        """Return the `count` likeliest labels with their probabilities, likeliest first."""
        order = np.argsort(-self.probabilities, kind="stable")[:count]
        return [(self.labels[index], float(self.probabilities[index])) for index in order]


class Recogniser:
    """Both stages for one running video: the very objects that extraction and evaluation use.

    Attributes:
        extractor: the first stage.
        labels: in the order of the probabilities.
        best: how many of the likeliest labels are worth showing.
        tells_all: whether a row of probabilities, one a label, is worth writing.
        seconds_a_step: what both stages take, as `warm_up` found; 0 before.
    """

    def __init__(
        self,
        extractor: Extractor,
        predictor: Predictor,
        threshold: float,
        dtype: str = "float32",
        labels: tuple[str, ...] = (),
    ) -> None:
        self.extractor = extractor
        self.labels = labels or extractor.card.labels
        self.tells_all = len(self.labels) <= _MOST_COLUMNS
        self.best = _BEST if self.tells_all else _BEST_OF_MANY
        self._predictor = predictor
        self._threshold = threshold
        self._dtype = np.dtype(dtype)
        self._window = RollingWindow(predictor.look_back)
        self._feature: np.ndarray | None = None
        self._full_steps = 0
        self.seconds_a_step = 0.0

    def decide(self, step: Step, watch: Stopwatch) -> Decision:
        """Return the decision at a step. Steps come in order, from the first."""
        if not step.repeats:
            with watch.stage("backbone"):
                # Rounded as the feature file rounds, or live would differ from the report.
                feature = self.extractor.of_step(step).astype(self._dtype)
                self._feature = feature.astype(np.float32)
        with watch.stage("sequence"):
            window = self._window.push(self._feature)
            probabilities = self._predictor.probabilities(window[None])[0]
        self._full_steps += step.full
        full = self._full_steps >= self._predictor.look_back
        return Decision(step.index, step.seconds, probabilities, self.labels, self._threshold, full)

    @property
    def look_back(self) -> int:
        """L, the steps that one prediction sees."""
        return self._predictor.look_back

    def warm_up(self) -> None:
        """Compile both networks, so that the first step is as fast as the others, and see how long
        a step takes. Before the first step of a video."""
        wanted, length = self.extractor.card.preprocessing, self.extractor.clip_length
        clip = np.zeros((length, wanted.height, wanted.width, 3), np.uint8)
        times = []
        for number in range(_WARM_STEPS):
            # Of a video that there is not: every step shows other frames than the one before.
            frames = tuple(range(-length * (number + 1), -length * number))
            started = time.perf_counter()
            feature = self.extractor.of_step(Step(0, 0.0, clip, False, frames=frames))
            rows = np.repeat(feature[None, None], self._predictor.look_back, axis=1)
            self._predictor.probabilities(rows)
            times.append(time.perf_counter() - started)
        self.seconds_a_step = min(times)


def choose_recogniser(settings: Settings) -> Recogniser:
    """Return the recogniser that run.py is to use: of the clip network that a flag names, without
    training, or else the model folder's.

    Raises:
        UsageError: flags do not go together.
        LookbackError: a part of the model is missing.
    """
    recipe, flags = settings.recipe, settings.flags
    threshold = recipe.sequence.threshold if "sequence.threshold" in settings.given else None
    if "backbone.name" in flags:
        return pretrained_recogniser(settings, threshold)
    if flags & {"backbone.weights", "sampling.fps"}:
        raise UsageError(
            "--backbone-weights and --fps go with --backbone, which runs a published network "
            "without training; a model folder tells its own"
        )
    folder, engine = Path(recipe.model.folder), recipe.extract.engine
    if "extract.precision" in flags:
        raise UsageError(
            "extract.precision: a model runs in the precision that its features were made in; "
            "python extract.py --precision and python train_lstm.py make it another"
        )
    return load_recogniser(folder, threshold, asked_head(settings), engine)


def load_recogniser(
    folder: Path, threshold: float | None = None, head: str = "", engine: str = "auto"
) -> Recogniser:
    """Return the recogniser of a model folder.

    Args:
        folder: the model folder.
        threshold: below it, a label counts as undecided; None for the model's own.
        head: as `sequence.own_head.asked_head` returns it.
        engine: as `extract.engines.registry.make_engine` takes it.

    Raises:
        LookbackError: a part is missing, or the parts do not belong together.
    """
    card = require_card(folder)
    if takes_own_head(folder, card, head):
        extractor = load_extractor(folder, card, engine, live=True)
        predictor = own_predictor(extractor)
        predictor.compute_by(engine, extractor.folder)
        labels = card.backbone.labels
        return Recogniser(extractor, predictor, _or_half(threshold), labels=labels)
    told = require_sequence(folder, card)
    extractor = load_extractor(folder, card, engine, live=True)
    # Before the weights: of other features they would not even have the right shape.
    require_spec(card, extractor.spec(told.dtype), str(folder))
    predictor = load_predictor(folder, card)
    predictor.compute_by(engine, extractor.folder)
    threshold = told.threshold if threshold is None else threshold
    return Recogniser(extractor, predictor, threshold, told.dtype)


def pretrained_recogniser(settings: Settings, threshold: float | None = None) -> Recogniser:
    """Return a recogniser of the recipe's clip network with the labels it was published with.

    Raises:
        LookbackError: the weights cannot be had, or hold no classifier.
    """
    extractor = pretrained_classifier(settings)
    predictor = own_predictor(extractor)
    predictor.compute_by(settings.recipe.extract.engine, extractor.folder)
    # Among hundreds of classes the likeliest seldom has half: without a wish it always shows.
    return Recogniser(extractor, predictor, threshold or 0.0)


def _or_half(threshold: float | None) -> float:
    return 0.5 if threshold is None else threshold
