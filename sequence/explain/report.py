"""Explained clips of a report: the most confident mistakes and right clips, with their maps."""

import base64
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np

from clips.manifest.segments import segments_of
from extract.backbones.heads import feature_network
from extract.extractor.loading import load_network
from extract.feature_store.reader import EXTERNAL
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
_EMBEDDED_BYTES = 500_000  # a larger video is linked, so that the page stays small


@dataclass(frozen=True)
class Chosen:
    """A clip to explain.

    Attributes:
        index: Index of the clip in the evaluation.
        predicted: Index of its most probable class.
        right: Whether that is its class.
    """

    index: int
    predicted: int
    right: bool


def require_network(experiment: Experiment) -> None:
    """Raise `UsageError` if the features come from a network that is not here."""
    if experiment.config.backbone.name == EXTERNAL:
        raise UsageError(
            f"--explain: {experiment.store.path} has features of another program, whose network is "
            "not here; leave the flag out"
        )


def choose(probabilities: np.ndarray, targets: np.ndarray, count: int) -> list[Chosen]:
    """Return up to `count` wrong and `count` right clips, the most confident of each first.

    Args:
        probabilities: Probabilities of the clips: (n, K).
        targets: Index of the class of each clip: (n,).
        count: Clips of each kind.
    """
    predicted = probabilities.argmax(1)
    order = np.argsort(-probabilities.max(1), kind="stable")
    chosen = []
    for right in (False, True):
        places = [place for place in order if (predicted[place] == targets[place]) == right]
        chosen += [Chosen(int(p), int(predicted[p]), right) for p in places[:count]]
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
    config, dataset = experiment.config, tested.dataset
    network = feature_network(load_network(experiment.folder, config))
    explainer = Explainer(network, tested.predictor, config, tuple(dataset.labels))
    targets = np.array([segment.target for segment in tested.segments])
    places, store = experiment.manifest.place, dataset.store
    ends = {(each.video, each.start): each.end for each in segments_of(experiment.manifest)}
    section, missing = _section(explainer, count), []
    _emptied(out / FOLDER)
    pieces = []
    for number, chosen in enumerate(choose(predictions.clip, targets, count), 1):
        segment = tested.segments[chosen.index]
        path = places(segment.video)
        if not path.is_file() and not image_folder(path):
            missing.append(segment.video)
            continue
        span = (segment.start, ends.get((segment.video, segment.start), float("inf")))
        known = KnownSteps(store.seconds(segment.video), store.features(segment.video))
        label = dataset.labels[chosen.predicted]
        try:
            found = explainer.explain(path, label, span, known)
        except VideoError as error:
            _LOG.warning(f"note: {error}; this clip is not explained")
            continue
        note = "right" if chosen.right else f"true: {dataset.labels[segment.target]}"
        stem = f"{number:02d}_{'right' if chosen.right else 'wrong'}_{Path(segment.video).stem}"
        pieces.append(_written(out, stem, found, segment.video, note, chosen.right))
    if missing:
        _LOG.warning(
            f"note: {len(missing)} clips are not explained, because their videos are missing (such "
            f"as {missing[0]}); --explain needs the videos beside the manifest, not only features"
        )
    section.parts.append(f'<div class="grid large">{"".join(pieces)}</div>' if pieces else "")
    return section if pieces else Section(section.title)


def _emptied(folder: Path) -> None:
    """Create the folder of the files, and remove those of an earlier report."""
    folder.mkdir(exist_ok=True)
    for kind in ("wrong", "right"):
        for file in folder.glob(f"[0-9][0-9]_{kind}_*"):
            file.unlink()


def _section(explainer: Explainer, count: int) -> Section:
    return Section("Where the model looks").text(
        f"{explainer.method} of the {count} most confident mistakes and right clips, for the "
        "predicted class. Colored places speak for it, red ones most; the scale is that of the "
        "clip. The network does not see what is dark outside of a white frame. If the red places "
        "are not where the action is, the model may have learned the background."
    )


def _written(out: Path, stem: str, found: Explanation, video: str, note: str, right: bool) -> str:
    """Write the files of one clip; return its figure, with the video in it or a link."""
    film, picture = out / FOLDER / f"{stem}.mp4", out / FOLDER / f"{stem}.png"
    found.save_video(film, note)
    strip = found.save_strip(picture, note)
    caption = f"{video}: {found.label} {found.probability:.0%}"
    shown = figure(jpeg_of(strip), caption, "" if right else note)
    if film.stat().st_size <= _EMBEDDED_BYTES:
        data = base64.b64encode(film.read_bytes()).decode("ascii")
        more = (
            "<details><summary>Play</summary><video controls muted loop playsinline "
            f'src="data:video/mp4;base64,{data}"></video></details>'
        )
    else:
        address = escape(f"{FOLDER}/{film.name}", quote=True)
        more = f'<p><a href="{address}">{escape(film.name)}</a></p>'
    return shown.replace("<figcaption>", f"{more}<figcaption>", 1)
