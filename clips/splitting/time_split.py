"""Split in time of recordings: for labeled spans of too few recordings for three splits."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from clips.manifest import SPLITS, UNLABELED, Entry
from clips.manifest.time_blocks import GAP_SECONDS, time_blocks
from clips.splitting.assignment import split_entries

# Of places between two splits, per video. More make the choice slower, not better.
_MAX_PLACES = 200
# A class that is missing from a split costs more than any uneven sizes.
_MISSING_COST = 1000.0
_LISTED = 3


def split_spans(entries: list[Entry], shares: tuple[float, float, float], seed: int) -> list[Entry]:
    """Assign a split to every entry without one, in time where whole recordings are too few.

    They are too few if a class has spans in one or two recordings only. Each of these recordings
    with at least three spans of such a class becomes three blocks: train, then val, then test.
    Spans that are too close to the block before get the label `-`. Everything else is split as
    `split_entries` does, and so are groups of several videos.

    Args:
        entries: The rows of a manifest, each with a group.
        shares: The shares of train, val and test.
        seed: Seed of the random order of groups.
    """
    by_group: dict[str, list[Entry]] = defaultdict(list)
    groups: dict[str, set[str]] = defaultdict(set)
    for entry in entries:
        by_group[entry.group].append(entry)
        for label in entry.labels:
            groups[label].add(entry.group)
    scarce = {label for label, names in groups.items() if len(names) < len(SPLITS)}
    in_time: dict[Entry, str] = {}
    for rows in by_group.values():
        counts = Counter(label for entry in rows for label in entry.labels)
        if any(counts[label] >= len(SPLITS) for label in scarce) and _is_free(rows):
            in_time.update(_split_of(rows, shares))
    others = iter(split_entries([each for each in entries if each not in in_time], shares, seed))
    return [_placed(each, in_time[each]) if each in in_time else next(others) for each in entries]


def _placed(entry: Entry, split: str) -> Entry:
    return replace(entry, label=UNLABELED) if split == UNLABELED else replace(entry, split=split)


def time_split_note(entries: Iterable[Entry]) -> str:
    """Return what scores on recordings that are split in time mean; empty without such ones."""
    videos = sorted(time_blocks(entries))
    if not videos:
        return ""
    shown = ", ".join(videos[:_LISTED])
    more = f" and {len(videos) - _LISTED} more" if len(videos) > _LISTED else ""
    return (
        f"{shown}{more}: train, val and test are parts of the same recording, one after another, "
        f"at least {GAP_SECONDS:g} s apart. The scores hold for later parts of this recording and "
        "say nothing about other recordings; for that, label spans of three or more recordings a "
        "class"
    )


def _is_free(rows: list[Entry]) -> bool:
    """Return whether a group is one recording with spans only, and its split can be chosen."""
    return len({entry.video for entry in rows}) == 1 and all(
        entry.is_part and not entry.split for entry in rows
    )


def _split_of(rows: list[Entry], shares: tuple[float, float, float]) -> dict[Entry, str]:
    """Return the split of each row of one recording, `-` for a row between two blocks.

    Returns nothing if the rows do not reach three blocks.
    """
    rows = sorted(rows, key=lambda row: row.span)
    starts = np.array([row.span[0] for row in rows])
    ends = np.maximum.accumulate([row.span[1] for row in rows])
    labels = sorted({label for row in rows for label in row.labels})
    is_label = np.array([[label in row.labels for label in labels] for row in rows])
    before = np.vstack([np.zeros(len(labels)), is_label.cumsum(0)])  # of each class, before a row
    # The first row that may follow a block that ends with the row before.
    following = np.searchsorted(starts, ends + GAP_SECONDS)
    places = np.arange(1, len(rows))
    if len(places) > _MAX_PLACES:
        places = np.unique(np.linspace(1, len(rows) - 1, _MAX_PLACES).astype(int))
    best, best_cost = None, np.inf
    for first in places:
        val = following[first - 1]
        for second in places[places > val]:
            test = following[second - 1]
            if test == len(rows):
                break
            counts = np.array(
                [before[first], before[second] - before[val], before[-1] - before[test]]
            )
            cost = _cost(counts, before[-1], shares)
            if cost < best_cost:
                best, best_cost = (first, val, second, test), cost
    if best is None:
        return {}
    first, val, second, test = best
    ranges = {"train": range(first), "val": range(val, second), "test": range(test, len(rows))}
    split_of = dict.fromkeys(rows, UNLABELED)
    for split, numbers in ranges.items():
        split_of.update({rows[number]: split for number in numbers})
    return split_of


def _cost(counts: np.ndarray, total: np.ndarray, shares: tuple[float, ...]) -> float:
    """Return how far the rows of each split and class (3, K) are from their share of all (K,)."""
    wanted = np.outer(shares, total)
    return float((((counts - wanted) ** 2) / wanted).sum() + _MISSING_COST * (counts == 0).sum())
