"""All videos of a manifest through the backbone into the feature store, once."""

import time
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from clips.manifest import Manifest
from extract.extractor import Extractor
from extract.feature_store import source_of
from extract.feature_writer import FeatureWriter, open_writer
from extract.reading import read_ahead
from recipes.loader import Settings
from video.errors import LookbackError


@dataclass
class ExtractionReport:
    """What an extraction did: videos done now, done before, failed with reasons, and notes."""

    done: int = 0
    kept: int = 0
    steps: int = 0
    seconds: float = 0.0
    failed: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)


def features_path(settings: Settings) -> Path:
    data = settings.recipe.data
    return Path(data.features) if data.features else Path(data.folder) / "features.h5"


def extract_features(
    manifest: Manifest, extractor: Extractor, path: Path, batch_size: int, dtype: str
) -> ExtractionReport:
    """Compute the features that the store at `path` does not hold yet.

    A video that cannot be read is reported, not fatal. Killed at any moment and run again, this
    ends with the same features as when it is left alone.

    Raises:
        LookbackError: the store cannot be written.
    """
    report = ExtractionReport()
    with open_writer(path, extractor.spec(dtype)) as writer:
        todo, sources = _missing(manifest, writer, report)
        report.kept = len(manifest.videos) - len(todo) - len(report.failed)
        started = time.perf_counter()
        batches = read_ahead(todo, extractor.stepper, batch_size)
        try:
            with tqdm(total=len(todo), desc="extract", unit="video", disable=None) as bar:
                _consume(batches, sources, extractor, writer, report, bar)
        finally:
            batches.close()
        report.seconds = time.perf_counter() - started
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


def _consume(
    batches, sources: dict, extractor: Extractor, writer: FeatureWriter, report, bar
) -> None:
    begun: set[str] = set()
    started = time.perf_counter()
    for batch in batches:
        video = batch.video
        if batch.error:
            report.failed[video] = batch.error
            writer.discard(video)
            bar.update()
            continue
        if video not in begun:
            begun.add(video)
            writer.begin(video, sources[video])
        features = extractor(batch.clips)[batch.rows]
        writer.append(video, features, batch.seconds)
        report.steps += len(features)
        if batch.last:
            writer.finish(video, batch.note)
            begun.discard(video)
            report.done += 1
            if batch.note:
                report.notes[video] = batch.note
            bar.update()
        rate = report.steps / (time.perf_counter() - started)
        bar.set_postfix_str(f"{rate:.0f} steps/s")


def print_report(report: ExtractionReport, path: Path) -> None:
    """Tell what an extraction did; raise `LookbackError` where nothing usable came out."""
    for video, note in report.notes.items():
        print(f"note: {video}: {note}; what decodes is used")
    for reason in report.failed.values():
        print(f"rejected: {reason}")
    if not report.done + report.kept:
        raise LookbackError(f"{path}: no video gave features; the reasons stand above")
    rate = f" at {report.steps / report.seconds:.0f} steps/s" if report.steps else ""
    print(
        f"{report.done} videos extracted ({report.steps} steps{rate}), {report.kept} were there "
        f"already, {len(report.failed)} rejected\n{path}"
    )
