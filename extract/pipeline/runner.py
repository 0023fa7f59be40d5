"""Extraction of the features of all videos of a manifest into the feature store."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from clips.manifest import Manifest
from clips.manifest.duplicates import refuse_contradictions, same_value
from clips.manifest.hashes import Hashes
from clips.shards import Shard
from extract.extractor import Extractor
from extract.feature_store.writer import FeatureWriter
from extract.pipeline.inference import ComputedSteps, inference_stage, restore_order
from extract.pipeline.progress import Progress
from extract.pipeline.reader import decoding_stage
from video.console import logger
from video.errors import LookbackError

_LOG = logger(__name__)


@dataclass
class ExtractionReport:
    """Result of an extraction.

    Attributes:
        done: Number of videos computed in this run.
        cached: Number of videos whose features were in the store.
        renamed: Number of cached videos whose features were found under another name.
        steps: Number of steps computed in this run.
        seconds: Duration of the computation.
        bottleneck: Pipeline stage that was busiest.
        failed: Videos without features, with the reason.
        notes: Videos with features of a part, with the reason.
    """

    done: int = 0
    cached: int = 0
    renamed: int = 0
    steps: int = 0
    seconds: float = 0.0
    bottleneck: str = ""
    failed: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)


def extract_features(
    manifest: Manifest,
    extractor: Extractor,
    path: Path,
    dtype: str,
    watch: Callable[[float], object] = lambda share: None,
    shard: Shard | None = None,
) -> ExtractionReport:
    """Compute the features that the store does not have yet.

    Decoding, inference and writing run concurrently. A video that cannot be read is reported and
    skipped. A run that is killed at any moment and repeated gives the same features as an
    uninterrupted one.

    Args:
        manifest: Videos.
        extractor: Backbone with its sampling and preprocessing.
        path: Path of the store.
        dtype: Dtype of the stored features, `float32` or `float16`.
        watch: Function that receives the share of the missing features that are done, 0 to 1.
        shard: Shard of the videos to compute; None for all.

    Raises:
        LookbackError: The store cannot be written.
    """
    report, whole = ExtractionReport(), manifest.sha256
    manifest = shard.of(manifest) if shard else manifest
    with FeatureWriter(path, extractor.spec(dtype), whole, str(shard or "")) as writer:
        sources = _sources(manifest, report)
        equal = same_value({video: tuple(source.items()) for video, source in sources.items()})
        refuse_contradictions(list(manifest.entries), equal, str(manifest.path))
        todo, twins = _missing(manifest, sources, writer, report)
        started = time.perf_counter()
        with (
            decoding_stage(todo, extractor.stepper, extractor.frames_per_clip) as reading,
            inference_stage(reading, extractor.engine) as computing,
            Progress({video: sources[video]["size"] for video, _ in todo}) as progress,
        ):
            stages = {"decoding": reading, "inference": computing}
            for computed in restore_order(computing):
                with progress.writing():
                    _write(computed, sources, writer, report)
                progress.update(computed.steps, report.steps, stages)
                watch(progress.share)
        report.seconds = time.perf_counter() - started
        report.bottleneck = progress.bottleneck
        for video, twin in twins.items():
            if writer.reuse(video, sources[video]):
                report.cached, report.renamed = report.cached + 1, report.renamed + 1
            else:
                reason = report.failed[twin].removeprefix(f"{manifest.place(twin)}")
                report.failed[video] = f"{manifest.place(video)}{reason}"
    return report


def _sources(manifest: Manifest, report: ExtractionReport) -> dict[str, dict]:
    sources, hashes = {}, Hashes(manifest.path.parent)
    for video in manifest.videos:
        try:
            sources[video] = hashes.source(video)
        except OSError as error:
            report.failed[video] = f"{manifest.place(video)}: {error.strerror}"
    hashes.save()
    return sources


def _missing(
    manifest: Manifest, sources: dict[str, dict], writer: FeatureWriter, report: ExtractionReport
) -> tuple[list[tuple[str, Path]], dict[str, str]]:
    """Return the videos to compute with their paths, and duplicates of them.

    A duplicate is a video with the same content, mapped to the video that is computed.
    """
    todo, twins = [], {}
    first: dict[str, str] = {}
    for video, source in sources.items():
        if writer.has(video, source):
            report.cached += 1
        elif writer.reuse(video, source):
            report.cached, report.renamed = report.cached + 1, report.renamed + 1
        elif source["sha256"] in first:
            twins[video] = first[source["sha256"]]
        else:
            first[source["sha256"]] = video
            todo.append((video, manifest.place(video)))
    return todo, twins


def _write(
    computed: ComputedSteps, sources: dict[str, dict], writer: FeatureWriter, report
) -> None:
    steps = computed.steps
    video = steps.video
    if steps.error:
        report.failed[video] = steps.error
        writer.discard(video)
        return
    if steps.number == 0:
        writer.begin(video, sources[video])
    writer.append(video, computed.features[steps.rows], steps.seconds, steps.motion)
    report.steps += len(steps.rows)
    if steps.last:
        writer.finish(video, steps.note)
        report.done += 1
        if steps.note:
            report.notes[video] = steps.note


def print_report(report: ExtractionReport, path: Path, shard: Shard | None = None) -> None:
    """Print the result of an extraction; raise `LookbackError` if no video has features.

    A shard may be without a video that can be read.
    """
    for video, note in report.notes.items():
        _LOG.warning(f"note: {video}: {note}; the decodable part is used")
    for reason in report.failed.values():
        _LOG.warning(f"rejected: {reason}")
    if not report.done + report.cached and not shard:
        raise LookbackError(f"{path}: no video gave features; the reasons are above")
    rate = ""
    if report.steps:
        rate = f" at {report.steps / report.seconds:.0f} steps/s, bottleneck: {report.bottleneck}"
    renamed = f" ({report.renamed} of them under another name)" if report.renamed else ""
    which = f"shard {shard}: " if shard else ""
    _LOG.info(
        f"{which}{report.done} videos extracted ({report.steps} steps{rate}), {report.cached} were "
        f"there already{renamed}, {len(report.failed)} rejected\n{path}"
    )
