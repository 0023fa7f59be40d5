"""int8: post-training quantization on the user's training clips, with its cost in accuracy.

NNCF calibrates the range of every activation on plain training clips, turns weights and activations
into 8-bit integers, and corrects the means that this shifts (Nagel et al. 2019, Data-Free
Quantization). The cost is measured on the validation clips, because choosing int8 is model
selection. A network that loses too much is not used.
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

from clips.loading.clip_reader import ClipSampler, read_all_clips
from clips.manifest import Manifest
from clips.manifest.segments import Segment, limited, segments_of
from extract.architectures.registry import spec_of
from extract.backbones.heads import class_logits, feature_network, own_classifier
from extract.engines import Engine, Workload, built, openvino_engine
from extract.engines.parity_check import cosines
from extract.extractor import Extractor
from extract.extractor.loading import LoadedNetwork
from metrics.bootstrap import bootstrap_interval
from metrics.calibration import clip_means
from metrics.label_sets import chosen_text
from metrics.task import task_named
from model_folder.config import (
    QUANTIZED,
    QUANTIZED_WEIGHTS,
    ModelConfig,
    QuantizationReport,
    quantized_sha256,
)
from recipes.loader import Settings
from recipes.schema import Recipe
from video.atomic_write import atomic_write
from video.console import logger, progress_bar
from video.errors import LookbackError, UsageError

_LOG = logger(__name__)

if TYPE_CHECKING:
    import openvino

# Minimum cosine similarity of a clip's features; below it they have changed, not just been rounded.
MIN_COSINE = 0.99
_CALIBRATION_FRAMES = 300
_MIN_CALIBRATION_CLIPS = 50
_MAX_CLIPS = 200
_FRAMES_PER_VIDEO = 4
# Numbers of first convolutions that stay float32, tried in turn. They have few channels, so that
# rounding one costs more.
_LEFT_EXACT = (0, 3, 9)


def quantize(network: LoadedNetwork, manifest: Manifest, settings: Settings) -> QuantizationReport:
    """Quantize a network to int8 and measure what that costs. The int8 network is written into the
    model folder if it does not lose too much accuracy. The caller writes model.yaml.

    Args:
        network: Network in memory.
        manifest: Manifest whose training clips calibrate and whose validation clips measure.
        settings: Settings with the seed and the bootstrap's size.

    Returns:
        The report; its `sha256` is empty if the int8 network was not kept.

    Raises:
        UsageError: NNCF is not installed, or the processor has no int8.
        LookbackError: No training or validation clip can be read.
    """
    _require_tools()
    config, folder = network.config, network.folder
    exact_graph = openvino_engine.converted(feature_network(network.model), network.identity)
    classifier = own_classifier(network.model) if config.backbone.network else None
    engine = openvino_engine.OpenVinoEngine(exact_graph, Workload(live=True))
    segments, seed = segments_of(manifest), settings.recipe.seed
    training, validation = (
        limited([each for each in segments if each.split == split], _MAX_CLIPS, seed)
        for split in ("train", "val")
    )
    sampler = _sampler(config, manifest.path.parent)
    clips = _calibration_clips(training, sampler)
    exact = Extractor(config, engine, classifier)
    cost = _Cost(exact, sampler, training, validation, settings.recipe)
    for left in _LEFT_EXACT:
        graph = _quantized(exact_graph, clips, left, config)
        report = cost.measure(openvino_engine.OpenVinoEngine(graph, Workload("int8", live=True)))
        if report.least_cosine >= MIN_COSINE and report.accuracy >= report.accuracy_interval[0]:
            _write(graph, folder)
            return report.model_copy(update={"sha256": quantized_sha256(folder)})
    return report


def _require_tools() -> None:
    if find_spec("nncf") is None:
        raise UsageError(
            "extract.precision int8: needs NNCF; pip install -r requirements-extras.txt"
        )
    if why := openvino_engine.missing():
        raise UsageError(f"extract.precision int8: openvino {why}")
    openvino_engine.require_precision("int8")


def _sampler(config: ModelConfig, folder: Path) -> ClipSampler:
    """Return the sampler of plain clips: as a step sees them, a few per video."""
    clip_length = config.backbone.clip_length
    return ClipSampler(
        folder=folder,
        sampling=config.sampling,
        preprocessing=config.preprocessing,
        clip_length=clip_length,
        clip_sampling="random",
        count=max(2, _FRAMES_PER_VIDEO // clip_length),
        augment=None,
    )


def _calibration_clips(training: list[Segment], sampler: ClipSampler) -> list[np.ndarray]:
    """Return calibration clips, each uint8 (1, T, H, W, 3), evenly from the training videos."""
    wanted = max(_MIN_CALIBRATION_CLIPS, _CALIBRATION_FRAMES // sampler.clip_length)
    each = replace(sampler, count=max(1, min(sampler.count, -(-wanted // len(training)))))
    clips = [clip[None] for _, clip in read_all_clips(training, each)][:wanted]
    if not clips:
        raise LookbackError(f"{sampler.folder}: no training clip can be read")
    what = "frames" if sampler.clip_length == 1 else "clips"
    _LOG.info(f"Quantizing: {len(clips)} {what} of the training videos calibrate it.")
    return clips


def _quantized(
    network: "openvino.Model", clips: list[np.ndarray], left: int, config: ModelConfig
) -> "openvino.Model":
    """Return a network in int8, except for its first `left` convolutions."""
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
        # Fast bias correction saves seconds and costs depthwise networks their accuracy
        # (MobileNet-0.25 on the fights clips: cosine 0.962, against 0.995 with the full one).
        fast_bias_correction=False,
        ignored_scope=nncf.IgnoredScope([each.get_friendly_name() for each in ordered[:left]]),
    )


@dataclass
class _Measured:
    """Features (n, D) of clips, and the index of each clip's segment (n,)."""

    features: np.ndarray
    segment: np.ndarray

    def segment_means(self) -> np.ndarray:
        """Return the mean feature of every segment that has clips."""
        return clip_means(self.features, np.unique(self.segment, return_inverse=True)[1])


