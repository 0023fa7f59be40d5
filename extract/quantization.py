"""int8: a network quantised on the user's own training clips, and what that costs him.

Post-training quantisation by NNCF: plain training clips tell the range of every activation, weights
and activations become 8-bit whole numbers, and the means that this shifts are corrected (Nagel et
al. 2019). What it costs is measured on the validation clips, since it is a choice; where it is too
much, the network is not used.
"""

import logging
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from sklearn.linear_model import RidgeClassifierCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tqdm import tqdm

from clips.manifest import Manifest
from clips.spans import Span, limited, spans_of
from extract.backbones import spec_of
from extract.calibration import clip_means, softmax
from extract.choosing import choose_extractor
from extract.engines import Engine, Workload, openvino_engine
from extract.engines.checking import cosines
from extract.extractor import Extractor, NotQuantised, load_extractor, load_network
from extract.intervals import bootstrap_interval
from extract.model_folder import (
    QUANTISED,
    QUANTISED_WEIGHTS,
    ModelCard,
    QuantisedCard,
    quantised_sha256,
    require_card,
    write_card,
)
from extract.network import class_logits, feature_network
from extract.training_clips import Drawing, drawn_clips
from recipes.loader import Settings
from video.errors import LookbackError, UsageError

if TYPE_CHECKING:
    import openvino

# Below it, features are others, not rounded ones.
LEAST_COSINE = 0.99
_CALIBRATION_FRAMES = 300
_LEAST_CALIBRATION_CLIPS = 50
_MOST_CLIPS = 200
_FRAMES_A_CLIP = 4


def choose_quantising(settings: Settings, manifest: Manifest) -> Extractor:
    """Return the extractor that extract.py is to use, as `choose_extractor` does. Where int8 is
    asked for and the network is not quantised yet, it is; where that costs too much, it computes in
    bf16, or f32 on a processor without.

    Raises:
        UsageError, LookbackError: as `choose_extractor` and `quantise`.
    """
    try:
        return choose_extractor(settings)
    except NotQuantised:
        folder = Path(settings.recipe.model.folder)
        card = require_card(folder)
        told = card.quantised
        if not told or told.sha256:
            told = quantise(folder, card, manifest, settings)
    if told.sha256:
        return choose_extractor(settings)
    instead = "bf16" if openvino_engine.processor_has("bf16") else "f32"
    print(f"int8 costs this network too much and is not used: {told}. Going on in {instead}.")
    extract = settings.recipe.extract.model_copy(update={"precision": instead})
    recipe = settings.recipe.model_copy(update={"extract": extract})
    return choose_extractor(replace(settings, recipe=recipe))


def quantise(
    folder: Path, card: ModelCard, manifest: Manifest, settings: Settings
) -> QuantisedCard:
    """Quantise the backbone of a model folder, measure it, note that in model.yaml, and keep the
    int8 network where it does not cost too much.

    Raises:
        UsageError: NNCF is not installed, or the processor has no int8.
        LookbackError: no training or validation clip can be read.
    """
    if find_spec("nncf") is None:
        raise UsageError(
            "extract.precision int8: needs NNCF; pip install -r requirements-extras.txt"
        )
    openvino_engine.require_precision("int8")
    f32 = card.model_copy(update={"precision": "f32"})
    exact = load_extractor(folder, f32, "openvino", live=True)
    model = feature_network(load_network(folder, card))
    network = openvino_engine.converted(model, folder, card.backbone.sha256)
    spans = spans_of(manifest)
    seed = settings.recipe.seed
    training = limited([span for span in spans if span.split == "train"], _MOST_CLIPS, seed)
    validation = limited([span for span in spans if span.split == "val"], _MOST_CLIPS, seed)
    drawing = _drawing(card, manifest.path.parent)
    quantised = _quantised(network, training, drawing, card)
    ours = openvino_engine.OpenVinoEngine(quantised, Workload("int8", live=True))
    cost = _Cost(exact, ours, drawing).measured(training, validation, settings.recipe)
    low, _ = cost.accuracy_interval
    if cost.least_cosine >= LEAST_COSINE and cost.accuracy >= low:
        _write(quantised, folder)
        cost = cost.model_copy(update={"sha256": quantised_sha256(folder)})
    write_card(folder, card.model_copy(update={"quantised": cost}))
    return cost


