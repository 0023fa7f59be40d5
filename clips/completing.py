"""Completion of a manifest: new clips, and the groups and splits of rows without them."""

from collections.abc import Sequence
from dataclasses import replace

from clips.copies import with_copies
from clips.finding.clip_files import Found
from clips.manifest import Entry, Manifest
from clips.manifest.duplicates import join_groups
from clips.splitting.assignment import parse_shares, split_off_validation
from clips.splitting.folds import Folds, filled_folds, parse_folds, test_on, with_folds
from clips.splitting.given_splits import kept_splits
from clips.splitting.grouping import group_entries
from clips.splitting.time_split import split_spans
from recipes.loader import Settings, default_value
from video.console import logger

_LOG = logger(__name__)


def add_new_clips(listed: list[Entry], found: Found, settings: Settings) -> list[Entry]:
    """Return the listed rows and rows for new clips, with the splits that folders give."""
    given = {} if "data.split" in settings.given else found.given.splits
    if {"data.split", "data.group_by", "seed"} & settings.given:
        # The split of a copy tells for which split it was made; see `clips.copies`.
        listed = [each if each.parent else replace(each, split="") for each in listed]
    listed = [replace(each, split=each.split or given.get(each.video, "")) for each in listed]
    known = {entry.video for entry in listed}
    new = [(video, label) for video, label in found.clips if video not in known]
    if new and found.given.note and "data.split" not in settings.given:
        _LOG.warning(f"note: {found.given.note}")
    return listed + [Entry(video, label, given.get(video, "")) for video, label in new]


def complete(
    manifest: Manifest,
    settings: Settings,
    equal: Sequence[list[str]] = (),
    train_or_val: frozenset[str] = frozenset(),
    official: bool = False,
) -> Manifest:
    """Return the manifest with a group and a split in every row.

    An augmented copy has those of its parent. It is left out if the parent is not in the manifest,
    or has moved to another split than the copy was made for. Labeled spans of too few recordings
    are split in time.

    Args:
        manifest: The manifest; a group or split may be empty.
        settings: The recipe, with the seed, the shares of the splits and the grouping.
        equal: Videos with the same content, as `equal_videos` returns them; they share a group.
        train_or_val: Videos that are split between train and val only.
        official: Whether the given split stands where groups cross it.
    """
    data, seed = settings.recipe.data, settings.recipe.seed
    originals = [entry for entry in manifest.entries if not entry.parent]
    entries = grouped(originals, settings, equal)
    folds = parse_folds(data.split)
    shares = parse_shares(default_value("data.split") if folds else data.split)
    entries = _folded(entries, folds, seed)
    if folds and not any(entry.split for entry in entries):
        entries = test_on(entries, folds.test, shares, seed, str(manifest.path))
    if official:
        entries = _official(entries)
    if train_or_val and "data.split" not in settings.given:
        entries = split_off_validation(entries, train_or_val, shares, seed)
    if any(not entry.split for entry in entries):
        entries = split_spans(entries, shares, seed)
    if data.fold is not None:
        entries = test_on(entries, str(data.fold), shares, seed, str(manifest.path))
    rows = with_copies(list(manifest.entries), entries)
    done = Manifest.of(manifest.path, [*rows, *manifest.unlabeled])
    return replace(manifest, entries=done.entries, unlabeled=done.unlabeled)


def _folded(entries: list[Entry], folds: Folds | None, seed: int) -> list[Entry]:
    """Return the rows with the folds that are asked for, or with those that they have."""
    if folds and not any(entry.split for entry in entries):
        return with_folds(entries, folds, seed)
    return filled_folds(entries)


def _official(entries: list[Entry]) -> list[Entry]:
    """Return the rows with an official split, and say which groups it divides."""
    entries, crossing = kept_splits(entries)
    if crossing:
        _LOG.warning(
            f"note: {len(crossing)} groups are in several of the official splits, such as "
            f"{crossing[0]}; they stay, so that results can be compared, but test clips of these "
            "groups are easier than new ones"
        )
    return entries


def grouped(
    entries: list[Entry], settings: Settings, equal: Sequence[list[str]] = ()
) -> list[Entry]:
    """Return the rows with a group in every row.

    Args:
        entries: The rows; a group may be empty.
        settings: The recipe, with the grouping.
        equal: Videos with the same content, as `equal_videos` returns them; they share a group.
    """
    if "data.group_by" in settings.given:
        return join_groups(group_entries(entries, settings.recipe.data.group_by), equal)
    filled = [each if each.group else group_entries([each], "auto")[0] for each in entries]
    return join_groups(filled, equal)
