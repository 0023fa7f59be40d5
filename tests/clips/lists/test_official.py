"""A small tree of the shape of each official data set becomes the right manifest."""

import csv
import json

import pytest

from clips import manifest as manifests
from clips.preparation import load_manifest, prepare
from tests.clips.preparing import rejected, settings, splits
from tests.conftest import write_coded_images
from video.errors import LookbackError, UsageError

_CLASSES = ("ApplyEyeMakeup", "YoYo")


@pytest.fixture
def lists(tmp_path):
    """A folder for lists: lists("a.txt", "line", "line") writes one."""
    folder = tmp_path / "lists"

    def write(name: str, *lines: str) -> None:
        folder.mkdir(exist_ok=True)
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")

    write.folder = folder
    return write


def _prepared(folder, lists, dataset, **flags):
    return prepare(settings(folder, data__lists=str(lists.folder), data__dataset=dataset, **flags))


@pytest.fixture
def ucf101(tmp_path, add, lists):
    clips = [
        f"{c}/v_{c}_g{g:02}_c{n:02}.avi" for c in _CLASSES for g in range(1, 11) for n in (1, 2)
    ]
    add(*(f"UCF-101/{clip}" for clip in clips))
    lists("classInd.txt", *(f"{number} {label}" for number, label in enumerate(_CLASSES, 1)))
    for split, tested in ((1, range(1, 4)), (2, range(4, 7)), (3, range(7, 10))):
        is_test = {clip: int(clip.split("_g")[1][:2]) in tested for clip in clips}
        lists(f"testlist{split:02}.txt", *(clip for clip in clips if is_test[clip]))
        lists(
            f"trainlist{split:02}.txt",
            *(f"{c} {_CLASSES.index(c.split('/')[0]) + 1}" for c in clips if not is_test[c]),
        )
    return tmp_path


@pytest.mark.parametrize(("split", "tested"), [(1, "123"), (2, "456"), (3, "789")])
def test_ucf101_has_three_splits_and_takes_whole_groups_for_validation(
    ucf101, lists, split, tested
):
    manifest = _prepared(ucf101, lists, "ucf-101", data__official_split=split)
    assert manifest.labels == list(_CLASSES)
    assert len(manifest.entries) == 40
    split_of = {entry.group: entry.split for entry in manifest.entries}
    test_groups = {group for group, part in split_of.items() if part == "test"}
    assert test_groups == {f"g0{number}" for number in tested}
    for entry in manifest.entries:
        assert entry.label in entry.video
        assert f"_{entry.group}_" in entry.video
        assert entry.split == split_of[entry.group]
    assert 1 <= list(split_of.values()).count("val") <= 2
    assert load_manifest(settings(ucf101)) == manifest


def test_a_part_of_ucf101_is_used_and_the_rest_is_told(ucf101, lists, add, capsys):
    (ucf101 / "clips" / "UCF-101" / "YoYo" / "v_YoYo_g10_c01.avi").unlink()
    add("UCF-101/YoYo/other.avi")
    manifest = _prepared(ucf101, lists, "ucf101")
    assert len(manifest.entries) == 39
    printed = capsys.readouterr().out
    assert "39 rows from the lists of ucf101, split 1; some groups of train are taken" in printed
    assert "1 listed clips have no file and are left out (YoYo/v_YoYo_g10_c01.avi)" in printed
    left_out = {
        "YoYo/v_YoYo_g10_c01.avi": "left out: there is no such file",
        "clips/UCF-101/YoYo/other.avi": "left out: not in the lists",
    }
    assert rejected(ucf101) == left_out
    # What the lists leave out is no new clip for the next run, nor a note in other commands.
    load_manifest(settings(ucf101))
    assert "are not in" not in capsys.readouterr().out
    assert prepare(settings(ucf101)) == manifest
    assert rejected(ucf101) == left_out


@pytest.mark.parametrize(
    ("name", "line", "message"),
    [
        ("trainlist01.txt", "v_YoYo_g01_c01.avi 2", "trainlist01.txt, line 1: must be CLASS/CLIP"),
        ("trainlist01.txt", "YoYo/v_YoYo_g01_c01.avi 1", "line 1: the number 1 is ApplyEyeMakeup"),
        ("trainlist01.txt", "YoYo/v_YoYo_g01_c01.avi 9", "line 1: the number 9 is no class in"),
        ("classInd.txt", "YoYo", "classInd.txt, line 1: must be a number and a class"),
    ],
)
def test_a_broken_list_of_ucf101_is_named_with_its_line(ucf101, lists, name, line, message):
    lists(name, line)
    with pytest.raises(LookbackError, match=message):
        _prepared(ucf101, lists, "ucf101")


