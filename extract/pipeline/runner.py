"""All videos of a manifest through the backbone into the feature store, once."""

import time
from dataclasses import dataclass, field
from pathlib import Path

from clips.manifest import Manifest
from extract.extractor import Extractor
from extract.feature_store.reader import source_of
from extract.feature_store.writer import FeatureWriter, open_writer
from extract.pipeline.inference import ComputedSteps, computing_stage, in_order
from extract.pipeline.progress import Progress
from extract.pipeline.reader import reading_stage
from video.errors import LookbackError


@dataclass
class ExtractionReport:
    """What an extraction did: videos done now, done before, failed with reasons, and notes."""

    done: int = 0
    kept: int = 0
    steps: int = 0
    seconds: float = 0.0
    bottleneck: str = ""
    failed: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)


def extract_features(
    manifest: Manifest, extractor: Extractor, path: Path, dtype: str
) -> ExtractionReport:
    """Compute the features that the store at `path` does not hold yet.

    Decoding, inference and writing overlap. A video that cannot be read is reported, not fatal.
    Killed at any moment and run again, this ends with the same features as when it is left alone.

    Raises:
        LookbackError: the store cannot be written.
    """
    report = ExtractionReport()
    with open_writer(path, extractor.spec(dtype)) as writer:
        todo, sources = _missing(manifest, writer, report)
        report.kept = len(manifest.videos) - len(todo) - len(report.failed)
        started = time.perf_counter()
        with (
            reading_stage(todo, extractor.stepper, extractor.clip_length) as reading,
            computing_stage(reading, extractor.engine) as computing,
            Progress({video: sources[video]["size"] for video, _ in todo}) as progress,
        ):
            stages = {"decoding": reading, "inference": computing}
            for computed in in_order(computing):
                with progress.writing():
                    _write(computed, sources, writer, report)
                progress.tell(computed.steps, report.steps, stages)
        report.seconds = time.perf_counter() - started
        report.bottleneck = progress.bottleneck
    return report


def _missing(
    manifest: Manifest, writer: FeatureWriter, report: ExtractionReport
) -> tuple[list[tuple[str, Path]], dict[str, dict]]:
    todo, sources = [], {}
    for video in manifest.videos:
        path = manifest.place(video)
        try:
            sources[video] = source_of(path)
        except OSError as error:
            report.failed[video] = f"{path}: {error.strerror}"
            continue
        if not writer.has(video, sources[video]):
            todo.append((video, path))
    return todo, sources


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
    writer.append(video, computed.features[steps.rows], steps.seconds)
    report.steps += len(steps.rows)
    if steps.last:
        writer.finish(video, steps.note)
        report.done += 1
        if steps.note:
            report.notes[video] = steps.note


def print_report(report: ExtractionReport, path: Path) -> None:
    """Tell what an extraction did; raise `LookbackError` where nothing usable came out."""
    for video, note in report.notes.items():
        print(f"note: {video}: {note}; what decodes is used")
    for reason in report.failed.values():
        print(f"rejected: {reason}")
    if not report.done + report.kept:
        raise LookbackError(f"{path}: no video gave features; the reasons stand above")
    rate = ""
    if report.steps:
        rate = f" at {report.steps / report.seconds:.0f} steps/s, held up by {report.bottleneck}"
    print(
        f"{report.done} videos extracted ({report.steps} steps{rate}), {report.kept} were there "
        f"already, {len(report.failed)} rejected\n{path}"
    )
