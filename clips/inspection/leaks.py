"""Leaks: clips in two splits that show the same."""

from collections.abc import Sequence
from dataclasses import dataclass

from clips.inspection.likeness import Likeness, Pair
from clips.manifest import SPLITS, Entry
from recipes.commands import command


@dataclass(frozen=True)
class Leaks:
    """What a split does not keep apart.

    Attributes:
        pairs: Pairs of clips in two splits that show the same view or are copies.
        clips: Number of clips of each split with such a twin in training; val and test.
        totals: Number of clips of each split.
        split_of: Split of each video.
    """

    pairs: tuple[Pair, ...]
    clips: dict[str, int]
    totals: dict[str, int]
    split_of: dict[str, str]

    def notes(self) -> list[str]:
        """Return a line for val and test each, if they share views with training."""
        return [
            f"{self.clips[split]} of {self.totals[split]} {split} clips show the view of a "
            f"training clip{self._example(split)}: the {split} score may be too high. "
            f"{command('prepare')} --group-by propose proposes groups"
            for split in SPLITS[1:]
            if self.clips[split]
        ]

    def _example(self, split: str) -> str:
        twins = [pair for pair in self.pairs if split in self._splits_of(pair)]
        if not twins:
            return ""
        more = f", and {len(twins) - 1} more pairs" if len(twins) > 1 else ""
        return f" (such as {twins[0].one} and {twins[0].other}{more})"

    def _splits_of(self, pair: Pair) -> set[str]:
        return {self.split_of[pair.one], self.split_of[pair.other]}


def leaks_of(likeness: Likeness, entries: Sequence[Entry]) -> Leaks:
    """Return the clips of val and test that show the view of a training clip.

    Args:
        likeness: Pairs of clips that look alike.
        entries: The rows, with their splits.
    """
    split_of = {entry.video: entry.split for entry in entries}
    pairs = tuple(
        pair
        for pair in likeness.pairs
        if pair.is_view
        and pair.one in split_of
        and pair.other in split_of
        and {split_of[pair.one], split_of[pair.other]} & {"train"}
        and split_of[pair.one] != split_of[pair.other]
    )
    twins = {video for pair in pairs for video in (pair.one, pair.other)}
    return Leaks(
        pairs,
        {split: sum(split_of[video] == split for video in twins) for split in SPLITS[1:]},
        {split: sum(each == split for each in split_of.values()) for split in SPLITS},
        split_of,
    )


def joinable(likeness: Likeness, entries: Sequence[Entry]) -> list[list[str]]:
    """Return the copies that can share a group, as pairs of videos.

    Copies whose groups have different given splits stay apart: joining them would contradict the
    user's split. They are leaks.

    Args:
        likeness: Pairs of clips that look alike.
        entries: The rows with their groups; a split is empty if it is still to be chosen.
    """
    splits: dict[str, set[str]] = {}
    group_of = {entry.video: entry.group for entry in entries}
    for entry in entries:
        splits.setdefault(entry.group, set()).update({entry.split} - {""})
    joined = []
    for pair in likeness.copies:
        one, other = (splits[group_of[video]] for video in (pair.one, pair.other))
        if len(one | other) > 1:
            continue
        union = one | other
        for group, known in splits.items():
            if known is one or known is other:
                splits[group] = union
        joined.append([pair.one, pair.other])
    return joined
