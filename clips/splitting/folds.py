"""Folds: a part of the groups is the test split, each part in turn.

The manifest's column `fold` holds the fold of each row, and `--fold NAME` makes it the test split
of a run. Validation groups are taken from the rest.
"""

import math
import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace

from clips.manifest import Entry
from clips.splitting.assignment import split_entries, split_off_validation
from recipes.commands import command
from video.errors import UsageError, hint

COLUMN = "fold"
LEAVE_ONE_GROUP_OUT = "leave-one-group-out"

_FOLDS = re.compile(r"folds:(?P<count>\d+)(?:/(?P<test>\d+))?")
_LISTED = 10


@dataclass(frozen=True)
class Folds:
    """A division into folds, as `--split` asks for it.

    Attributes:
        count: Number of folds; None for a fold per group.
        test: Name of the fold that is the test split; "" for the first one.
    """

    count: int | None
    test: str = ""


def parse_folds(text: str) -> Folds | None:
    """Return the folds that a value of `--split` asks for; None if it asks for none.

    Raises:
        UsageError: The value begins like folds, but is none.

    >>> parse_folds("folds:5/2"), parse_folds("leave-one-group-out/anna")
    (Folds(count=5, test='2'), Folds(count=None, test='anna'))
    >>> parse_folds("0.7/0.15/0.15") is None
    True
    """
    name, _, test = text.strip().partition("/")
    if name == LEAVE_ONE_GROUP_OUT:
        return Folds(None, test)
    if not name.startswith("fold"):
        return None
    match = _FOLDS.fullmatch(text.strip())
    if not match or int(match["count"]) < 2:
        raise UsageError(
            f"--split {text}: write the number of folds, 2 or more, and the one to test on, such "
            "as folds:5/1"
        )
    if match["test"] and not 1 <= int(match["test"]) <= int(match["count"]):
        raise UsageError(f"--split {text}: the folds are numbered from 1 to {match['count']}")
    return Folds(int(match["count"]), str(int(match["test"] or 1)))


def with_folds(entries: list[Entry], folds: Folds, seed: int) -> list[Entry]:
    """Return the rows with new folds in the column `fold`: stratified by class, groups kept whole.

    Args:
        entries: The rows; each has a group.
        folds: The number of folds.
        seed: Seed of the random order of groups. The fold that is tested changes nothing.

    Raises:
        UsageError: There are fewer groups than folds.
    """
    groups = {entry.group for entry in entries}
    if folds.count is None:
        return [_in_fold(entry, entry.group) for entry in entries]
    if len(groups) < folds.count:
        raise UsageError(
            f"--split folds:{folds.count}: there are {len(groups)} groups, too few for "
            f"{folds.count} folds; ask for at most {len(groups)}"
        )
    names = tuple(str(number) for number in range(1, folds.count + 1))
    blank = [replace(entry, split="") for entry in entries]
    shares = (1 / folds.count,) * folds.count
    assigned = split_entries(blank, shares, seed, names)
    return [_in_fold(one, other.split) for one, other in zip(entries, assigned, strict=True)]


def without_folds(entries: list[Entry]) -> list[Entry]:
    """Return the rows without the column `fold`."""
    return [
        replace(entry, extra=tuple(each for each in entry.extra if each[0] != COLUMN))
        for entry in entries
    ]


def fold_of(entry: Entry) -> str:
    """Return the fold of a row, "" without one."""
    return dict(entry.extra).get(COLUMN, "")


def filled_folds(entries: list[Entry]) -> list[Entry]:
    """Return the rows with a fold in each, if any has one: that of the group, or the smallest.

    A row of a new group becomes a fold of its own if the folds are the groups.
    """
    of_group = {entry.group: fold_of(entry) for entry in entries if fold_of(entry)}
    if not of_group:
        return entries
    counts = Counter(fold_of(entry) for entry in entries if fold_of(entry))
    by_group = all(group == fold for group, fold in of_group.items())
    filled = []
    for entry in entries:
        if entry.group not in of_group:
            smallest = min(counts, key=lambda fold: (counts[fold], fold))
            of_group[entry.group] = entry.group if by_group else smallest
        fold = of_group[entry.group]
        counts[fold] += not fold_of(entry)
        filled.append(_in_fold(entry, fold))
    return filled


def test_on(
    entries: list[Entry], fold: str, shares: tuple[float, float, float], seed: int, source: str
) -> list[Entry]:
    """Return the rows with a fold as the test split, and the others in train and val.

    Args:
        entries: The rows, with the column `fold`.
        fold: Name of the fold; "" for the first one.
        shares: The shares of train, val and test; the ratio of the first two is used.
        seed: Seed of the random order of groups.
        source: The manifest's name, for messages.

    Raises:
        UsageError: There is no column `fold`, or no such fold in it.
    """
    names = _ordered({fold_of(entry) for entry in entries} - {""})
    if not names:
        raise UsageError(
            f"--fold {fold}: {source} has no column fold; {command('prepare')} --split folds:5 "
            "writes it"
        )
    chosen = fold or names[0]
    if chosen not in names:
        few = len(names) <= _LISTED
        raise UsageError(
            f"--fold {chosen}: {source} has no such fold; "
            + (f"its folds are {', '.join(names)}" if few else hint(chosen, names[:_LISTED]))
        )
    rest = frozenset(entry.video for entry in entries if fold_of(entry) != chosen)
    split = [replace(e, split="test" if fold_of(e) == chosen else "") for e in entries]
    return split_off_validation(split, rest, shares, seed)


def _ordered(names: Collection[str]) -> list[str]:
    """Return the names in order, numbers by their value."""
    return sorted(names, key=lambda name: (int(name) if name.isdecimal() else math.inf, name))


def _in_fold(entry: Entry, fold: str) -> Entry:
    (bare,) = without_folds([entry])
    return replace(bare, extra=(*bare.extra, (COLUMN, fold)))
