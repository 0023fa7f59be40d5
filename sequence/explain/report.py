"""Explained clips of a report: the most confident mistakes and right clips, with their maps."""

import base64
from dataclasses import dataclass
from html import escape
from pathlib import Path
from urllib.parse import quote

import numpy as np

from extract.backbones.heads import feature_network
from extract.extractor.loading import load_network
from extract.feature_store.spec import EXTERNAL
from metrics.targets import truth_of
from metrics.task import Task
from sequence.dataset import targets_of
from sequence.evaluation import Predictions
from sequence.evaluation_setup import Tested
from sequence.experiment import Experiment
from sequence.explain.explainer import Explainer, KnownSteps
from sequence.explain.explanation import Explanation
from sequence.visual.page import Section, figure
from sequence.visual.strips import jpeg_of
from video.console import logger
from video.errors import UsageError, VideoError
from video.image_folder import image_folder

_LOG = logger(__name__)

FOLDER = "explained"
# Larger videos, and those after the first 8 MB, are linked, so that the page stays small.
_CLIP_BYTES, _EMBEDDED_BYTES = 500_000, 8_000_000


@dataclass(frozen=True)
class Chosen:
    """A clip to explain.

    Attributes:
        index: Index of the clip in the evaluation.
        target: Index of the class that is explained.
        right: Whether the clip's answer is right.
    """

    index: int
    target: int
    right: bool


def require_network(experiment: Experiment) -> None:
    """Raise `UsageError` if the features come from a network that is not here."""
    if experiment.config.backbone.name == EXTERNAL:
        raise UsageError(
            f"--explain: {experiment.store.path} has features of another program, whose network is "
            "not here; leave the flag out"
        )


def choose(
    probabilities: np.ndarray, found: np.ndarray, truth: np.ndarray, count: int
) -> list[Chosen]:
    """Return up to `count` wrong and `count` right clips, the most confident of each first.

    The class is the predicted one. With several classes per clip it is the surest of those that are
    found, in a wrong clip of those that are found and do not hold; if there is none, the class that
    was most surely missed. A right clip without any class is not chosen: it has nothing to show.

    Args:
        probabilities: Probabilities of the clips: (n, K).
        found: Whether the model answers with each class: bool (n, K).
        truth: Whether each class holds: bool (n, K).
        count: Clips of each kind.
    """
    false = found & ~truth
    missed = ~found & truth & ~false.any(1, keepdims=True)
    right = (found == truth).all(1)
    shown = np.where(right[:, None], found, false | missed)
    sure = np.where(shown, np.where(found, probabilities, 1 - probabilities), -1.0)
    order = [place for place in np.argsort(-sure.max(1), kind="stable") if shown[place].any()]
    chosen = []
    for kind in (False, True):
        places = [place for place in order if right[place] == kind]
        chosen += [Chosen(int(p), int(sure[p].argmax()), kind) for p in places[:count]]
    return chosen


def explain_clips(
    out: Path, experiment: Experiment, tested: Tested, predictions: Predictions, count: int
) -> Section:
    """Write videos and pictures of explained clips; return their section of the page.

    Args:
        out: Report folder; the files are in its folder `explained`.
        experiment: Model folder with the manifest and features.
        tested: Model and its clips.
        predictions: Predictions of the model for the clips.
        count: Clips of each kind, wrong and right.

    Raises:
        LookbackError: The network of the model cannot be loaded.
    """
    dataset, segments = tested.dataset, tested.segments
    network = feature_network(load_network(experiment.folder, experiment.config))
    labels = tuple(dataset.labels)
    explainer = Explainer(network, tested.predictor, experiment.config, labels)
    found = dataset.task.chosen(predictions.clip, predictions.thresholds)
    truth = truth_of(targets_of(segments, len(labels)), len(labels))
    places, store = experiment.manifest.place, dataset.store
    section, missing = _section(explainer, count, dataset.task), []
    _emptied(out / FOLDER)
    written = Figures(out)
    for number, chosen in enumerate(choose(predictions.clip, found, truth, count), 1):
        segment = segments[chosen.index]
        path = places(segment.video)
        if not path.is_file() and not image_folder(path):
            missing.append(segment.video)
            continue
        known = KnownSteps(store.seconds(segment.video), store.features(segment.video))
        span = (segment.start, segment.end)
        try:
            explanation = explainer.explain(path, labels[chosen.target], span, known)
        except VideoError as error:
            _LOG.warning(f"note: {error}; this clip is not explained")
            continue
        note = "right" if chosen.right else f"true: {dataset.label_of(segment)}"
        stem = f"{number:02d}_{'right' if chosen.right else 'wrong'}_{Path(segment.video).stem}"
        written.add(stem, explanation, segment.video, note, chosen.right)
    if missing:
        _LOG.warning(
            f"note: {len(missing)} clips are not explained, because their videos are missing (such "
            f"as {missing[0]}); --explain needs the videos beside the manifest, not only features"
        )
    if not written.figures:
        return Section(section.title)
    section.parts.append(f'<div class="grid large">{"".join(written.figures)}</div>')
    return section


def _emptied(folder: Path) -> None:
    """Create the folder of the files, and remove those of an earlier report."""
    folder.mkdir(exist_ok=True)
    for kind in ("wrong", "right"):
        for file in folder.glob(f"[0-9][0-9]_{kind}_*"):
            file.unlink()


def _section(explainer: Explainer, count: int, task: Task) -> Section:
    explained = "the predicted class"
    if task.several:
        explained = "a predicted class, or one that was missed"
    rows = "Above are the frames, below the same with the map."
    if explainer.sees_change:
        rows = (
            "Above are the frames, in the middle the changes that the network sees, below the maps."
        )
    return (
        Section("Where the model looks")
        .text(
            f"{explainer.method} of the {count} most confident mistakes and right clips, for "
            f"{explained}. {rows} Colored places speak for the class, red ones most; the scale is "
            "that of the clip. The network does not see what is dark outside of a white frame."
        )
        .text(
            "If the red places are not where the action is, the model may have learned the "
            "background. A map says where, not why."
        )
    )


class Figures:
    """Files of the explained clips, and their figures for the page.

    Attributes:
        figures: HTML of each clip, in order.
    """

    def __init__(self, out: Path) -> None:
        self.figures: list[str] = []
        self._out = out
        self._room = _EMBEDDED_BYTES

    def add(self, stem: str, found: Explanation, video: str, note: str, right: bool) -> None:
        """Write the files of one clip; its figure has the video in it, or a link."""
        film, picture = (self._out / FOLDER / f"{stem}{kind}" for kind in (".mp4", ".png"))
        found.save_video(film, note)
        strip = jpeg_of(found.save_strip(picture, note))
        size = film.stat().st_size
        embedded = size <= min(_CLIP_BYTES, self._room)
        self._room -= size if embedded else 0
        caption = f"{video}: {found.label} {found.probability:.0%}" + (", right" if right else "")
        more = _player(film) if embedded else _link(film)
        self.figures.append(figure(strip, caption, "" if right else note, more, scrolls=True))


def _player(film: Path) -> str:
    data = base64.b64encode(film.read_bytes()).decode("ascii")
    return (
        "<details><summary>Play</summary><video controls muted loop playsinline "
        f'src="data:video/mp4;base64,{data}"></video></details>'
    )


def _link(film: Path) -> str:
    address = quote(f"{FOLDER}/{film.name}")
    return f'<p><a href="{address}">{escape(film.name)}</a></p>'
