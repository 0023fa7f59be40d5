"""Training and validation clips of a fine-tuning run."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from clips.loading.augmentation import check_augment
from clips.loading.batches import (
    chosen_training_batches,
    epoch_order,
    ordered_batches,
    training_batches,
)
from clips.loading.clip_reader import ClipSampler, frame_ranges, know_frame_ranges, max_clips
from clips.loading.mixing import BatchMixer, mixes
from clips.manifest import Manifest
from clips.manifest.segments import Segment, limited, segments_of
from extract.backbones.defaults import ResolvedBackbone
from metrics.label_sets import labels_in
from metrics.task import MULTI_LABEL, SINGLE_LABEL
from recipes.schema import Recipe
from training.devices import Devices, on_this_process
from training.objective import Objective


@dataclass(frozen=True)
class Rows:
    """Some rows of a training batch.

    Attributes:
        inputs: Their clips or activations (n, ...).
        classes: Their class indices (n,), or soft labels or indicators (n, K).
        present: Whether a clip could be read, bool (n,).
        count: Rows of the whole batch.
    """

    inputs: np.ndarray
    classes: np.ndarray
    present: np.ndarray
    count: int


class ClipDataset:
    """Batches of uint8 clips (B, T, H, W, 3) for training and validation.

    Of several processes, each reads its share of the validation clips and of the clips in order.

    Attributes:
        folder: Folder of the manifest.
        labels: Class names, in the order of the class indices.
        task: Whether a segment has one class or several.
        training, validation: Labeled segments.
        training_classes, validation_classes: Class indices of the segments (n,), or indicators of
            several classes (n, K).
        objective: What the training minimizes.
        batch_size: Clips per batch.
        mixes: Whether training batches are mixed, which gives soft labels.
    """

    def __init__(
        self,
        recipe: Recipe,
        manifest: Manifest,
        backbone: ResolvedBackbone,
        devices: Devices | None = None,
    ) -> None:
        """Select the segments of a manifest for a recipe; no video is opened.

        Args:
            recipe: The recipe.
            manifest: The labeled clips with their splits.
            backbone: Backbone that the recipe resolves to.
            devices: Devices of the training; None for one.

        Raises:
            UsageError: The augmentation does not fit the preprocessing.
        """
        chosen, segments = recipe.finetune, segments_of(manifest)
        self.folder, self.labels, self._seed = manifest.path.parent, manifest.labels, recipe.seed
        self.task = MULTI_LABEL if manifest.several else SINGLE_LABEL
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
        self.objective = Objective(
            self.task, self.training_classes, len(self.labels), chosen.class_weights
        )
        self.batch_size = backbone.batch_size
        self.processes = devices if devices and devices.processes > 1 else None
        self._knows_frames = False
        self._sampler = ClipSampler(
            folder=self.folder,
            sampling=backbone.sampling,
            preprocessing=backbone.preprocessing,
            clip_length=backbone.clip_length,
            clip_sampling=chosen.clip_sampling,
            count=backbone.clips_per_video,
            augment=chosen.augment,
        )
        check_augment(chosen.augment, self._sampler.preprocessing)
        self._augment, self.mixes = chosen.augment, mixes(chosen.augment)
        # A copy, so that both samplers share the segments' known lengths.
        self._validation_sampler = replace(self._sampler, augment=None)

    @property
    def segments(self) -> list[Segment]:
        """The segments that train or validate."""
        return [*self.training, *self.validation]

    def _classes_of(self, segments: list[Segment]) -> np.ndarray:
        numbers = {label: number for number, label in enumerate(self.labels)}
        if not self.task.several:
            return np.array([numbers[segment.label] for segment in segments], int)
        targets = [
            tuple(numbers[label] for label in labels_in(segment.label) if label in numbers)
            for segment in segments
        ]
        return self.task.encoded(targets, len(self.labels))

    @property
    def class_weights(self) -> np.ndarray:
        """Loss weights of the classes, float32 (K,), see `training.optimizers.class_weights`."""
        return self.objective.class_weights

    @property
    def min_batches(self) -> int:
        """Minimum number of batches per epoch that is known without opening a video."""
        count = self._sampler.count
        return -(-len(self.training) * (1 if count == "all" else count) // self.batch_size)

    def max_training_clips(self) -> int:
        """Return the maximum number of training clips per epoch."""
        return max_clips(self.training, self._sampler)

    def max_validation_clips(self) -> int:
        """Return the maximum number of validation clips."""
        return max_clips(self.validation, self._validation_sampler)

    def train(self, epoch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the shuffled clips of an epoch with their class indices (B,), or with soft labels
        (B, K) if batches are mixed, or indicators (B, K) of several classes."""
        mixer = None
        if self.mixes:
            with on_this_process():
                mixer = BatchMixer(self._augment, len(self.labels), (self._seed, epoch))
        for clips, segments in training_batches(
            self.training, self._sampler, self.batch_size, self._seed, epoch
        ):
            classes = self.training_classes[segments]
            if not mixer:
                yield clips, classes
                continue
            with on_this_process():
                mixed = mixer(clips, classes)
            yield mixed

    def train_rows(self, epoch: int, rows_of: Callable[[int], np.ndarray]) -> Iterator[Rows]:
        """Yield some rows of each batch of `train`.

        Of several processes, each reads only its rows; mixed batches are read whole.

        Args:
            epoch: The epoch.
            rows_of: Function from the number of rows of a batch to the different rows to yield.
        """
        if self.processes is None or self.mixes:
            for clips, classes in self.train(epoch):
                rows = rows_of(len(clips))
                yield Rows(clips[rows], classes[rows], np.ones(len(rows), bool), len(clips))
            return
        self._find_frames(self.processes)
        for chosen in chosen_training_batches(
            self.training, self._sampler, self.batch_size, self._seed, epoch, rows_of
        ):
            classes = self.training_classes[chosen.segments]
            yield Rows(chosen.clips, classes, chosen.present, chosen.count)

    def _find_frames(self, processes: Devices) -> None:
        """Find the sampled frames of the training segments, which give the order of the clips."""
        if self._knows_frames:
            return
        mine = self._own(len(self.training))
        parts = processes.gathered(frame_ranges(self.training, self._sampler, mine))
        ranges = np.zeros((len(self.training), 2), np.int32)
        for rank, part in enumerate(parts):
            ranges[rank :: processes.processes] = part
        know_frame_ranges(self.training, self._sampler, ranges)
        self._knows_frames = True

    def _own(self, count: int) -> range | None:
        """Return this process's share of the indices below `count`; None for all."""
        if self.processes is None:
            return None
        return range(self.processes.rank, count, self.processes.processes)

    def validate(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the validation clips with the indices of their segments (B,); they are the same in
        every epoch."""
        own = self._own(len(self.validation))
        return ordered_batches(
            self.validation, self._validation_sampler, self.batch_size, order=own
        )

    def validation_frames(self, segments: list[int]) -> dict[int, np.ndarray]:
        """Return the middle frame of a clip of each segment, by the segment's index: uint8 RGB
        (H, W, 3). Segments that cannot be read are left out.

        Args:
            segments: Indices of validation segments.
        """
        chosen = [self.validation[index] for index in segments]
        return {
            segments[place]: clip[len(clip) // 2]
            for clips, places in ordered_batches(chosen, self._validation_sampler, self.batch_size)
            for clip, place in zip(clips, places, strict=True)
        }

    def train_in_order(self, epoch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the clips of `train` in the segments' order, with the indices of their segments
        (B,)."""
        seed = (self._seed, epoch)
        own = self._own(len(self.training))
        return ordered_batches(self.training, self._sampler, self.batch_size, seed, own)

    def train_order(self, epoch: int, counts: np.ndarray) -> np.ndarray:
        """Return the order in which `train` yields the clips of an epoch.

        Args:
            epoch: The epoch.
            counts: Number of clips of each training segment (n,).

        Returns:
            int (clips, 2): the index of a segment, and that of a clip among the segment's.
        """
        return epoch_order(counts, self._sampler, self.batch_size, self._seed, epoch)
