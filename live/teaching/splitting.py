"""Train and val for few clips, which `prepare` refuses: it needs three groups of each class.

The manifest of a learning exists in memory only. Splits that the file gives stay, and test clips
are never used. Where a class has too few groups, the others are divided by clips instead of groups,
and a warning says what the score then is worth.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, replace

from clips.completing import grouped
from clips.manifest import UNLABELED, Entry, Manifest
from clips.manifest.duplicates import equal_videos, refuse_contradictions
from clips.manifest.entries import is_multi_label
from clips.manifest.segments import segments_of
from clips.preparation import manifest_path
from clips.splitting.assignment import split_entries
from live.teaching.clip_rows import ClipRows, is_recorded
from recipes.commands import command
from recipes.loader import Settings
from video.errors import LookbackError

MIN_CLIPS = 2  # of a class: one that trains and one that validates
_FEW_CLIPS = 5
_GROUPS_FOR_SPLIT = 3
_GROUPS_FOR_FOLDS = 2
_VALIDATION_CLIPS = 5  # of each class, in the manifest's own val split, for a score without folds
_BETWEEN, _SHARES = ("train", "val"), (0.8, 0.2)


@dataclass(frozen=True)
class LearningClips:
    """The clips of one learning.

    Attributes:
        manifest: Rows with a split of train or val; those of test are left out.
        folds: What the folds of the score keep together: `group`, `clip`, or empty for no folds,
            because the manifest has a validation split of its own.
        warnings: What the user should know about the score, a sentence each.
    """

    manifest: Manifest
    folds: str
    warnings: tuple[str, ...]


def learning_clips(settings: Settings) -> LearningClips:
    """Return the clips to learn from.

    Raises:
        LookbackError: There are fewer than two classes of two clips.
    """
    path = manifest_path(settings)
    rows = ClipRows(settings)
    listed = [entry for entry in rows.entries() if rows.place(entry.video).is_file()]
    if is_multi_label(listed):
        raise LookbackError(
            f"{path}: has clips with several labels, which cannot be taught here; train with "
            f"{command('train')}"
        )
    if not listed:
        raise LookbackError("there are no clips yet; record some of two classes or more")
    equal = equal_videos(path.parent, dict.fromkeys(entry.video for entry in listed))
    entries = [entry for entry in grouped(listed, settings, equal) if entry.split != "test"]
    warnings = []
    # The tested part of a video that is split in time is not background of the rest.
    tested = tuple(
        replace(each, label=UNLABELED) for each in listed if each.split == "test" and each.is_part
    )
    manifest = Manifest(path, tuple(entries), (*rows.unlabeled(), *tested))
    while small := _small_classes(manifest):  # a part of a clip leaves with its video
        for label, count in small.items():
            warnings.append(
                f"{label} has {count} clip{'s' * (count != 1)} and is left out: record "
                f"{MIN_CLIPS} or more."
            )
        manifest = _without_classes(manifest, set(small))
    if len(manifest.labels) < 2:
        raise LookbackError(
            " ".join([*warnings, "A model needs two classes of two clips or more; record them."])
        )
    refuse_contradictions(list(manifest.entries), equal, str(path.parent))
    groups, clips = _groups(manifest), _clip_counts(manifest)
    folds = _folds(manifest, groups)
    warnings += _group_warnings(groups) if folds else []
    few = [f"{label} ({clips[label]})" for label in clips if clips[label] < _FEW_CLIPS]
    if few:
        warnings.append(f"Few clips of {', '.join(few)}: record {_FEW_CLIPS} or more.")
    return LearningClips(_with_splits(manifest, groups, settings.recipe.seed), folds, (*warnings,))


def _clip_counts(manifest: Manifest) -> Counter[str]:
    pairs = {(segment.label, segment.video) for segment in segments_of(manifest)}
    return Counter(label for label, _ in sorted(pairs))


def _groups(manifest: Manifest) -> dict[str, set[str]]:
    groups = defaultdict(set)
    for segment in segments_of(manifest):
        groups[segment.label].add(segment.group)
    return dict(groups)


def _small_classes(manifest: Manifest) -> dict[str, int]:
    counts = _clip_counts(manifest)
    listed = {entry.label for entry in manifest.entries}
    # Background between segments cannot be left out alone; it never has a row of its own then.
    return {label: n for label, n in counts.items() if n < MIN_CLIPS and label in listed}


def _without_classes(manifest: Manifest, labels: set[str]) -> Manifest:
    return manifest.with_entries([each for each in manifest.entries if each.label not in labels])


def _folds(manifest: Manifest, groups: dict[str, set[str]]) -> str:
    given = Counter(segment.label for segment in segments_of(manifest) if segment.split == "val")
    if all(given[label] >= _VALIDATION_CLIPS for label in groups):
        return ""
    fewest = min(len(names) for names in groups.values())
    return "group" if fewest >= _GROUPS_FOR_FOLDS else "clip"


def _group_warnings(groups: dict[str, set[str]]) -> list[str]:
    single = sorted(label for label, names in groups.items() if len(names) == 1)
    if single:
        return [
            f"All clips of {' and of '.join(single)} are from one session: the score says nothing "
            "about another day, person or camera. Record a second session."
        ]
    fewest = min(len(names) for names in groups.values())
    if fewest < _GROUPS_FOR_SPLIT:
        return [f"Only {fewest} sessions of a class: the score is rough. Record more."]
    return []


def _with_splits(manifest: Manifest, groups: dict[str, set[str]], seed: int) -> Manifest:
    """Return the manifest with a split in every row; every class has train and val clips."""
    parts = _freed(_parts(manifest))
    split = None
    if all(len(names) >= _GROUPS_FOR_SPLIT for names in groups.values()):
        split = split_entries(parts, _SHARES, seed, _BETWEEN)
    if split is None or not _reaches_both(split):
        alone = [replace(each, group=each.video) for each in parts]
        split = split_entries(alone, _SHARES, seed, _BETWEEN)
    split_of = {each.video: each.split for each in split}
    return manifest.with_entries(
        [replace(each, split=split_of[each.video]) for each in manifest.entries]
    )


def _parts(manifest: Manifest) -> list[Entry]:
    """Return a row for every labeled part of a video, with its background as one more."""
    extra = {entry.video: entry.extra for entry in manifest.entries}
    rows = {
        (each.video, each.label): Entry(
            each.video, each.label, each.split, each.group, extra=extra[each.video]
        )
        for each in segments_of(manifest)
    }
    return list(rows.values())


def _freed(parts: list[Entry]) -> list[Entry]:
    """Return the rows with the classes of corrections alone free of their split.

    Corrections train only. A class that has nothing else would not be validated at all.
    """
    validated = {each.label for each in parts if each.split != "train"}
    free = {each.video for each in parts if each.label not in validated and is_recorded(each)}
    return [replace(each, split="") if each.video in free else each for each in parts]


def _reaches_both(parts: list[Entry]) -> bool:
    """Return whether every class has clips in train and in val."""
    labels = {each.label for each in parts}
    return all({each.label for each in parts if each.split == name} == labels for name in _BETWEEN)
