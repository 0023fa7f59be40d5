"""Extraction of the features of all videos of a manifest into the feature store."""

import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from clips.manifest import Manifest
from clips.manifest.hashes import Hashes
from clips.shards import Shard
from extract.extractor import Extractor
from extract.feature_store.writer import FeatureWriter
from extract.pipeline.ahead import ClipsAhead
from extract.pipeline.inference import ComputedSteps, inference_stage, restore_order
from extract.pipeline.progress import Progress
from extract.pipeline.reader import decoding_stage
from extract.pipeline.sorting import Sorting
from extract.pipeline.store_elsewhere import fetch_store
from storage.clips import entry_of
from video.console import logger
from video.errors import LookbackError

_LOG = logger(__name__)

_HASHES_SECONDS = 20.0  # less than a part is open, so that a retry knows most of the videos in it


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
    report, whole, name = ExtractionReport(), manifest.sha256, str(shard or "")
    manifest = shard.of(manifest) if shard else manifest
    fetch_store(path, extractor.spec(dtype), whole, name)
    with FeatureWriter(path, extractor.spec(dtype), whole, name) as writer:
        hashes = Hashes(manifest.path.parent, name)
        sorting = Sorting(manifest, writer, hashes)
        sorting.sort()
        todo, started = sorting.todo, time.perf_counter()
        ahead = ClipsAhead(todo) if any(entry_of(place) for _, place in todo) else None
        progress = Progress({video: sorting.size(video) for video, _ in todo})

        def is_due(video: str) -> bool:
            due = sorting.is_due(video)
            if not due:
                progress.settle(video)
            return due

        with (
            progress,
            ahead or nullcontext(),
            decoding_stage(
                todo, extractor.stepper, extractor.frames_per_clip, ahead, is_due
            ) as reading,
            inference_stage(reading, extractor.engine) as computing,
        ):
            stages, due = {"decoding": reading, "inference": computing}, started + _HASHES_SECONDS
            for computed in restore_order(computing):
                with progress.writing(), sorting.lock:
                    _write(computed, sorting, report)
                    if ahead and time.perf_counter() > due:
                        due = _save(hashes)
                progress.update(computed.steps, report.steps, stages)
                watch(progress.share)
        report.seconds = time.perf_counter() - started
        report.bottleneck = progress.bottleneck
        sorting.copy_twins()
        hashes.save()
    report.cached, report.renamed = sorting.cached, sorting.renamed
    report.failed = sorting.failed
    return report


def _save(hashes: Hashes) -> float:
    """Save hashes; return when it is due again: a large file is written less often."""
    started = time.perf_counter()
    hashes.save()
    now = time.perf_counter()
    return now + max(_HASHES_SECONDS, 20 * (now - started))


def _write(computed: ComputedSteps, sorting: Sorting, report: ExtractionReport) -> None:
    steps, writer = computed.steps, sorting.writer
    video = steps.video
    if steps.error:
        sorting.failed[video] = steps.error
        writer.discard(video)
        return
    if steps.number == 0:
        writer.begin(video, sorting.sources[video])
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
