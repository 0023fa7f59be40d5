"""The picture of all augmentations."""

import cv2
import numpy as np

from clips.preview import SHOWN, main, rows_of
from recipes.loader import load
from recipes.schema import Augment

_NOT_SHOWN = {"random_crop", "short_side"}  # they have a row of their own


def test_every_key_has_a_row_that_differs_from_the_clip():
    assert set(SHOWN) == Augment.model_fields.keys() - _NOT_SHOWN
    random = np.random.default_rng(0)
    clip, other = random.integers(0, 200, (2, 6, 48, 64, 3)).astype(np.uint8)
    rows = list(rows_of(clip, other, load().recipe.finetune.augment, seed=0))
    names = [name.split()[0] for name, _ in rows]
    assert names[:2] == ["original", "random_crop"]
    assert names[2:-3] == list(SHOWN)
    for name, frames in rows[1:]:
        assert frames.shape == clip.shape, name
        assert not np.array_equal(frames, clip), name


def test_the_command_writes_a_picture_and_leaves_the_videos_alone(one_clip, tmp_path):
    out = tmp_path / "picture.png"
    before = one_clip.read_bytes()
    assert main(["--video", str(one_clip), "--out", str(out)]) == 0
    picture = cv2.imread(str(out))
    assert picture.shape[0] > len(SHOWN) * 50
    assert one_clip.read_bytes() == before
