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

from clips.clip_reader import ClipSampler, read_all_clips
from clips.manifest import Manifest
from clips.segments import Segment, limited, segments_of
from extract.architectures.registry import spec_of
from extract.backbones.heads import class_logits, feature_network, own_classifier
from extract.engines import Engine, NetworkId, Workload, openvino_engine
from extract.engines.parity_check import cosines
from extract.extractor import Extractor
from extract.extractor.choosing import choose_extractor
from extract.extractor.loading import NotQuantized, load_network
from metrics.bootstrap import bootstrap_interval
from metrics.calibration import clip_means, softmax
from model_folder.config import (
    QUANTISED,
    QUANTISED_WEIGHTS,
    ModelConfig,
    QuantizationReport,
    quantized_sha256,
    require_config,
    write_config,
)
from recipes.loader import Settings
from recipes.schema import Recipe
from video.atomic_write import atomic_write
from video.console import logger, progress_bar
from video.errors import LookbackError, UsageError

_LOG = logger(__name__)

if TYPE_CHECKING:
    import openvino

# Below it, features are others, not rounded ones.
LEAST_COSINE = 0.99
_CALIBRATION_FRAMES = 300
_LEAST_CALIBRATION_CLIPS = 50
_MOST_CLIPS = 200
_FRAMES_A_CLIP = 4
# The first convolutions have few channels, so each one's rounding weighs more. So many of them stay
# float32, more until the features are alike enough.
_LEFT_EXACT = (0, 3, 9)


def choose_quantizing(settings: Settings, manifest: Manifest) -> Extractor:
    """Return the extractor that extract.py is to use, as `choose_extractor` does. Where int8 is
    asked for and the network is not quantised yet, it is; where that costs too much, it computes in
    bf16, or f32 on a processor without.

    Raises:
        UsageError, LookbackError: as `choose_extractor` and `quantize`.
    """
    try:
        return _telling(choose_extractor(settings))
    except NotQuantized:
        folder = Path(settings.recipe.model.folder)
        config = require_config(folder)
        told = config.quantised
        if not told or told.sha256:
            told = quantize(folder, config, manifest, settings)
    if told.sha256:
        return _telling(choose_extractor(settings))
    instead = "bf16" if openvino_engine.processor_has("bf16") else "f32"
    _LOG.info(f"int8 costs this network too much and is not used: {told}. Going on in {instead}.")
    extract = settings.recipe.extract.model_copy(update={"precision": instead})
    recipe = settings.recipe.model_copy(update={"extract": extract})
    return choose_extractor(replace(settings, recipe=recipe))


def _telling(extractor: Extractor) -> Extractor:
    """Return an extractor, and print what it costs where it computes in int8."""
    if extractor.engine.precision == "int8":
        _LOG.info(f"{extractor.config.quantised}.")
    return extractor


def quantize(
    folder: Path, config: ModelConfig, manifest: Manifest, settings: Settings
) -> QuantizationReport:
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
    if why := openvino_engine.missing():
        raise UsageError(f"extract.precision int8: openvino {why}")
    openvino_engine.require_precision("int8")
    whole = load_network(folder, config)
    known_as = NetworkId(folder, config.backbone.sha256)
    network = openvino_engine.converted(feature_network(whole), known_as)
    classifier = own_classifier(whole) if config.backbone.network else None
    engine = openvino_engine.OpenVinoEngine(network, Workload(live=True))
    exact = Extractor(config, engine, classifier)
    segments, seed = segments_of(manifest), settings.recipe.seed
    training = limited(
        [segment for segment in segments if segment.split == "train"], _MOST_CLIPS, seed
    )
    validation = limited(
        [segment for segment in segments if segment.split == "val"], _MOST_CLIPS, seed
    )
    sampler = _drawing(config, manifest.path.parent)
    clips = _calibration_clips(training, sampler)
    cost = _Cost(exact, sampler, training, validation, settings.recipe)
    for left in _LEFT_EXACT:
        quantised = _quantised(network, clips, left, config)
        told = cost.of(openvino_engine.OpenVinoEngine(quantised, Workload("int8", live=True)))
        if told.least_cosine >= LEAST_COSINE and told.accuracy >= told.accuracy_interval[0]:
            _write(quantised, folder)
            told = told.model_copy(update={"sha256": quantized_sha256(folder)})
            break
    write_config(folder, config.model_copy(update={"quantised": told}))
    return told


