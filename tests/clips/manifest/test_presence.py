"""Listed videos that are not there or cannot be decoded: nothing typed is lost."""

from pathlib import Path

import pytest

from clips.preparation import load_manifest, prepare
from tests.clips.preparing import lines, rejected, settings, splits, type_into
from video.errors import LookbackError


@pytest.fixture
def on_another_disk(data, tmp_path_factory) -> Path:
    """The folder that clips/run is a link to."""
    disk = tmp_path_factory.mktemp("disk") / "run"
    (data / "clips" / "run").rename(disk)
    (data / "clips" / "run").symlink_to(disk)
    return disk


def test_rows_of_a_disk_that_is_not_mounted_stay_as_they_were_typed(data, on_another_disk):
    prepare(settings(data))
    split = splits(data)["clips/run/v_run_g01_c1.mp4"]
    row = type_into(data, "clips/run/v_run_g01_c1.mp4", f"{split},anna,0.1,0.2")
    type_into(data, "clips/run/v_run_g01_c2.mp4", f"{split},anna,,")
    before = lines(data)
    on_another_disk.rename(on_another_disk.with_name("away"))
    for work in (prepare, load_manifest):
        with pytest.raises(
            LookbackError, match="class run: 10 listed videos are missing, such as clips/run/v_ru"
        ):
            work(settings(data))
        assert lines(data) == before
    on_another_disk.with_name("away").rename(on_another_disk)
    prepare(settings(data))
    assert lines(data) == before
    assert row in before


def test_some_missing_videos_are_kept_in_the_manifest_and_skipped_by_commands(data, capsys):
    manifest = prepare(settings(data))
    video = "clips/run/v_run_g01_c1.mp4"
    (data / video).unlink()
    capsys.readouterr()
    assert prepare(settings(data)) == manifest
    said = capsys.readouterr().out
    assert f"1 listed video is missing, such as {video}; is a disk not mounted?" in said
    assert "19 clips, 4 s, 5 groups" in said
    assert "0 rejected; 1 missing" in said
    assert video in splits(data)
    assert video not in load_manifest(settings(data)).videos
    assert "1 listed video is missing" in capsys.readouterr().out
    # Features of it may be there.
    assert video in load_manifest(settings(data), videos_needed=False).videos


def test_most_videos_missing_is_an_error_though_every_class_has_some(data):
    prepare(settings(data))
    for path in sorted((data / "clips").rglob("*_c1.mp4"))[1:]:
        path.unlink()
    assert len(load_manifest(settings(data)).videos) == 11
    for path in sorted((data / "clips").rglob("*_c2.mp4"))[:2]:
        path.unlink()
    for work in (prepare, load_manifest):
        with pytest.raises(LookbackError, match=r"too few of the 20 .* 11 listed videos are"):
            work(settings(data))


def test_rows_of_videos_that_are_gone_are_dropped_on_request_alone(data, capsys):
    prepare(settings(data))
    (data / "clips" / "run").rename(data / "clips" / "jog")
    before = lines(data)
    with pytest.raises(LookbackError, match=r"class run: 10 .*prepare\.py --drop-missing"):
        prepare(settings(data))
    assert lines(data)[:21] == before
    with_both = (data / "manifest.csv").read_bytes()
    assert prepare(settings(data), drop_missing=True).labels == ["jog", "walk"]
    assert (data / "manifest.previous-2.csv").read_bytes() == with_both
    assert "10 listed videos are missing: rows removed" in capsys.readouterr().out


def test_the_row_of_a_clip_that_cannot_be_decoded_stays_and_is_skipped(data, capsys):
    prepare(settings(data))
    video = "clips/run/v_run_g01_c1.mp4"
    row = type_into(data, video, "train,anna,0.1,0.2")
    whole = (data / video).read_bytes()
    (data / video).write_bytes(b"cut off")
    manifest = prepare(settings(data))
    assert video in rejected(data)
    assert row in lines(data)
    assert video not in manifest.videos
    capsys.readouterr()
    assert load_manifest(settings(data)) == manifest
    assert f"1 listed video is skipped, such as {video}: see" in capsys.readouterr().out
    (data / video).write_bytes(whole)
    (entry,) = [each for each in prepare(settings(data)).entries if each.video == video]
    assert (entry.split, entry.group, entry.start, entry.end) == ("train", "anna", 0.1, 0.2)


def test_a_class_behind_a_broken_link_is_missed_at_the_first_time_as_well(data, on_another_disk):
    on_another_disk.rename(on_another_disk.with_name("away"))
    with pytest.raises(LookbackError, match=r"clips/run: the class cannot be read.*not mounted"):
        prepare(settings(data))
    assert not (data / "manifest.csv").exists()


def test_a_class_of_which_no_clip_can_be_read_is_named(data, capsys):
    (data / "clips" / "jump").mkdir()
    (data / "clips" / "jump" / "a.mp4").write_bytes(b"no video")
    assert prepare(settings(data)).labels == ["run", "walk"]
    assert "note: the class jump is left out: none of its clips can be read" in (
        capsys.readouterr().out
    )
