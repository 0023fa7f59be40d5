"""Groups that a report keeps whole: of the manifest, proposed, or named."""

import pytest

from sequence.evaluation_split import shared_groups
from sequence.grouping import MANIFEST, PROPOSED, Grouping, grouping_of
from tests.sequence.grouped_clips import clips_of, manifest_of, write_proposal
from tests.sequence.stores import dataset_of
from video.errors import LookbackError, UsageError


def test_groups_are_those_of_the_manifest_if_it_has_some(tmp_path):
    assert grouping_of(manifest_of(tmp_path, clips_of()), None) == Grouping(MANIFEST)


def test_of_single_clips_they_are_those_that_prepare_proposes(tmp_path, monkeypatch):
    clips = clips_of(named=False)
    manifest = manifest_of(tmp_path, clips)
    write_proposal(tmp_path, monkeypatch, manifest, {clips[0].video: "x", clips[3].video: "x"})
    found = grouping_of(manifest, None)
    assert found.origin == PROPOSED
    segments = found.regrouped(dataset_of(tmp_path, clips, look_back=2).segments)
    assert [segment.group for segment in segments[:4]] == ["x", *[c.video for c in clips[1:3]], "x"]
    assert shared_groups(segments)["test"] == {"clips": 1, "of": 12}


def test_a_proposal_for_another_manifest_is_not_used(tmp_path, monkeypatch):
    clips = clips_of(named=False)
    other = manifest_of(tmp_path / "other", clips)
    write_proposal(tmp_path, monkeypatch, other, {clips[0].video: "x", clips[1].video: "x"})
    assert grouping_of(manifest_of(tmp_path, clips), None) == Grouping(MANIFEST)


def test_groups_can_be_named_by_a_pattern_or_a_file(tmp_path):
    clips = clips_of(named=False)
    manifest = manifest_of(tmp_path, clips)
    by_name = grouping_of(manifest, r"/(\d+)_").of_video
    assert by_name[clips[5].video] == "1"
    lines = [f"{clip.video},{by_name[clip.video]}" for clip in clips]
    (tmp_path / "g.csv").write_text("\n".join(["video,group", *lines]))
    assert grouping_of(manifest, str(tmp_path / "g.csv")).of_video == by_name
    with pytest.raises(UsageError, match="matches no path"):
        grouping_of(manifest, "nothing")
    with pytest.raises(LookbackError, match="no such file"):
        grouping_of(manifest, "missing.csv")