def test_what_the_flags_ask_for_must_exist(ucf101, lists, tmp_path):
    with pytest.raises(UsageError, match="--official-split 4: ucf101 has the splits 1 to 3"):
        _prepared(ucf101, lists, "ucf101", data__official_split=4)
    with pytest.raises(UsageError, match=r"no such format of lists; did you mean ucf101\?"):
        _prepared(ucf101, lists, "ucf-102")
    with pytest.raises(UsageError, match=r"name the folder with trainlist01\.txt"):
        prepare(settings(ucf101, data__dataset="ucf101"))
    (lists.folder / "testlist01.txt").unlink()
    with pytest.raises(LookbackError, match=r"testlist01\.txt: there is no such file; --lists"):
        _prepared(ucf101, lists, "ucf101")
    lists.folder = tmp_path / "none"
    with pytest.raises(LookbackError, match="there is no such file or folder; check --lists"):
        _prepared(ucf101, lists, "ucf101")


def test_hmdb51_reads_0_1_2_and_groups_by_source_video(tmp_path, add, lists):
    for label in ("brush_hair", "wave"):
        lines = []
        for source in range(7):
            for number in (0, 1):
                name = f"Film_{source}_{label}_u_nm_np1_ba_goo_{number}.avi"
                add(f"{label}/{name}")
                lines.append(f"{name} {2 if source > 4 else number if source == 4 else 1} ")
        lists(f"{label}_test_split1.txt", *lines)
        lists(f"{label}_test_split2.txt", *lines[:2])
    manifest = _prepared(tmp_path, lists, "hmdb51")
    assert manifest.labels == ["brush_hair", "wave"]
    assert len(manifest.entries) == 2 * 13
    for entry in manifest.entries:
        source = int(entry.video.split("_")[-9 if entry.label == "brush_hair" else -8])
        assert entry.group == f"{entry.label}/Film_{source}"
        assert (entry.split == "test") == (source > 4)
    assert {entry.split for entry in manifest.entries} == {"train", "val", "test"}
    assert list(rejected(tmp_path).values()) == ["left out: not in the lists"] * 2
    lists("wave_test_split1.txt", "Film_0_wave_u_nm_np1_ba_goo_0.avi 3")
    with pytest.raises(LookbackError, match=r"wave_test_split1\.txt, line 1: must be a clip and 0"):
        _prepared(tmp_path, lists, "hmdb51")


def test_an_official_split_stands_where_sources_cross_it_and_says_so(tmp_path, add, lists, capsys):
    for label in ("run", "wave"):
        names = [f"F{s}_{label}_u_nm_np1_ba_goo_{n}.avi" for s in range(4) for n in (0, 1)]
        add(*(f"{label}/{name}" for name in names))
        lists(f"{label}_test_split1.txt", *(f"{n} {1 + n.endswith('1.avi')}" for n in names))
    _prepared(tmp_path, lists, "hmdb51")
    for video, split in splits(tmp_path).items():
        assert (split == "test") == video.endswith("1.avi")
    assert "8 groups are in several of the official splits, such as run/F0" in (
        capsys.readouterr().out
    )
    load_manifest(settings(tmp_path))


def test_ucf_sports_joins_views_and_tests_on_the_first_third(tmp_path, add):
    counts = {"Golf-Swing-Back": 5, "Golf-Swing-Front": 8, "Golf-Swing-Side": 5, "Lifting": 6}
    counts |= {"Swing-Bench": 6, "Swing-SideAngle": 6}
    add(*(f"{c}/{n:03}/{c}_{n}.avi" for c, count in counts.items() for n in range(1, count + 1)))
    extra = tmp_path / "clips" / "Lifting" / "001" / "jpeg"
    write_coded_images(extra, range(2))  # the frames of the video beside them are no second clip
    (tmp_path / "clips" / "Lifting" / "006" / "Lifting_6.avi").unlink()
    write_coded_images(tmp_path / "clips" / "Lifting" / "006", range(3))
    manifest = prepare(settings(tmp_path, data__dataset="ucf_sports", data__frame_rate=10))
    assert manifest.labels == ["Golf-Swing", "Lifting", "Swing-Bench", "Swing-SideAngle"]
    tested = [entry.video.split("/")[1:3] for entry in manifest.entries if entry.split == "test"]
    golf = [["Golf-Swing-Back", f"00{n}"] for n in range(1, 6)] + [["Golf-Swing-Front", "001"]]
    rest = [[c, f"00{n}"] for c in ("Lifting", "Swing-Bench", "Swing-SideAngle") for n in (1, 2)]
    assert sorted(tested) == sorted(golf + rest)
    assert len(manifest.entries) == 36
    assert "clips/Lifting/006@10fps" in manifest.videos
    add("a.avi")
    with pytest.raises(LookbackError, match=r"clips/a\.avi: is not in CLASS/NUMBER/"):
        prepare(settings(tmp_path, data__dataset="ucf_sports"))


