"""Splits: seeded, stratified, groups whole; what cannot be split is refused with a list."""

from collections import Counter
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from clips.manifest import SPLITS, Entry
from clips.splitting.assignment import (
    check_split,
    parse_shares,
    split_entries,
    split_off_validation,
)
from video.errors import LookbackError, UsageError

_SHARES = (0.7, 0.15, 0.15)


def _clips(groups: int, per_group: int = 1, labels=("a", "b")) -> list[Entry]:
    """Each group holds `per_group` clips of each label."""
    return [
        Entry(f"clips/{label}/{group}-{number}.mp4", label, group=f"g{group:03}")
        for group in range(groups)
        for label in labels
        for number in range(per_group)
    ]


def _counts(entries: list[Entry]) -> Counter:
    return Counter((entry.label, entry.split) for entry in entries)


def _splits(entries: list[Entry]) -> dict[str, set[str]]:
    splits: dict[str, set[str]] = {}
    for entry in entries:
        splits.setdefault(entry.group, set()).add(entry.split)
    return splits


@pytest.mark.parametrize("seed", range(5))
def test_groups_stay_whole(seed):
    entries = split_entries(_clips(20, per_group=3), _SHARES, seed)
    assert all(len(splits) == 1 for splits in _splits(entries).values())
    check_split(entries, "here")  # must not raise


def test_every_class_is_split_by_the_shares():
    entries = split_entries(_clips(100, labels=("a", "b", "c")), _SHARES, 0)
    counts = _counts(entries)
    for label in ("a", "b", "c"):
        for split, share in zip(SPLITS, _SHARES, strict=True):
            assert abs(counts[label, split] - 100 * share) <= 1


def test_rare_classes_and_uneven_groups_are_on_all_sides_as_well():
    random = np.random.default_rng(0)
    entries = [
        Entry(f"{group}-{number}", "common", group=f"g{group}")
        for group in range(30)
        for number in range(random.integers(1, 9))
    ]
    entries += [Entry(f"rare-{group}", "rare", group=f"g{group}") for group in range(4)]
    entries = split_entries(entries, _SHARES, 0)
    check_split(entries, "here")
    share = _counts(entries)["common", "train"] / sum(e.label == "common" for e in entries)
    assert 0.6 < share < 0.8


def _of_groups(*groups: dict[str, int]) -> list[Entry]:
    """Each group holds so many clips of each label."""
    return [
        Entry(f"{group}-{label}-{number}", label, group=f"g{group:03}")
        for group, counts in enumerate(groups)
        for label, count in counts.items()
        for number in range(count)
    ]


def _unevenness(entries: list[Entry]) -> float:
    """Return the squared distances from the wanted counts, each in parts of the wanted count."""
    counts, sizes = _counts(entries), Counter(entry.label for entry in entries)
    wanted = {
        (label, split): share * sizes[label]
        for label in sizes
        for split, share in zip(SPLITS, _SHARES, strict=True)
    }
    if any(counts[key] == 0 for key in wanted):
        return float("inf")
    return sum((counts[key] - target) ** 2 / target for key, target in wanted.items())


def test_few_mixed_groups_are_split_as_evenly_as_they_can_be():
    """Eight groups of five clips: one pass that takes them as they come does worse."""
    entries = _of_groups(*({"a": count, "b": 5 - count} for count in (1, 5, 5, 4, 4, 1, 3, 2)))
    numbers = [int(entry.group[1:]) for entry in entries]
    best = min(
        _unevenness([replace(e, split=splits[n]) for e, n in zip(entries, numbers, strict=True)])
        for splits in product(SPLITS, repeat=8)
    )
    found = {seed: _unevenness(split_entries(entries, _SHARES, seed)) for seed in range(5)}
    assert found == pytest.approx(dict.fromkeys(range(5), best))


def test_a_class_s_large_group_is_placed_before_its_small_ones():
    """Twenty classes of 12 clips in one group and 8 single ones: train takes the 12 and 2 more."""
    entries = _of_groups(
        *({f"class {number}": size} for number in range(20) for size in (12, *[1] * 8))
    )
    for seed in range(5):
        counts = _counts(split_entries(entries, _SHARES, seed))
        for label in {entry.label for entry in entries}:
            found = [counts[label, split] for split in SPLITS]
            assert found == [14, 3, 3], f"{label}, seed {seed}"


