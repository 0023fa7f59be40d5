"""Augmented copies on disk: `prepare.py --augment N` fills up small classes."""

import math
from collections import defaultdict
from dataclasses import replace
from hashlib import sha256
from pathlib import Path, PurePosixPath

import numpy as np

from clips import manifest as manifests
from clips.loading.augmentation import draw
from clips.manifest import PARENT, SPLITS, Entry, Manifest
from clips.manifest.presence import missing_videos
from clips.manifest.replacing import writable
from metrics.label_sets import SEPARATOR
from recipes.loader import Settings
from recipes.schema import Augment
from video.atomic_write import atomic_write
from video.console import logger, progress_bar
from video.errors import UsageError, VideoError
from video.sources import open_video
from video.writer import Mp4Writer

_LOG = logger(__name__)

# Next to clips/, where the next preparation would take copies for clips of their own.
FOLDER = "augmented"
# Keys that act only where a network trains: its crop, its clips in memory, its batches.
_OFF = {
    "random_crop": False,
    "short_side": None,
    "time_reversal": 0.0,
    "mixup": 0.0,
    "cutmix": 0.0,
}


def parse_splits(text: str) -> tuple[str, ...]:
    """Return the splits in a text such as `train,val`.

    Raises:
        UsageError: A name is no split.
    """
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    for name in names:
        if name not in SPLITS:
            raise UsageError(f"--augment-splits {text}: {name!r} is not one of {', '.join(SPLITS)}")
    return names


def write_copies(
    manifest: Manifest, settings: Settings, count: int, splits: tuple[str, ...] = ("train",)
) -> list[Entry]:
    """Write augmented copies until every class has `count` clips in each split; list them.

    The clips of a class take turns as parents. A copy is H.264 of the parent's size, and shows its
    labeled part. All of its frames share one draw of `finetune.augment`. The draw depends on the
    seed, the parent and the number of the copy, so the same command writes the same copies.

    Args:
        manifest: The usable rows of the manifest that `clips.preparation.prepare` has written.
        settings: The recipe, with the seed and the amounts.
        count: Number of clips per class.
        splits: Splits to fill up.

    Returns:
        The new rows, which are in the file of the manifest as well.

    Raises:
        UsageError: The amounts change nothing.
        VideoError: A copy cannot be written.
    """
    amounts = copied_amounts(settings.recipe.finetune.augment)
    wanted = _wanted(manifest, count, splits, settings.recipe.seed)
    made: list[Entry] = []
    with writable(manifest.path):
        try:
            for parent, copy in progress_bar(wanted, "augment", unit="copy"):
                random = _generator(settings.recipe.seed, copy.video)
                _write_copy(manifest, parent, manifest.place(copy.video), amounts, random)
                made.append(copy)
        finally:  # also after Ctrl-C
            if made:
                # The file also has rows that cannot be used now, as of a disk not mounted.
                listed = manifests.read(manifest.path)
                manifests.write(listed.with_entries([*listed.entries, *made]))
    names = f", in {manifest.path.parent / FOLDER}" if made else ""
    _LOG.info(f"{len(made)} augmented copies for {' and '.join(splits)}{names}")
    return made


def copied_amounts(amounts: Augment) -> Augment:
    """Return the amounts that apply to files.

    Raises:
        UsageError: They change nothing.
    """
    copied = amounts.model_copy(update=_OFF)
    if not any(copied.model_dump().values()):
        raise UsageError(
            "--augment: all keys of finetune.augment that change a file are 0, so copies would "
            "equal their clips; set one, such as --set finetune.augment.flip=true"
        )
    return copied


def _wanted(
    manifest: Manifest, count: int, splits: tuple[str, ...], seed: int
) -> list[tuple[Entry, Entry]]:
    """Return (parent, row of the copy) of every missing copy."""
    clips: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    present: dict[tuple[str, str], int] = defaultdict(int)
    unreachable = set(missing_videos(manifest))
    for entry in manifest.entries:
        for label in entry.labels:
            present[entry.split, label] += 1
            if not entry.parent and entry.video not in unreachable:
                clips[entry.split, label].append(entry)
    taken = {entry.video for entry in manifest.entries}
    wanted = []
    for (split, label), parents in sorted(clips.items()):
        if split not in splits:
            continue
        order = np.random.default_rng([seed, len(parents)]).permutation(len(parents))
        lacking, turn = count - present[split, label], 0
        while lacking > 0:
            parent = parents[order[turn % len(parents)]]
            name = _copy_name(parent, turn // len(parents) + 1)
            turn += 1
            if name in taken:
                continue
            copy = replace(parent, video=name, start=None, end=None, extra=_extra_of_copy(parent))
            wanted.append((parent, copy))
            for each in copy.labels:  # a copy with several labels counts for each of them
                present[split, each] += 1
            lacking -= 1
    return wanted


def _extra_of_copy(parent: Entry) -> tuple[tuple[str, str], ...]:
    others = tuple((name, value) for name, value in parent.extra if name != PARENT)
    return (*others, (PARENT, parent.video))


def _copy_name(parent: Entry, number: int) -> str:
    """Return the path of a copy; two parents, or two parts of one, never share it."""
    path = PurePosixPath(parent.video)
    key = sha256(f"{parent.video}|{parent.start}|{parent.end}".encode()).hexdigest()[:8]
    folder = path.parent.relative_to("clips") if path.parts[0] == "clips" else path.parent
    if folder.is_absolute() or ".." in folder.parts:
        folder = PurePosixPath(parent.label.replace(SEPARATOR, "+"))
    return (PurePosixPath(FOLDER) / folder / f"{path.stem}-{key}-{number}.mp4").as_posix()


def _generator(seed: int, name: str) -> np.random.Generator:
    digest = sha256(name.encode()).digest()
    return np.random.default_rng([seed, *np.frombuffer(digest[:16], np.uint32).tolist()])


def _write_copy(
    manifest: Manifest, parent: Entry, path: Path, amounts: Augment, random: np.random.Generator
) -> None:
    """Write one copy; a file that is not complete never stands under its name."""
    speed = 1 + random.uniform(-amounts.speed, amounts.speed)
    start, end = parent.start or 0.0, math.inf if parent.end is None else parent.end
    shown = 0
    with open_video(manifest.place(parent.video)) as source, atomic_write(path) as temporary:
        drawn = draw(*source.size, amounts, random)
        with Mp4Writer(temporary, source.size, source.rate, source.pixel_aspect) as writer:
            for frame in source:
                if frame.seconds >= end:
                    break
                if frame.seconds < start or (shown and random.random() < amounts.frame_drop):
                    continue
                # Some files change the size of their frames.
                picture = drawn.frames(frame.resized(*source.size)[None])[0]
                writer.write(picture, (frame.seconds - start) / speed)
                shown += 1
        if not shown:
            raise VideoError(f"{parent.video}: has no frame from {start:g} to {end:g} s")
