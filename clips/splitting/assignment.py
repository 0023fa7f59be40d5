"""Assignment of groups to splits: a group stays in one split, every class is in all splits."""

import math
import random
from collections import Counter, defaultdict
from dataclasses import replace

from clips.manifest import BACKGROUND, SPLITS, Entry
from clips.manifest.entries import is_multi_label, one_label_each
from clips.manifest.time_blocks import time_blocks
from recipes.commands import command
from video.errors import LookbackError, UsageError

_TRIES = 50
# Of several tries together. With many groups, a single try is as even as they allow.
_MAX_ASSIGNED = 100_000
_LISTED = 10  # of classes in a message


def parse_shares(text: str) -> tuple[float, float, float]:
    """Return the shares of train, val and test in a text such as `0.7/0.15/0.15`.

    >>> parse_shares("8/1/1")
    (0.8, 0.1, 0.1)
    """
    try:
        shares = [float(part) for part in text.split("/")]
    except ValueError:
        shares = []
    if len(shares) != 3 or not all(0 < share < math.inf for share in shares):
        raise UsageError(f"--split {text}: write three shares above 0, such as 0.7/0.15/0.15")
    total = sum(shares)
    train, val, test = (share / total for share in shares)
    return train, val, test


def split_entries(
    entries: list[Entry],
    shares: tuple[float, ...],
    seed: int,
    between: tuple[str, ...] = SPLITS,
) -> list[Entry]:
    """Assign a split to every entry without one: stratified by class, groups kept whole.

    A row with several labels counts for each of them (as in Sechidis et al. 2011): sets of labels
    can be too many to be even.
    Entries that have a split keep it, and the rest of their group gets the same split.

    Args:
        entries: The rows of a manifest.
        shares: The share of each split in `between`.
        seed: Seed of the random order of groups.
        between: The splits to choose from.
    """
    split_of: dict[str, str] = {entry.group: entry.split for entry in entries if entry.split}
    groups: dict[str, Counter] = defaultdict(Counter)
    for entry in entries:
        groups[entry.group].update(entry.labels)
    wanted = {
        split: {
            label: share * sum(counts[label] for counts in groups.values())
            for label in {label for entry in entries for label in entry.labels}
        }
        for split, share in zip(between, shares, strict=True)
    }
    free = sorted(group for group in groups if group not in split_of)
    best, best_cost = split_of, float("inf")
    for attempt in range(max(1, min(_TRIES, _MAX_ASSIGNED // max(1, len(free))))):
        order = free.copy()
        random.Random(f"{seed}-{attempt}").shuffle(order)
        # Large groups first, so that the small ones can even out the differences.
        order.sort(key=lambda group: -sum(groups[group].values()))
        assigned, cost = _assign(order, groups, wanted, split_of)
        if cost < best_cost:
            best, best_cost = assigned, cost
    return [replace(entry, split=entry.split or best[entry.group]) for entry in entries]


def _assign(
    order: list[str], groups: dict[str, Counter], wanted: dict, fixed: dict[str, str]
) -> tuple[dict[str, str], float]:
    between = tuple(wanted)
    have: dict[str, Counter[str]] = {split: Counter() for split in between}
    for group, split in fixed.items():
        have[split].update(groups[group])
    split_of = dict(fixed)
    left = Counter(label for group in order for label in groups[group])
    for group in order:
        # If a class has only as many groups left as there are splits without it, each of these
        # groups must go to such a split.
        scarce = [
            label
            for label in groups[group]
            if left[label] <= sum(not have[each][label] for each in between)
        ]
        split = min(
            between,
            key=lambda each: (
                sum(have[each][label] > 0 for label in scarce),
                _added_cost(have[each], wanted[each], groups[group]),
            ),
        )
        split_of[group] = split
        have[split].update(groups[group])
        left.subtract(groups[group].keys())
    cost = sum(
        (have[split][label] - target) ** 2 / target + 1000 * (have[split][label] == 0)
        for split in between
        for label, target in wanted[split].items()
    )
    return split_of, cost


def _added_cost(have: Counter, wanted: dict[str, float], group: Counter) -> float:
    return sum(
        ((have[label] + count - wanted[label]) ** 2 - (have[label] - wanted[label]) ** 2)
        / wanted[label]
        for label, count in group.items()
    )


def check_split(entries: list[Entry], source: str) -> None:
    """Refuse a split that leaks or that has a split without some class.

    A video may be split in time, see `clips.manifest.time_blocks`.

    Raises:
        LookbackError: There is only one class, a group is in two splits, or a class is missing
            from a split; the message lists them.
    """
    several = is_multi_label(entries)
    entries = one_label_each(entries)
    labels = sorted({entry.label for entry in entries})
    if several:  # then background means that no class holds, which some split may lack
        labels = [label for label in labels if label != BACKGROUND]
    if len(labels) < 2 and not any(entry.is_part for entry in entries):
        raise LookbackError(
            f"{source}: all clips are of one class, {labels[0]}; a classifier needs two or more"
        )
    splits = defaultdict(set)
    videos = defaultdict(set)
    for entry in entries:
        videos[entry.group].add(entry.parent or entry.video)
    in_time = time_blocks(entries)
    for entry in entries:
        if (entry.parent or entry.video) in in_time and len(videos[entry.group]) == 1:
            continue
        splits[entry.group].add(entry.split)
        splits[entry.video].add(entry.split)
    leaking = sorted(group for group, found in splits.items() if len(found) > 1)
    if leaking:
        shown = "; ".join(f"{g} in {' and '.join(sorted(splits[g]))}" for g in leaking[:10])
        more = f"; and {len(leaking) - 10} more" if len(leaking) > 10 else ""
        raise LookbackError(
            f"{source}: {len(leaking)} groups or videos are in two splits: {shown}{more}; "
            f"{command('prepare')} --split 0.7/0.15/0.15 makes a new split"
        )
    _refuse_missing_classes(entries, labels, source)


def _refuse_missing_classes(entries: list[Entry], labels: list[str], source: str) -> None:
    there = {(entry.split, entry.label) for entry in entries}
    missing = [
        (label, split) for split in SPLITS for label in labels if (split, label) not in there
    ]
    if not missing:
        return
    groups: dict[str, set[str]] = {label: set() for label, _ in missing}
    for entry in entries:
        if entry.label in groups:
            groups[entry.label].add(entry.group)
    shown = _listed([f"{label} in {split}" for label, split in missing])
    counts = _listed(
        [
            f"{label} has {len(names)} group{'s' * (len(names) != 1)}"
            for label, names in groups.items()
        ]
    )
    again = ""
    if all(len(names) >= len(SPLITS) for names in groups.values()):
        again = f"; {command('prepare')} --split 0.7/0.15/0.15 makes a new split"
    elif any(entry.is_part for entry in entries):
        again = (
            "; label spans of more recordings, or three or more of each class in one recording, "
            "well apart: it is then split in time (docs/long_videos.md)"
        )
    raise LookbackError(
        f"{source}: every class must be in train, val and test; missing: {shown} ({counts}; a "
        f"class needs clips from at least three groups){again}"
    )


def _listed(texts: list[str]) -> str:
    more = f", and {len(texts) - _LISTED} more" if len(texts) > _LISTED else ""
    return ", ".join(texts[:_LISTED]) + more


def split_off_validation(
    entries: list[Entry], training: frozenset[str], shares: tuple[float, float, float], seed: int
) -> list[Entry]:
    """Split the training clips into train and val, by groups.

    Args:
        entries: The rows of a manifest.
        training: The videos to split.
        shares: The shares of train, val and test; the first two are used.
        seed: Seed of the random order of groups.
    """
    places = [
        place
        for place, entry in enumerate(entries)
        if entry.video in training and entry.split in ("", "train", "val")
    ]
    some = [entries[place] for place in places]
    done = list(entries)
    both = (shares[0] / sum(shares[:2]), shares[1] / sum(shares[:2]))
    for place, entry in zip(places, split_entries(some, both, seed, SPLITS[:2]), strict=True):
        done[place] = entry
    return done