def test_three_groups_a_class_are_enough_whatever_the_seed():
    entries = [
        Entry(f"{label}{number}", label, group=f"{label}{number}")
        for label in "abcd"
        for number in range(3)
    ]
    for seed in range(20):
        check_split(split_entries(entries, _SHARES, seed), f"seed {seed}")  # must not raise


def test_the_same_seed_gives_the_same_split_and_another_seed_another():
    entries = _clips(30)
    assert split_entries(entries, _SHARES, 1) == split_entries(entries, _SHARES, 1)
    assert split_entries(entries, _SHARES, 1) != split_entries(entries, _SHARES, 2)


def test_the_split_does_not_depend_on_the_order_of_the_rows():
    entries = _clips(30, per_group=2)
    forward = {entry.video: entry.split for entry in split_entries(entries, _SHARES, 3)}
    backward = {entry.video: entry.split for entry in split_entries(entries[::-1], _SHARES, 3)}
    assert forward == backward


def test_rows_that_have_a_split_keep_it_and_their_group_follows():
    entries = _clips(10, per_group=2)
    fixed = [Entry("old.mp4", "a", "test", "g004"), Entry("older.mp4", "b", "val", "g005")]
    done = split_entries(fixed + entries, _SHARES, 0)
    assert done[:2] == fixed
    splits = _splits(done)
    assert (splits["g004"], splits["g005"]) == ({"test"}, {"val"})


def test_a_leak_that_is_there_is_not_mended_silently():
    entries = [
        Entry("1", "a", "train", "g"),
        Entry("2", "a", "test", "g"),
        *_clips(6),
    ]
    done = split_entries(entries, _SHARES, 0)
    assert done[:2] == entries[:2]
    with pytest.raises(LookbackError, match="g in test and train"):
        check_split(done, "here")


def _whole() -> list[Entry]:
    return [
        Entry(f"{label}-{split}", label, split, f"{label}-{split}")
        for label in ("a", "b")
        for split in SPLITS
    ]


def test_a_sound_split_passes():
    check_split(_whole(), "here")  # must not raise


def test_leaking_groups_are_refused_with_their_sides():
    entries = [*_whole(), Entry("x", "a", "train", "scene 7"), Entry("y", "a", "val", "scene 7")]
    with pytest.raises(LookbackError) as raised:
        check_split(entries, "manifest.csv")
    assert str(raised.value).startswith("manifest.csv: 1 groups or videos are in two splits")
    assert "scene 7 in train and val" in str(raised.value)
    assert "prepare.py --split" in str(raised.value)


def test_a_video_in_two_splits_leaks_whatever_its_groups():
    entries = [*_whole(), Entry("long.mp4", "a", "train", "x"), Entry("long.mp4", "b", "test", "y")]
    with pytest.raises(LookbackError, match=r"long\.mp4 in test and train"):
        check_split(entries, "here")


def test_many_leaks_are_listed_up_to_ten():
    entries = _whole()
    for number in range(13):
        entries += [
            Entry(f"{split}{number}", "a", split, f"s{number:02}") for split in ("train", "test")
        ]
    with pytest.raises(LookbackError, match="s09 in test and train; and 3 more"):
        check_split(entries, "here")


def test_classes_missing_from_a_side_are_refused_with_a_list():
    entries = [entry for entry in _whole() if entry.video not in {"a-val", "b-test", "b-val"}]
    with pytest.raises(LookbackError) as raised:
        check_split(entries, "here")
    assert "missing: a in val, b in val, b in test" in str(raised.value)
    assert "a has 2 groups, b has 1 group" in str(raised.value)


def test_one_class_alone_is_refused():
    entries = [entry for entry in _whole() if entry.label == "a"]
    with pytest.raises(LookbackError, match=r"all clips are of one class, a; .* two or more"):
        check_split(entries, "here")