def _drawing(config: ModelConfig, folder: Path) -> ClipSampler:
    """Return how the plain clips are drawn: as a step sees them, a few a video."""
    clip_length = config.backbone.clip_length
    return ClipSampler(
        folder=folder,
        sampling=config.sampling,
        preprocessing=config.preprocessing,
        clip_length=clip_length,
        clip_sampling="random",
        count=max(2, _FRAMES_A_CLIP // clip_length),
        augment=None,
    )


def _calibration_clips(training: list[Segment], sampler: ClipSampler) -> list[np.ndarray]:
    """Return uint8 clips (1, T, H, W, 3), evenly from the training videos."""
    wanted = max(_LEAST_CALIBRATION_CLIPS, _CALIBRATION_FRAMES // sampler.clip_length)
    each = replace(sampler, count=max(1, min(sampler.count, -(-wanted // len(training)))))
    clips = [clip[None] for _, clip in read_all_clips(training, each)][:wanted]
    if not clips:
        raise LookbackError(f"{sampler.folder}: no training clip can be read")
    what = "pictures" if sampler.clip_length == 1 else "stretches"
    _LOG.info(f"Quantising on {len(clips)} {what} of the training clips.")
    return clips


def _quantised(
    network: "openvino.Model", clips: list[np.ndarray], left: int, config: ModelConfig
) -> "openvino.Model":
    """Return a network in int8, but for so many of its first convolutions."""
    import nncf

    nncf.set_log_level(logging.ERROR)
    kinds = ("Convolution", "GroupConvolution")
    ordered = [each for each in network.get_ordered_ops() if each.get_type_name() in kinds]
    is_transformer = spec_of(config.backbone.name).is_transformer
    return nncf.quantize(
        network,
        nncf.Dataset(clips),
        preset=nncf.QuantizationPreset.MIXED,
        model_type=nncf.ModelType.TRANSFORMER if is_transformer else None,
        subset_size=len(clips),
        # The fast way costs depthwise networks most of their likeness (MobileNet-0.25 on the
        # fights clips: cosine 0.962, with the thorough one 0.995), and saves seconds.
        fast_bias_correction=False,
        ignored_scope=nncf.IgnoredScope([each.get_friendly_name() for each in ordered[:left]]),
    )


@dataclass
class _Measured:
    """Features (n, D) of some clips, and which segment each is of (n,)."""

    features: np.ndarray
    segment: np.ndarray

    def of_clips(self) -> np.ndarray:
        """Return the mean feature of every segment that has any."""
        return clip_means(self.features, np.unique(self.segment, return_inverse=True)[1])


class _Cost:
    """Holds int8 features against those of float32, on the validation clips."""

    def __init__(
        self,
        exact: Extractor,
        sampler: ClipSampler,
        training: list[Segment],
        validation: list[Segment],
        recipe: Recipe,
    ) -> None:
        self._exact, self._drawing, self._recipe = exact, sampler, recipe
        self._validation = validation
        self._before = self._features(validation, exact.engine, "float32")
        self._name, self._classify = self._classifier(training)

    def of(self, ours: Engine) -> QuantizationReport:
        """Return what an engine costs."""
        before, after = self._before, self._features(self._validation, ours, "int8")
        there, clip_of = np.unique(before.segment, return_inverse=True)
        classes = np.array([segment.label for segment in self._validation])[there]
        groups = [self._validation[number].group for number in there]
        hits = self._classify(before) == classes
        alike = clip_means(cosines(after.features, before.features)[:, None], clip_of)
        return QuantizationReport(
            sha256="",
            clips=len(classes),
            cosine=round(float(alike.mean()), 5),
            least_cosine=round(float(alike.min()), 5),
            classifier=self._name,
            accuracy_f32=float(hits.mean()),
            accuracy_interval=bootstrap_interval(
                hits.astype(float), groups, self._recipe.evaluate.bootstrap, self._recipe.seed
            ),
            accuracy=float((self._classify(after) == classes).mean()),
        )

    def _classifier(self, training: list[Segment]):
        """Return the name of a classifier of clips, and it itself: features to labels."""
        head, labels = self._exact.classifier, np.array(self._exact.config.backbone.labels)
        if head is not None:

            def own(measured: _Measured) -> np.ndarray:
                logits = class_logits(np.asarray(head.predict(measured.features, verbose=0)))
                each = _Measured(softmax(logits), measured.segment)
                return labels[each.of_clips().argmax(1)]

            return "its own head", own
        trained = self._features(training, self._exact.engine, "float32, of training clips")
        ridge = make_pipeline(StandardScaler(), RidgeClassifierCV(np.logspace(1, 5, 9)))
        ridge.fit(trained.of_clips(), [training[n].label for n in np.unique(trained.segment)])
        return "ridge on clip means", lambda measured: ridge.predict(measured.of_clips())

    def _features(self, segments: list[Segment], engine: Engine, what: str) -> _Measured:
        """Return the features that an engine gives of plain clips."""
        features, numbers = [], []
        drawn = read_all_clips(segments, self._drawing)
        for number, clip in progress_bar(drawn, what, unit="clip", leave=False):
            numbers.append(number)
            features.append(engine(clip[None])[0])
        if not numbers:
            raise LookbackError(f"{self._drawing.folder}: no {segments[0].split} clip can be read")
        return _Measured(np.stack(features), np.array(numbers))


def _write(network: "openvino.Model", folder: Path) -> None:
    import openvino

    # OpenVINO writes the weights to the graph's name with .bin for .xml: the other temporary name.
    # They are moved before the graph that needs them.
    with atomic_write(folder / QUANTISED) as graph, atomic_write(folder / QUANTISED_WEIGHTS):
        openvino.save_model(network, graph, compress_to_fp16=False)
