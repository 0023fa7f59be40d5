"""Videos with the same content stand in one group, and are refused where they contradict."""

import pytest

from clips import manifest as manifests
from clips.manifest import Entry
from clips.manifest.duplicates import equal_videos, join_groups, refuse_contradictions
from clips.preparation import prepare
from tests.clips.preparing import copies, lines, settings, splits
from video.errors import LookbackError


def test_equal_files_are_found_and_only_those_of_equal_size_are_read(tmp_path, monkeypatch):
    contents = {"a": b"one", "b": b"two", "c": b"one", "d": b"longer", "e": b"two", "f": b"tri"}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "d").chmod(0)
    read = []
    from clips.manifest import duplicates

    sha256 = duplicates.content_sha256
    monkeypatch.setattr(
        duplicates, "content_sha256", lambda path: read.append(path.name) or sha256(path)
    )
    assert equal_videos(tmp_path, list("abcdef")) == [["a", "c"], ["b", "e"]]
    assert sorted(read) == list("abcef")


def test_the_groups_of_equal_videos_become_one_with_all_their_clips():
    entries = [Entry(name, "x", group=group) for name, group in zip("abcde", "33122", strict=True)]
    joined = join_groups(entries, [["b", "d"]])
    assert [entry.group for entry in joined] == ["3", "3", "1", "3", "3"]
    joined = join_groups(entries, [["b", "d"], ["e", "c"]])
    assert {entry.group for entry in joined} == {"3"}


def test_without_equal_videos_groups_stay():
    entries = [Entry("a", "x", group="1"), Entry("b", "x", group="2")]
    assert join_groups(entries, []) == entries


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        (Entry("1", "a"), Entry("2", "b"), "1 is a and 2 is b; keep one of the two"),
        (Entry("1", "a", end=2.0), Entry("2", "b", start=1.0), "1 is a and 2 is b"),
        (Entry("1", "a", "train"), Entry("2", "a", "test"), "1 in train and 2 in test; .*--split"),
    ],
)
def test_equal_videos_that_contradict_are_refused_by_name(one, other, words):
    with pytest.raises(LookbackError, match=f"^here: videos with the same content .*{words}"):
        refuse_contradictions([one, other, Entry("3", "c", "val")], [["1", "2"]], "here")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Entry("1", "a", "train"), Entry("2", "a", "train")),
        (Entry("1", "a", "train"), Entry("2", "a", "")),
        (Entry("1", "a", end=1.0), Entry("2", "b", start=1.0)),
    ],
)
def test_equal_videos_that_agree_pass(one, other):
    refuse_contradictions([one, other], [["1", "2"]], "here")


def test_many_contradictions_stay_one_short_line():
    equal = [[f"a{n}", f"b{n}"] for n in range(9)]
    entries = [Entry(video, video[0]) for videos in equal for video in videos]
    with pytest.raises(LookbackError, match="a2 is a and b2 is b; and 6 more"):
        refuse_contradictions(entries, equal, "here")


@pytest.mark.parametrize("seed", range(3))
def test_the_same_content_is_one_group_on_one_side(data, capsys, seed):
    copied = [f"v_walk_g{g:02}_c1" for g in range(5)]
    copies(data, *((f"walk/{name}.mp4", f"walk/copy {name[7:]}.mp4") for name in copied))
    prepare(settings(data, seed=seed))
    entries = {entry.video: entry for entry in manifests.read(data / "manifest.csv").entries}
    for name in copied:
        one = entries[f"clips/walk/{name}.mp4"]
        other = entries[f"clips/walk/copy {name[7:]}.mp4"]
        assert (one.group, one.split) == (other.group, other.split)
    said = capsys.readouterr().out
    assert "5 clips have the same content as another clip" in said
    before = lines(data)
    prepare(settings(data))
    assert lines(data) == before


def test_the_same_content_in_two_classes_is_refused_by_name(data):
    copies(data, ("walk/v_walk_g01_c1.mp4", "run/x.mp4"))
    with pytest.raises(
        LookbackError, match=r"clips/run/x\.mp4 is run and clips/walk/v_walk_g01_c1\.mp4 is walk"
    ):
        prepare(settings(data))
    assert not (data / "manifest.csv").exists()


def test_the_same_content_in_two_splits_is_refused_until_the_split_is_sampled_again(data):
    prepare(settings(data))
    copies(data, ("walk/v_walk_g01_c1.mp4", "walk/x.mp4"))
    split = splits(data)["clips/walk/v_walk_g01_c1.mp4"]
    other = "test" if split == "train" else "train"
    with (data / "manifest.csv").open("a") as file:
        file.write(f"clips/walk/x.mp4,walk,{other},mine,,\n")
    both = rf"v_walk_g01_c1\.mp4 in {split} and .*x\.mp4 in {other}"
    with pytest.raises(LookbackError, match=both):
        prepare(settings(data))
    sampled = prepare(settings(data, data__split="0.6/0.2/0.2"))
    assert len({e.split for e in sampled.entries if e.group == "g01"}) == 1