def test_one_class_in_parts_of_videos_is_enough_as_the_rest_is_background():
    entries = [Entry(f"{split}.mp4", "fall", split, split, start=1.0, end=2.0) for split in SPLITS]
    check_split(entries, "here")  # must not raise


@pytest.mark.parametrize(
    ("text", "shares"),
    [
        ("0.7/0.15/0.15", (0.7, 0.15, 0.15)),
        ("8/1/1", (0.8, 0.1, 0.1)),
        ("1/1/2", (0.25, 0.25, 0.5)),
    ],
)
def test_shares_are_read_and_made_to_add_up(text, shares):
    assert parse_shares(text) == pytest.approx(shares)


@pytest.mark.parametrize(
    "text", ["", "0.8/0.2", "1/1/0", "a/b/c", "1/1/1/1", "-1/1/1", "nan/1/1", "inf/1/1"]
)
def test_shares_that_are_none_are_refused(text):
    with pytest.raises(UsageError, match=r"--split .*: write three shares above 0"):
        parse_shares(text)


def test_of_many_classes_only_the_short_ones_are_listed():
    entries = [replace(each, label=f"{each.label}{n}") for n in range(100) for each in _whole()]
    entries.append(Entry("x", "rare", "train", "x"))
    with pytest.raises(LookbackError) as raised:
        check_split(entries, "here")
    message = str(raised.value)
    assert "missing: rare in val, rare in test (rare has 1 group; " in message
    assert "a0" not in message
    assert "--split" not in message


def test_a_long_list_of_short_classes_is_cut():
    entries = [Entry(f"{n}", f"c{n:03}", "train", f"{n}") for n in range(101)]
    with pytest.raises(LookbackError, match="c009 in val, and 192 more") as raised:
        check_split(entries, "here")
    assert len(str(raised.value)) < 600


def test_where_there_are_groups_enough_a_new_split_is_suggested():
    entries = [replace(each, split="train") for each in _whole()]
    with pytest.raises(LookbackError, match=r"prepare\.py --split .* makes a new split"):
        check_split(entries, "here")


def test_validation_is_sampled_from_training_alone_by_groups():
    training = _clips(30, per_group=3)
    tests = [Entry(f"t{n}", label, "test", f"t{n}") for n in range(9) for label in ("a", "b")]
    videos = frozenset(entry.video for entry in training)
    done = split_off_validation(training + tests, videos, _SHARES, 0)
    assert done[len(training) :] == tests
    counts = _counts(done[: len(training)])
    assert all(len(splits) == 1 for splits in _splits(done).values())
    for label in ("a", "b"):
        assert counts[label, "test"] == 0
        total = counts[label, "train"] + counts[label, "val"]
        assert counts[label, "val"] / total == pytest.approx(0.15 / 0.85, abs=0.08)


def test_clips_with_several_labels_count_for_each_of_them():
    random = np.random.default_rng(0)
    sets = ["run", "wave", "run|wave", "run|sing", "sing", "background"]
    drawn = random.choice(sets, 240, p=[0.3, 0.2, 0.1, 0.05, 0.1, 0.25])
    entries = [Entry(f"{n}.mp4", str(each), group=f"g{n // 4}") for n, each in enumerate(drawn)]
    made = split_entries(entries, _SHARES, 0)
    assert all(len(found) == 1 for found in _splits(made).values())
    counts = Counter((label, entry.split) for entry in made for label in entry.labels)
    for label in ("run", "wave", "sing"):
        total = sum(counts[label, split] for split in SPLITS)
        for split, share in zip(SPLITS, _SHARES, strict=True):
            assert abs(counts[label, split] - share * total) <= 0.05 * total + 1
    check_split(made, "manifest.csv")


def test_background_may_be_missing_from_a_split_where_it_is_no_class():
    made = [
        Entry(f"{split}-{label}.mp4", label, split, f"{split}{label}")
        for split, label in product(SPLITS, ("run", "run|wave"))
    ]
    check_split([*made, Entry("a.mp4", "background", "train", "x")], "manifest.csv")
    without = [entry for entry in made if (entry.split, entry.label) != ("val", "run|wave")]
    with pytest.raises(LookbackError, match=r"missing: wave in val \(wave has 2 groups"):
        check_split(without, "manifest.csv")
