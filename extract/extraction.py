"""One run of extract.py: set up the extractors, and compute the features that are missing."""

from collections.abc import Callable
from pathlib import Path

from clips.manifest import Manifest
from clips.shards import Shard
from extract.extractor import Extractor
from extract.extractor_setup import set_up_extractors
from extract.pipeline.runner import extract_features, print_report
from recipes.loader import Settings
from video.console import logger

_LOG = logger(__name__)


def set_up(settings: Settings, manifest: Manifest) -> dict[Path, Extractor]:
    """Return the extractors of an extraction, by feature file; save, quantize and convert them.

    Raises:
        UsageError: The settings and the folder's model contradict each other.
        LookbackError: Weights are missing, or there are no clips to calibrate int8.
    """
    extractors = set_up_extractors(settings, manifest)
    for extractor in extractors.values():
        _LOG.info(_summary(extractor))
    return extractors


def extract(
    settings: Settings,
    manifest: Manifest,
    watch: Callable[[float], object] = lambda share: None,
    shard: Shard | None = None,
) -> None:
    """Compute the features of a manifest's videos with the network that the settings name.

    Args:
        settings: Settings that name folder, backbone, engine, precision and feature file.
        manifest: Videos.
        watch: Function that receives the share of the missing features that are done, 0 to 1, of
            each feature file.
        shard: Shard of the videos to compute; None for all.

    Raises:
        UsageError: The settings and the folder's model contradict each other.
        LookbackError: Weights are missing, no video gave features, or the disk is full.
    """
    for path, extractor in set_up(settings, manifest).items():
        dtype = settings.recipe.extract.dtype
        report = extract_features(manifest, extractor, path, dtype, watch, shard)
        print_report(report, path, shard)
        if report.cached and "extract.engine" in settings.flags:
            _LOG.info(
                "note: features that were in the file are kept, whichever engine computed them: "
                "engines agree within 1e-4; --features FILE computes others"
            )


def _summary(extractor: Extractor) -> str:
    backbone, change_seconds = extractor.config.backbone, extractor.config.sampling.change_seconds
    how = "fine-tuned" if backbone.fine_tuned else f"weights: {backbone.weights}"
    if change_seconds:
        how += f"; input: change over {change_seconds:g} s"
    engine = f"{extractor.engine.name}, {extractor.engine.precision}"
    return f"{backbone.name} ({how}), {backbone.feature_size} features a step; engine: {engine}."