def _drawing(card: ModelCard, folder: Path) -> Drawing:
    """Return how the plain clips are drawn: as a step sees them, a few a video."""
    clip_length = card.backbone.clip_length
    return Drawing(
        folder=folder,
        sampling=card.sampling,
        preprocessing=card.preprocessing,
        clip_length=clip_length,
        clip_sampling="random",
        count=max(2, _FRAMES_A_CLIP // clip_length),
        augment=None,
    )


def _quantised(
    network: "openvino.Model", training: list[Span], drawing: Drawing, card: ModelCard
) -> "openvino.Model":
    import nncf

    nncf.set_log_level(logging.ERROR)
    wanted = max(_LEAST_CALIBRATION_CLIPS, _CALIBRATION_FRAMES // drawing.clip_length)
    each = replace(drawing, count=max(1, min(drawing.count, -(-wanted // len(training)))))
    clips = [clip[None] for _, clip in drawn_clips(training, each)][:wanted]
    if not clips:
        raise LookbackError(f"{drawing.folder}: no training clip can be read")
    print(f"Quantising on {len(clips)} clips of the training videos.")
    is_transformer = spec_of(card.backbone.name).is_transformer
    return nncf.quantize(
        network,
        nncf.Dataset(clips),
        preset=nncf.QuantizationPreset.MIXED,
        model_type=nncf.ModelType.TRANSFORMER if is_transformer else None,
        subset_size=len(clips),
    )


@dataclass
class _Measured:
    """Features (n, D) of some clips, and which span each is of (n,)."""

    features: np.ndarray
    span: np.ndarray

    def of_clips(self) -> np.ndarray:
        """Return the mean feature of every span that has any."""
        return clip_means(self.features, np.unique(self.span, return_inverse=True)[1])


class _Cost:
    """Holds int8 features against those of float32."""

    def __init__(self, exact: Extractor, ours: Engine, drawing: Drawing) -> None:
        self._exact, self._ours, self._drawing = exact, ours, drawing

    def measured(self, training: list[Span], validation: list[Span], recipe) -> QuantisedCard:
        before, after = self._features(validation, "int8 against float32", self._ours)
        classes = np.array([span.label for span in validation])[np.unique(before.span)]
        groups = [validation[number].group for number in np.unique(before.span)]
        name, classify = self._classifier(training)
        hits = classify(before) == classes
        alike = clip_means(
            cosines(after.features, before.features)[:, None],
            np.unique(before.span, return_inverse=True)[1],
        )
        return QuantisedCard(
            sha256="",
            clips=len(classes),
            cosine=round(float(alike.mean()), 5),
            least_cosine=round(float(alike.min()), 5),
            classifier=name,
            accuracy_f32=float(hits.mean()),
            accuracy_interval=bootstrap_interval(
                hits.astype(float), groups, recipe.evaluate.bootstrap, recipe.seed
            ),
            accuracy=float((classify(after) == classes).mean()),
        )

    def _classifier(self, training: list[Span]):
        """Return the name of a classifier of clips, and it itself: features to labels."""
        head, labels = self._exact.classifier, np.array(self._exact.card.backbone.labels)
        if head is not None:

            def own(measured: _Measured) -> np.ndarray:
                logits = class_logits(np.asarray(head.predict(measured.features, verbose=0)))
                each = _Measured(softmax(logits), measured.span)
                return labels[each.of_clips().argmax(1)]

            return "its own head", own
        (trained,) = self._features(training, "float32, to train a classifier")
        ridge = make_pipeline(StandardScaler(), RidgeClassifierCV(np.logspace(1, 5, 9)))
        ridge.fit(trained.of_clips(), [training[n].label for n in np.unique(trained.span)])
        return "ridge on clip means", lambda measured: ridge.predict(measured.of_clips())

    def _features(self, spans: list[Span], what: str, *others: Engine) -> list[_Measured]:
        """Return the features that the exact engine, and then others, give of plain clips."""
        engines = (self._exact.engine, *others)
        parts, numbers = [[] for _ in engines], []
        drawn = drawn_clips(spans, self._drawing)
        for number, clip in tqdm(drawn, what, unit="clip", leave=False, disable=None):
            numbers.append(number)
            for engine, features in zip(engines, parts, strict=True):
                features.append(engine(clip[None])[0])
        if not numbers:
            raise LookbackError(f"{self._drawing.folder}: no {spans[0].split} clip can be read")
        return [_Measured(np.stack(features), np.array(numbers)) for features in parts]


def _write(network: "openvino.Model", folder: Path) -> None:
    import openvino

    partial = folder / f"part.{QUANTISED}"
    openvino.save_model(network, partial, compress_to_fp16=False)
    partial.with_suffix(".bin").replace(folder / QUANTISED_WEIGHTS)
    partial.replace(folder / QUANTISED)
