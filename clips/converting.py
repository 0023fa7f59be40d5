"""Conversion of a data set to H.264 mp4 files of one short side, into another folder.

The originals stay as they are. Every written file is decoded again and compared with what was
encoded before it gets its name, and `converted.csv` records it, so that an interrupted conversion
goes on where it stopped.
"""

import csv
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from threading import Lock

import numpy as np

from clips import manifest as manifests
from clips.inspection.sketches import Sketch, Sketcher
from clips.manifest import Manifest
from clips.manifest.replacing import keep_previous
from recipes.commands import command
from video.atomic_write import atomic_write
from video.console import logger, progress_bar
from video.cores import usable_cores
from video.errors import LookbackError, UsageError, VideoError
from video.image_folder import image_folder
from video.sources import SOURCES
from video.staging import state_of
from video.writer import Mp4Writer

_LOG = logger(__name__)

RECORD = "converted.csv"
_HEADER = ("video", "source", "bytes", "modified", "short_side", "frames")
# Mean difference, in gray levels of 32x32 pictures, above which a file does not show its source.
# Encoding changes them by less than 1.
_MAX_DIFFERENCE = 8.0
_MAX_SECONDS_OFF = 0.002


@dataclass(frozen=True)
class _Job:
    """A clip to convert.

    Attributes:
        source: Video, relative to the manifest.
        target: Name of the new video, relative to the new folder.
        bytes: Size of the source.
        modified: Time of its last change, in nanoseconds; of a clip on other storage its tag.
        short_side: Short side in pixels; 0 keeps the size.
    """

    source: str
    target: str
    bytes: int
    modified: int | str
    short_side: int

    def row(self, frames: int) -> tuple[str, ...]:
        values = (self.target, self.source, self.bytes, self.modified, self.short_side, frames)
        return tuple(map(str, values))


def convert(manifest: Manifest, folder: Path, short_side: int | None, workers: int = 0) -> Manifest:
    """Write all videos of a manifest as H.264 mp4 to a folder, and a manifest of them.

    Rotation becomes part of the pixels, the times of all frames stay, the sound is left out. A
    smaller video is not enlarged.

    Args:
        manifest: The usable rows, with their splits.
        folder: The new data folder.
        short_side: Short side of the new videos, in pixels; None keeps the sizes.
        workers: Number of videos at once; 0 for the number of cores.

    Returns:
        The manifest of the new folder, without videos that could not be converted.

    Raises:
        UsageError: The new folder is the data folder, or is among its clips, or links to them.
        LookbackError: No video could be converted.
    """
    old = manifest.path.parent
    refuse_in_place(old, folder)
    jobs = _jobs(manifest, short_side or 0)
    done = _recorded(folder)
    todo = [job for job in jobs if not _is_done(folder, job, done)]
    kept = {job.target: done[job.target] for job in jobs if job not in todo}
    if kept:
        _LOG.info(f"{len(kept)} of {len(jobs)} clips are converted already")
    failed: dict[str, str] = {}
    recording = Lock()

    def work(job: _Job) -> int | str:
        result = _convert_one(old, folder, job)
        if isinstance(result, int):
            with recording:  # at once, so that a killed conversion goes on after it
                _append(folder / RECORD, job.row(result))
        return result

    with ThreadPoolExecutor(workers or usable_cores()) as pool:
        try:
            results = progress_bar(pool.map(work, todo), "convert", len(todo), unit="clip")
            for job, result in zip(todo, results, strict=True):
                if isinstance(result, str):
                    failed[job.source] = result
                else:
                    kept[job.target] = job.row(result)
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    for video, reason in failed.items():
        _LOG.warning(f"not converted: {video}: {reason}")
    if not kept:
        raise LookbackError(f"{folder}: no clip could be converted")
    manifests.write_rows(folder / RECORD, list(_HEADER), [kept[name] for name in sorted(kept)])
    return _write_manifest(manifest, folder, {job.source: job.target for job in jobs}, failed)


def refuse_in_place(data: Path, folder: Path) -> None:
    """Refuse a new folder in which originals could be overwritten, or would be found as clips.

    Raises:
        UsageError: It is the data folder, or is among its clips, or links to them.
    """
    old = [path.resolve() for path in (data, data / "clips")]
    new = [path.resolve() for path in (folder, folder / "clips")]
    # clips/ can be a link in either folder.
    if new[0] == old[0] or any(path.is_relative_to(old[1]) for path in new) or old[0] == new[1]:
        raise UsageError(
            f"--convert {folder}: the originals in {data} must not be overwritten; name another "
            "folder"
        )