def test_rwf2000_tests_on_val_and_groups_by_the_video_on_the_web(tmp_path, add):
    add(
        *(
            f"RWF-2000/{part}/{label}/{part}{label}_-x{video}_{number}.avi"
            for part in ("train", "val")
            for label in ("Fight", "NonFight")
            for video in range(5)
            for number in (0, 1)
        )
    )
    manifest = prepare(settings(tmp_path, data__dataset="RWF-2000"))
    assert manifest.labels == ["Fight", "NonFight"]
    for entry in manifest.entries:
        part, label, name = entry.video.split("/")[-3:]
        assert entry.label == label
        assert (entry.split == "test") == (part == "val")
        assert entry.group == name[:-6]
    assert {entry.split for entry in manifest.entries} == {"train", "val", "test"}
    add("other/Fight/a.avi")
    with pytest.raises(LookbackError, match="is not in train/CLASS/ or val/CLASS/"):
        prepare(settings(tmp_path, data__dataset="rwf2000"))


def test_kinetics_finds_cut_and_whole_videos_and_skips_those_that_are_gone(tmp_path, add, lists):
    header = "label,youtube_id,time_start,time_end,split"
    files = {"train": "train.csv", "validate": "validate.csv", "test": "test.csv"}
    for split, name in files.items():
        rows = [
            f'"{label}",-{split[:2]}{label[:2]}{number},{number},{number + 10},{split}'
            for label in ("abseiling", "air drumming")
            for number in range(4)
        ]
        lists(name, header, *rows)
        for row in rows:
            label, video, start, end, _ = next(csv.reader([row]))
            if start == "2":  # not cut
                add(f"{label}/{video}.mp4")
            elif start != "3":
                add(f"{label}/{video}_{int(start):06}_{int(end):06}.mp4")
    manifest = _prepared(tmp_path, lists, "kinetics")
    assert manifest.labels == ["abseiling", "air drumming", "background"]
    assert len(manifest.entries) == 3 * 2 * 3
    for entry in manifest.entries:
        assert entry.split == {"tr": "train", "va": "val", "te": "test"}[entry.group[1:3]]
        times = (entry.start, entry.end)
        assert times == ((2.0, 12.0) if entry.video.endswith("2.mp4") else (None, None))
    assert len(rejected(tmp_path)) == 6
    lists("train.csv", header, "abseiling,x,now,later,train")
    with pytest.raises(LookbackError, match=r"train\.csv, line 2: time_start and time_end must be"):
        _prepared(tmp_path, lists, "kinetics")


def test_something_something_version_2_takes_templates_and_the_validation_list(
    tmp_path, add, lists
):
    templates = ("Holding [something]", "Moving [something] up")
    numbers = {"train": range(20), "validation": range(100, 106)}
    for split, ids in numbers.items():
        rows = [
            {"id": str(n), "label": f"holding cup {n}", "template": templates[n % 2]} for n in ids
        ]
        lists(f"something-something-v2-{split}.json", json.dumps(rows))
        add(*(f"20bn-something-something-v2/{n}.webm" for n in ids))
    lists("something-something-v2-test.json", json.dumps([{"id": "7000"}]))
    labels = {template.replace("[", "").replace("]", ""): "0" for template in templates}
    lists("something-something-v2-labels.json", json.dumps(labels))
    manifest = _prepared(tmp_path, lists, "something-something")
    assert manifest.labels == sorted(labels)
    assert len(manifest.entries) == 26
    for entry in manifest.entries:
        number = int(entry.video.split("/")[-1].removesuffix(".webm"))
        assert entry.label == sorted(labels)[number % 2]
        assert (entry.split == "test") == (number >= 100)
    assert [entry.split for entry in manifest.entries].count("val") in range(2, 6)
    lists("something-something-v2-labels.json", json.dumps({"Holding something": "0"}))
    with pytest.raises(LookbackError, match="entry 2: the class 'Moving something up' is not in"):
        _prepared(tmp_path, lists, "something_something")


def test_something_something_version_1_is_folders_of_frames(tmp_path, lists):
    for split, ids in (("train", range(8)), ("validation", range(8, 12))):
        labels = ("Holding something", "Moving something; up")
        lists(f"something-something-v1-{split}.csv", *(f'{n};"{labels[n % 2]}"' for n in ids))
        for n in ids:
            folder = tmp_path / "clips" / "20bn-something-something-v1" / str(n)
            write_coded_images(folder, [1, 2 + n], name="{:05d}.png")
    manifest = _prepared(tmp_path, lists, "something_something", data__frame_rate=12)
    assert manifest.labels == ["Holding something", "Moving something; up"]
    assert manifest.entries[0].video == "clips/20bn-something-something-v1/0@12fps"
    assert [entry.split for entry in manifest.entries].count("test") == 4
    assert manifests.read(tmp_path / "manifest.csv") == manifest
    lists("something-something-v1-train.csv", "1;Holding something", "2;Moving something; up")
    with pytest.raises(LookbackError, match=r"train\.csv, line 2: must be an id and a label"):
        _prepared(tmp_path, lists, "something_something", data__frame_rate=12)
    (lists.folder / "something-something-v1-train.csv").write_bytes(b"\xff\xfe1\x00")
    with pytest.raises(LookbackError, match=r"train\.csv: not a CSV file in UTF-8"):
        _prepared(tmp_path, lists, "something_something", data__frame_rate=12)