class _Cost:
    """Cost of int8: its features against those of float32, on the validation clips."""

    def __init__(
        self,
        exact: Extractor,
        sampler: ClipSampler,
        training: list[Segment],
        validation: list[Segment],
        recipe: Recipe,
    ) -> None:
        self._exact, self._sampler, self._recipe = exact, sampler, recipe
        self._validation = validation
        self._before = self._features(validation, exact.engine, "float32")
        self._name, self._classify = self._classifier(training)

    def measure(self, ours: Engine) -> QuantizationReport:
        """Return the cost of an engine's features."""
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
        """Return the name of a classifier, and the classifier: features of clips to labels."""
        head, backbone = self._exact.classifier, self._exact.config.backbone
        task = task_named(backbone.task)
        if head is not None:

            def own(measured: _Measured) -> np.ndarray:
                logits = class_logits(np.asarray(built(head).predict(measured.features, verbose=0)))
                each = _Measured(task.probabilities(logits), measured.segment)
                chosen = task.chosen(each.segment_means(), backbone.thresholds)
                return np.array([chosen_text(row, backbone.labels) for row in chosen])

            return "its own head", own
        trained = self._features(training, self._exact.engine, "float32, of training clips")
        ridge = make_pipeline(StandardScaler(), RidgeClassifierCV(np.logspace(1, 5, 9)))
        ridge.fit(trained.segment_means(), [training[n].label for n in np.unique(trained.segment)])
        return "ridge on clip means", lambda measured: ridge.predict(measured.segment_means())

    def _features(self, segments: list[Segment], engine: Engine, what: str) -> _Measured:
        """Return an engine's features of plain clips."""
        features, numbers = [], []
        sampled = read_all_clips(segments, self._sampler)
        for number, clip in progress_bar(sampled, what, unit="clip", leave=False):
            numbers.append(number)
            features.append(engine(clip[None])[0])
        if not numbers:
            raise LookbackError(f"{self._sampler.folder}: no {segments[0].split} clip can be read")
        return _Measured(np.stack(features), np.array(numbers))


def _write(network: "openvino.Model", folder: Path) -> None:
    import openvino

    # OpenVINO writes the weights to the graph's name with .bin for .xml: the other temporary name.
    # They are moved before the graph that needs them.
    with atomic_write(folder / QUANTIZED) as graph, atomic_write(folder / QUANTIZED_WEIGHTS):
        openvino.save_model(network, graph, compress_to_fp16=False)
