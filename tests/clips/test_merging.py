"""Classes joined by patterns, and clips that are too short."""

import pytest

from clips import manifest as manifests
from clips.manifest import Entry
from clips.merging import merge_classes
from clips.preparation import load_manifest, prepare
from tests.clips.preparing import rejected, settings
from tests.conftest import distinct_copy, write_coded_video
from video.errors import UsageError

_ROWS = [Entry("a", "Golf-Back"), Entry("b", "Golf-Side"), Entry("c", "Walk")]


def test_the_first_pattern_that_matches_gives_the_class():
    merged = merge_classes(_ROWS, ["Golf-B*=Rear", "Golf-*=Golf", "W?lk=March"])
    assert [entry.label for entry in merged] == ["Rear", "Golf", "March"]


def test_rows_that_become_equal_become_one():
    rows = [Entry("a", "x", start=1.0), Entry("a", "y", start=1.0), Entry("a", "y", start=2.0)]
    assert merge_classes(rows, ["?=z"]) == [Entry("a", "z", start=1.0), Entry("a", "z", start=2.0)]


@pytest.mark.parametrize("text", ["Golf", "=Golf", "Golf-*=", "Golf-*=a|b"])
def test_a_pattern_without_a_class_is_refused(text):
    with pytest.raises(UsageError, match="write a pattern and the new class"):
        merge_classes(_ROWS, [text])


def test_a_pattern_that_matches_nothing_is_refused_unless_it_was_merged_before():
    with pytest.raises(UsageError, match=r"--merge Golv-\*=Golv: matches no class; did you mean"):
        merge_classes(_ROWS, ["Golv-*=Golv"])
    merged = merge_classes(_ROWS, ["Golf-*=Golf"])
    assert merge_classes(merged, ["Golf-*=Golf"]) == merged


def test_prepare_merges_and_keeps_it(data, add):
    add(*(f"walk-slow/v_w_g{g:02}_s.mp4" for g in range(5)))
    manifest = prepare(settings(data, data__merge=["walk*=walk"]))
    assert manifest.labels == ["run", "walk"]
    assert len(manifest.entries) == 25
    assert load_manifest(settings(data)) == manifest
    assert prepare(settings(data)) == manifest


def test_short_clips_are_left_out_with_their_duration(data):
    long = write_coded_video(data / "long.mp4", 5)
    for label in ("run", "walk"):
        for g in range(5):
            distinct_copy(long, data / "clips" / label / f"v_{label}_g{g:02}_long.mp4")
    manifest = prepare(settings(data, data__min_seconds=0.5))
    assert all("_long" in entry.video for entry in manifest.entries)
    assert len(manifest.entries) == 10  # of exactly half a second
    assert len(rejected(data)) == 20
    reason = "0.30 s, shorter than --min-seconds 0.5"
    assert rejected(data)["clips/run/v_run_g00_c1.mp4"] == reason
    assert len(load_manifest(settings(data)).entries) == 10
    assert len(prepare(settings(data)).entries) == 30  # without the flag they are back


def test_short_parts_of_videos_are_left_out(data, capsys):
    manifest = prepare(settings(data))
    entries = list(manifest.entries)
    entries += [Entry(e.video, "jump", e.split, e.group, 0.0, 0.25) for e in entries[:20]]
    entries = [e for e in entries if e.label == "jump"]
    entries += [Entry(e.video, "tiny", e.split, e.group, 0.25, 0.29) for e in entries[:3]]
    manifests.write(manifest.with_entries(entries))
    after = prepare(settings(data, data__min_seconds=0.2))
    assert {entry.label for entry in after.entries} == {"jump"}
    assert "note: 3 parts of videos are shorter than --min-seconds 0.2" in capsys.readouterr().out
    assert {entry.label for entry in manifests.read(data / "manifest.csv").entries} == {"jump"}


def test_each_of_several_labels_is_merged():
    rows = [Entry("a.mp4", "Golf-Back|Walk"), Entry("b.mp4", "Golf-Back|Golf-Front")]
    merged = merge_classes(rows, ["Golf-*=Golf"])
    assert [row.label for row in merged] == ["Golf|Walk", "Golf"]
