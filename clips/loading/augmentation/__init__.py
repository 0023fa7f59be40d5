"""Augmentation of training clips: random values per clip, the same for all its frames.

The pixel operations are those of OpenCV, on uint8 frames in the threads that decode. Layers of
Keras draw per image of a batch, here per frame of a clip, so they serve for mixed batches only.
"""

from clips.loading.augmentation.drawing import ClipDraw, augment_clip, draw
from clips.loading.augmentation.frames import retimed
from clips.loading.augmentation.placement import check_augment, sample_placement

__all__ = ["ClipDraw", "augment_clip", "check_augment", "draw", "retimed", "sample_placement"]
