"""A flat data folder of links."""

import pytest

from clips import manifest as manifests
from clips.flattening import flatten
from clips.preparation import load_manifest, prepare
from lookback.commands import prepare as command
from tests.clips.preparing import settings
from tests.conftest import write_coded_images
from video.errors import LookbackError


def test_clips_of_any_depth_become_flat_links_with_the_same_splits(tmp_path, add):
    add(*(f"golf-{v}/{n:03}/a.mp4" for v in ("back", "side") for n in range(4)))
    add(*(f"walk/{n:03}/b{n}.mp4" for n in range(4)))
    flat = tmp_path / "flat"
    code = command.main(["--data", str(tmp_path), "--merge", "golf-*=golf", "--flatten", str(flat)])
    assert code == 0
    manifest = manifests.read(tmp_path / "manifest.csv")
    made = load_manifest(settings(flat))
    assert [(e.label, e.split) for e in made.entries] == [
        (e.label, e.split) for e in manifest.entries
    ]
    assert "clips/walk/000_b0.mp4" in made.videos
    assert "clips/golf/golf-back_000_a.mp4" in made.videos
    for old, new in zip(manifest.videos, made.videos, strict=True):
        assert manifest.place(old).read_bytes() == made.place(new).read_bytes()
        assert made.place(new).is_symlink()
    assert flatten(manifest, flat) == made  # again, over its own links
    made.place("clips/walk/000_b0.mp4").unlink()
    made.place("clips/walk/000_b0.mp4").write_bytes(b"mine")
    with pytest.raises(LookbackError, match="there is a file already"):
        flatten(manifest, flat)
    with pytest.raises(LookbackError, match="is the data folder itself"):
        flatten(manifest, tmp_path)


def test_folders_of_frames_are_linked_whole(tmp_path):
    for label in ("run", "walk"):
        for n in range(3):
            write_coded_images(
                tmp_path / "clips" / label / str(n) / "v", [n, n + 1 + (label == "run")]
            )
    manifest = prepare(settings(tmp_path, data__frame_rate=10))
    made = flatten(manifest, tmp_path / "flat")
    assert "clips/run/0_v@10fps" in made.videos
    assert prepare(settings(tmp_path / "flat", data__frame_rate=10)) == made
