"""Train and val for few clips, and what is said about the score."""

import pytest

from clips.manifest import Entry, Manifest, write
from clips.manifest.segments import segments_of
from live.teaching.clip_rows import CAMERA
from live.teaching.splitting import learning_clips
from tests.live.teaching.scripted import settings_of
from video.errors import LookbackError

FILM = ((CAMERA, "door"),)


@pytest.fixture
def data(tmp_path):
    """A data folder whose files are different and not read: only names and rows matter here."""
    return tmp_path / "data"


def listed(data, *rows):
    """Write the manifest and a file for each video of rows (class, number, group, values)."""
    entries = []
    for label, count, group, values in rows:
        for _ in range(count):
            video = f"clips/{label}/{len(entries)}.mp4"
            place = data / video
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(video)
            entries.append(Entry(video, label, group=group, **values))
    write(Manifest(data / "manifest.csv", tuple(entries)))
    return learning_clips(settings_of(data))


def splits_of(clips):
    found = {}
    for segment in segments_of(clips.manifest):
        found.setdefault(segment.label, set()).add(segment.split)
    return found


def groups_in_two_splits(clips):
    found = {}
    for entry in clips.manifest.entries:
        found.setdefault(entry.group, set()).add(entry.split)
    return sorted(group for group, splits in found.items() if len(splits) > 1)


BOTH = {"train", "val"}


def test_no_clips_and_one_class_are_refused_with_what_to_record(data):
    with pytest.raises(LookbackError, match="no clips yet"):
        learning_clips(settings_of(data))
    with pytest.raises(LookbackError, match="two classes"):
        listed(data, ("wave", 9, "one", {}))


def test_one_session_is_divided_by_clips_with_a_warning(data):
    clips = listed(data, ("wave", 10, "one", {}), ("clap", 10, "one", {}))
    assert splits_of(clips) == {"wave": BOTH, "clap": BOTH}
    assert clips.folds == "clip"
    (warning,) = clips.warnings
    assert "All clips of clap and of wave are from one session" in warning
    assert "nothing about another day" in warning


def test_two_sessions_are_scored_by_session(data):
    clips = listed(
        data,
        *((label, 5, session, {}) for label in ("wave", "clap") for session in ("one", "two")),
    )
    assert splits_of(clips) == {"wave": BOTH, "clap": BOTH}
    assert clips.folds == "group"
    assert clips.warnings == ("Only 2 sessions of a class: the score is rough. Record more.",)


def test_three_sessions_stay_whole(data):
    clips = listed(
        data,
        *((label, 5, session, {}) for label in ("wave", "clap") for session in "abcd"),
    )
    assert splits_of(clips) == {"wave": BOTH, "clap": BOTH}
    assert groups_in_two_splits(clips) == []
    assert clips.folds == "group"
    assert clips.warnings == ()


def test_a_class_of_one_session_beside_others_is_named(data):
    clips = listed(
        data,
        ("wave", 6, "one", {}),
        *(("clap", 6, session, {}) for session in "abc"),
    )
    assert splits_of(clips) == {"wave": BOTH, "clap": BOTH}
    assert clips.folds == "clip"
    assert clips.warnings[0].startswith("All clips of wave are from one session")


def test_a_class_of_one_clip_is_left_out_and_said(data):
    clips = listed(
        data, ("wave", 6, "a", {}), ("clap", 6, "b", {}), ("background", 1, "c", {"extra": FILM})
    )
    assert set(splits_of(clips)) == {"wave", "clap"}
    assert clips.warnings[0] == "background has 1 clip and is left out: record 2 or more."


def test_few_clips_are_said(data):
    clips = listed(data, ("wave", 6, "a", {}), ("clap", 3, "a", {}))
    assert clips.warnings[-1] == "Few clips of clap (3): record 5 or more."


def test_test_clips_are_never_learned_and_given_splits_stay(data):
    clips = listed(
        data,
        *(
            (label, 6, f"{label}-{split}", {"split": split})
            for label in ("wave", "clap")
            for split in ("train", "val", "test")
        ),
        ("wave", 2, "door", {"split": "train", "extra": FILM}),
    )
    by_split = {}
    for entry in clips.manifest.entries:
        by_split.setdefault(entry.split, set()).add(entry.group)
    assert by_split == {
        "train": {"wave-train", "clap-train", "door"},
        "val": {"wave-val", "clap-val"},
    }
    assert clips.folds == ""  # the manifest validates by itself
    assert clips.warnings == ()


def test_corrections_train_and_a_class_of_corrections_alone_is_validated_too(data):
    corrected = {"split": "train", "extra": FILM}
    clips = listed(
        data,
        ("wave", 6, "one", {}),
        ("clap", 6, "one", {}),
        ("wave", 3, "door", corrected),
        ("background", 4, "door", corrected),
    )
    assert splits_of(clips) == {"wave": BOTH, "clap": BOTH, "background": BOTH}
    of_corrections = [
        entry.split
        for entry in clips.manifest.entries
        if (entry.label, entry.group) == ("wave", "door")
    ]
    assert of_corrections == ["train"] * 3


def test_the_rest_of_corrected_clips_is_a_class_with_both_splits(data):
    part = {"split": "train", "start": 5.0, "end": 9.0, "extra": FILM}
    clips = listed(data, ("wave", 6, "one", {}), ("fall", 6, "one", {}), ("fall", 3, "door", part))
    assert splits_of(clips) == {"wave": BOTH, "fall": BOTH, "background": BOTH}


def test_rows_of_missing_files_and_equal_files_do_no_harm(data):
    listed(data, ("wave", 6, "a", {}), ("clap", 6, "b", {}))
    (data / "clips" / "wave" / "0.mp4").unlink()
    (data / "clips" / "wave" / "2.mp4").write_bytes((data / "clips/wave/1.mp4").read_bytes())
    clips = learning_clips(settings_of(data))
    assert len(clips.manifest.entries) == 11


def test_equal_files_in_two_classes_are_refused_by_name(data):
    listed(data, ("wave", 6, "a", {}), ("clap", 6, "b", {}))
    (data / "clips/clap/6.mp4").write_bytes((data / "clips/wave/1.mp4").read_bytes())
    with pytest.raises(LookbackError, match=r"wave/1\.mp4 is wave and .*clap/6\.mp4 is clap"):
        learning_clips(settings_of(data))