def _jobs(manifest: Manifest, short_side: int) -> list[_Job]:
    videos = manifest.videos
    stems = Counter(_mp4(video).casefold() for video in videos)
    jobs = []
    for video in videos:
        # a.avi and a.mov beside each other become a.avi.mp4 and a.mov.mp4
        target = _mp4(video) if stems[_mp4(video).casefold()] == 1 else f"{video}.mp4"
        path = manifest.place(video)
        size, modified = state_of(path) if path.exists() else (0, 0)
        jobs.append(_Job(video, target, size, modified, short_side))
    return jobs


def _mp4(video: str) -> str:
    """Return the name of the converted video, below the new folder.

    >>> _mp4("clips/a/1.AVI"), _mp4("../films/2.mov")
    ('clips/a/1.mp4', 'films/2.mp4')
    """
    parts = [part for part in PurePosixPath(video).parts if part not in ("..", "/", "\\")]
    images = image_folder(PurePosixPath(*parts).as_posix())
    if images:
        return f"{images.folder.as_posix()}.mp4"
    return PurePosixPath(*parts).with_suffix(".mp4").as_posix()


def _recorded(folder: Path) -> dict[str, tuple[str, ...]]:
    path = folder / RECORD
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        rows = [tuple(row) for row in csv.reader(file)]
    return {row[0]: row for row in rows if len(row) == len(_HEADER) and row != _HEADER}


def _is_done(folder: Path, job: _Job, done: Mapping[str, tuple[str, ...]]) -> bool:
    row = done.get(job.target, ())
    same = row[:5] == job.row(0)[:5]
    return same and (folder / job.target).is_file()


def _append(path: Path, row: tuple[str, ...]) -> None:
    new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([_HEADER, row] if new else [row])


def _convert_one(old: Path, folder: Path, job: _Job) -> int | str:
    """Convert and verify a video; return its number of frames, or why it failed."""
    path = folder / job.target
    try:
        with atomic_write(path) as temporary:
            times, sketch = _encode(old / job.source, temporary, job.short_side)
            fault = _fault(temporary, times, sketch)
            if fault:
                raise VideoError(f"{path}: {fault}")
    except VideoError as error:
        return str(error).removeprefix(f"{old / job.source}: ").removeprefix(f"{path}: ")
    return len(times)


def _encode(source: Path, target: Path, short_side: int) -> tuple[list[float], Sketch]:
    """Write the video; return the times of its frames and its sketch."""
    sketcher, times = Sketcher(), []
    with SOURCES["video"](source, threads=1) as video:
        size = converted_size(video.size, short_side)
        with Mp4Writer(target, size, min(video.rate, 240.0), video.pixel_aspect) as writer:
            for frame in video:
                writer.write(frame.resized(*size), frame.seconds)
                sketcher(frame)
                times.append(frame.seconds)
    return times, sketcher.sketch()


def converted_size(size: tuple[int, int], short_side: int) -> tuple[int, int]:
    """Return an even width and height with the short side asked for; 0 keeps the size.

    >>> converted_size((1920, 1080), 256), converted_size((200, 101), 256)
    ((456, 256), (200, 102))
    """
    scale = min(1.0, short_side / min(size)) if short_side else 1.0
    width, height = (max(2, 2 * round(side * scale / 2 + 1e-9)) for side in size)
    return width, height


def _fault(path: Path, times: list[float], sketch: Sketch) -> str:
    """Return why a written file does not have the frames that were encoded, or ""."""
    sketcher, found = Sketcher(), []
    with SOURCES["video"](path, threads=1) as video:
        for frame in video:
            sketcher(frame)
            found.append(frame.seconds)
    if len(found) != len(times):
        return f"{len(found)} of {len(times)} frames can be decoded again"
    off = float(np.abs(np.subtract(found, times)).max())
    if off > _MAX_SECONDS_OFF:
        return f"a frame is {off:.3f} s from its time"
    again = sketcher.sketch()
    if again.pictures.shape == sketch.pictures.shape:
        each = np.abs(again.pictures.astype(np.int16) - sketch.pictures).mean((1, 2))
        if each.max() > _MAX_DIFFERENCE:
            return f"a picture differs by {each.max():.0f} gray levels from its source"
    return ""


def _write_manifest(
    manifest: Manifest, folder: Path, names: Mapping[str, str], failed: Mapping[str, str]
) -> Manifest:
    path = folder / "manifest.csv"
    entries, unlabeled = (
        tuple(
            replace(entry, video=names[entry.video])
            for entry in rows
            if entry.video in names and entry.video not in failed
        )
        for rows in (manifest.entries, manifest.unlabeled)
    )
    new = Manifest(path, entries, unlabeled)
    before = path.read_bytes() if path.is_file() else None
    keep_previous(path, before, manifests.content_of(new))
    manifests.write(new)
    _LOG.info(
        f"{len(new.videos)} clips in {folder}, with their labels, groups and splits; "
        f"{command('extract')} --data {folder} uses them"
    )
    return new
