"""The clips of one fine-tuning: which train and which validate, and how they are drawn."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from clips.loading.augmentation import check_augment
from clips.loading.batches import ordered_batches, shuffled_batches, training_batches
from clips.loading.clip_reader import ClipSampler, max_clips
from clips.manifest import Manifest
from clips.manifest.segments import Segment, limited, segments_of
from extract.backbones.defaults import ResolvedBackbone
from recipes.schema import Recipe
from training.optimizers import class_weights


class ClipDataset:
    """What a network is trained on and validated by, as uint8 clips (B, T, H, W, 3).

    Attributes:
        labels: classes in order.
        training, validation: segments.
        training_classes, validation_classes: class numbers of the segments (n,).
        class_weights: float32 (K,), see `training.optimizers.class_weights`.
        batch_size: clips a step of training.
    """

    def __init__(self, recipe: Recipe, manifest: Manifest, backbone: ResolvedBackbone) -> None:
        """Choose the segments of a manifest that a recipe asks for; nothing is opened."""
        chosen, segments = recipe.finetune, segments_of(manifest)
        self.labels, self._seed = manifest.labels, recipe.seed
        self.training, self.validation = (
            limited(
                [segment for segment in segments if segment.split == split],
                chosen.limit,
                recipe.seed,
            )
            for split in ("train", "val")
        )
        self.training_classes = self._classes_of(self.training)
        self.validation_classes = self._classes_of(self.validation)
        self.class_weights = class_weights(
            self.training_classes, len(self.labels), chosen.class_weights
        )
        self.batch_size = backbone.batch_size
        self._drawing = ClipSampler(
            folder=manifest.path.parent,
            sampling=backbone.sampling,
            preprocessing=backbone.preprocessing,
            clip_length=backbone.clip_length,
            clip_sampling=chosen.clip_sampling,
            count=backbone.clips_per_video,
            augment=chosen.augment,
        )
        check_augment(chosen.augment, self._drawing.preprocessing)
        self._plain = replace(self._drawing, augment=None)  # which shares the segments' lengths

    def _classes_of(self, segments: list[Segment]) -> np.ndarray:
        numbers = {label: number for number, label in enumerate(self.labels)}
        return np.array([numbers[segment.label] for segment in segments], int)

    @property
    def least_batches(self) -> int:
        """How many batches an epoch has as far as is known without opening a clip."""
        count = self._drawing.count
        return -(-len(self.training) * (1 if count == "all" else count) // self.batch_size)

    def most_training(self) -> int:
        """Return how many clips a draw of all training segments has at most."""
        return max_clips(self.training, self._drawing)

    def most_validation(self) -> int:
        """Return how many clips validation has at most."""
        return max_clips(self.validation, self._plain)

    def train(self, epoch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield an epoch's clips, mixed, with their class numbers (B,)."""
        for clips, segments in training_batches(
            self.training, self._drawing, self.batch_size, self._seed, epoch
        ):
            yield clips, self.training_classes[segments]

    def validate(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the validation clips, the same ones every time, each with its segment's index
        (B,)."""
        return ordered_batches(self.validation, self._plain, self.batch_size)

    def draw(self, epoch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the clips that `train` has in an epoch, in the segments' order, each with its
        segment's index (B,)."""
        seed = (self._seed, epoch)
        return ordered_batches(self.training, self._drawing, self.batch_size, seed)

    def mixed(
        self, epoch: int, items_of: Callable[[int], Iterator[Any]]
    ) -> Iterator[list[tuple[int, Any]]]:
        """Yield batches of (index of the training segment, item) in the order in which `train` has
        an epoch's clips, with other items in their place: as many of every segment as it has
        clips."""

        def items(order: list[int]) -> Iterator[tuple[int, Any]]:
            return ((segment, item) for segment in order for item in items_of(segment))

        return shuffled_batches(
            items, len(self.training), self._drawing, self.batch_size, self._seed, epoch
        )
