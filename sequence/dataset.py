"""Dataset of the second stage: labeled segments, and look-back windows over their features."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from clips.loading.clip_sampling import evenly_spread
from clips.manifest import BACKGROUND, SPLITS, Manifest
from clips.manifest.segments import Segment, segments_of
from extract.feature_store.reader import FeatureStore
from metrics.label_sets import joined, labels_in
from metrics.targets import Target, classes_of
from metrics.task import MULTI_LABEL, SINGLE_LABEL, Task
from recipes.commands import command
from sequence.label_map import LabelMap
from sequence.windows import Windows, full_steps
from video.errors import LookbackError
from video.sampling import steps_before_full

ALL = "all"  # all splits together

# A feature that is almost constant in training has a standard deviation near 0, and dividing by it
# would amplify any later change. Standard deviations are at least this share of their mean.
MIN_RELATIVE_STD = 0.1

# As a share of the largest feature. Smaller differences are rounding errors.
MIN_RELATIVE_DIFFERENCE = 1e-6


@dataclass(frozen=True)
class LabeledSegment:
    """A labeled part of a video, in steps.

    Attributes:
        video: Name of the video in the manifest.
        target: Index of the label in `Dataset.labels`; in a multi-label set those of all labels,
            in ascending order.
        split: Name of the split: train, val or test.
        group: Name of the group, which lies in one split.
        first: First step.
        last: Step after the last one.
        start: Start in the video in seconds, which does not depend on the features.
        end: End in the video in seconds; infinity for the end of the video.
        is_copy: Whether the video is an augmented copy, which no fold tests on.
    """

    video: str
    target: Target
    split: str
    group: str
    first: int
    last: int
    start: float = 0.0
    end: float = float("inf")
    is_copy: bool = False


@dataclass(frozen=True)
class Moments:
    """Mean and standard deviation of every feature over the training steps.

    Attributes:
        mean: Mean of each feature: float32 (D,).
        std: Standard deviation of each feature, not smaller than a share of their mean: float32
            (D,).
    """

    mean: np.ndarray
    std: np.ndarray


class Dataset:
    """Labeled segments of a manifest with their features, and windows over them.

    Attributes:
        store: Feature store of the videos.
        segments: All labeled segments that have steps.
        labels: Class names; a segment's target is an index of this list.
        task: Whether a segment has one class or several.
        without_features: Videos of the manifest that are not in the store.
        look_back: Number of steps in a window, L.

    Raises:
        LookbackError: The store has no features of any labeled segment.
    """

    def __init__(
        self,
        store: FeatureStore,
        manifest: Manifest,
        look_back: int,
        mapping: LabelMap | None = None,
        task: Task | None = None,
    ) -> None:
        """Find the labeled segments. Features are read when they are first needed.

        Args:
            store: Feature store of the videos.
            manifest: Manifest with the labels and the split.
            look_back: Number of steps in a window, L.
            mapping: Labels of the manifest and those of a model, whose order counts; None if they
                are the same.
            task: Task of a model; None for that of the manifest.
        """
        self.task = task or task_of(manifest)
        manifest = manifest.with_task(self.task.several)
        self.store = store
        self.look_back = look_back
        # The first steps of a clip network see fewer frames than a clip has.
        clip_length, stride = store.spec["clip_length"], store.spec["sampling"]["hop"]
        self._steps_before_full = steps_before_full(clip_length, stride)
        self.labels = list(mapping.labels) if mapping else manifest.labels
        self.without_features = [video for video in manifest.videos if video not in store]
        missing = set(self.without_features)
        steps = {video: store.steps(video) for video in manifest.videos if video not in missing}
        targets = {label: target for target, label in enumerate(self.labels)}
        self.segments: list[LabeledSegment] = []
        for segment in segments_of(manifest):
            target = self._target(segment.label, targets, mapping)
            if segment.video not in missing and target is not None:
                labeled = _labeled_segment(store, segment, target, steps[segment.video])
                if labeled.first < labeled.last:
                    self.segments.append(labeled)
        if not self.segments:
            raise LookbackError(
                f"{store.path}: contains no features of any clip in {manifest.path}; run "
                f"{command('extract')}"
            )

    def _target(
        self, text: str, numbers: Mapping[str, int], mapping: LabelMap | None
    ) -> Target | None:
        """Return the target of a label; None if the mapping leaves it out."""
        if not self.task.several:
            label = mapping.of(text) if mapping else text
            return None if label is None else numbers[label]
        names = [name for name in labels_in(text) if name != BACKGROUND]
        known = [name for each in names if (name := mapping.of(each) if mapping else each)]
        if names and not known:
            return None
        return tuple(sorted({numbers[name] for name in known}))

    def targets(self, segments: Sequence[LabeledSegment]) -> np.ndarray:
        """Return the targets of segments: class indices (n,), or indicators of classes (n, K)."""
        return self.task.encoded([segment.target for segment in segments], len(self.labels))

    def label_of(self, segment: LabeledSegment) -> str:
        """Return the label of a segment as text, such as `run|wave`."""
        return joined(self.labels[number] for number in classes_of(segment.target))

    def with_look_back(self, look_back: int) -> "Dataset":
        """Return the same dataset with another look-back."""
        other = copy(self)
        other.look_back = look_back
        return other

    def split(self, name: str) -> list[LabeledSegment]:
        """Return the segments of a split (train, val or test), or of all."""
        return [segment for segment in self.segments if name in (segment.split, ALL)]

    def require_splits(self, splits: Sequence[str] = SPLITS) -> None:
        """Check that every class has features in every split.

        Args:
            splits: Names of the splits to check.

        Raises:
            LookbackError: A class has none in a split.
        """
        anywhere = classes_in(self.segments)
        for split in splits:
            present = classes_in(self.split(split))
            for target, label in enumerate(self.labels):
                # Videos labeled from start to end have no background; any other class is needed.
                unused = label == BACKGROUND and target not in anywhere
                if target not in present and not unused:
                    raise LookbackError(
                        f"{self.store.path}: no clip of class {label} in split {split} has "
                        f"features; run {command('extract')}, or make a new split with "
                        f"{command('prepare')} --split"
                    )

    def require_variation(self, segments: list[LabeledSegment]) -> None:
        """Check that segments differ in their features.

        Raises:
            LookbackError: All segments have the same features, so there is nothing to learn.
        """
        first = self.rows(segments[0])
        tolerance = MIN_RELATIVE_DIFFERENCE * float(np.abs(first).max())
        constant = all(_equal(self.rows(segment), first[:1], tolerance) for segment in segments)
        if constant or all(_equal(self.rows(segment), first, tolerance) for segment in segments):
            raise LookbackError(
                f"{self.store.path}: all {len(segments)} clips have the same features, so there is "
                "nothing to learn; check the clips (all black, or all the same?), or extract with "
                f"another backbone: {command('extract')} --backbone NAME"
            )

    def full_steps(self, segment: LabeledSegment) -> range:
        """Return the steps whose window, with all its clips, lies inside the segment.

        A segment that is too short for one gives its last step.
        """
        return full_steps(segment.first, segment.last, self.look_back + self._steps_before_full)

    def windows(self, segments: list[LabeledSegment], steps: Iterable[ArrayLike]) -> Windows:
        """Return the windows at given steps of each segment, one segment after another.

        Args:
            segments: Segments to take windows from.
            steps: Steps of each segment, counted from the start of its video.
        """
        indices = [np.asarray(each, np.int64) for each in steps]
        firsts = np.array([self.store.first_row(each.video) for each in segments], np.int64)
        counts = [len(each) for each in indices]
        first = np.repeat(firsts, counts)
        segment = np.repeat(np.arange(len(segments)), counts)
        newest = first + np.concatenate(indices)
        return Windows(self.store, newest, first, segment, self.look_back)

    def full_windows(self, segments: list[LabeledSegment], views: int | str = "all") -> Windows:
        """Return the full windows of segments, one segment after another, in time order.

        Args:
            segments: Segments to take windows from.
            views: Maximum number of evenly spaced windows per segment, or "all".
        """
        steps = [_evenly_spaced(self.full_steps(segment), views) for segment in segments]
        return self.windows(segments, steps)

    def training_windows(
        self,
        segments: list[LabeledSegment],
        windows_per_clip: int | str,
        random: np.random.Generator,
    ) -> Windows:
        """Return random full windows of every segment, shuffled.

        Args:
            segments: Segments to take windows from.
            windows_per_clip: Maximum number of windows per segment, or "all".
            random: Source of the random numbers.
        """
        steps = [self.full_steps(segment) for segment in segments]
        if windows_per_clip != "all":
            steps = [
                random.choice(each, min(windows_per_clip, len(each)), replace=False)
                for each in steps
            ]
        sampled = self.windows(segments, steps)
        return sampled.reorder(random.permutation(len(sampled)))

    def bags(
        self, segments: list[LabeledSegment], size: int, random: np.random.Generator
    ) -> Windows:
        """Return `size` full windows of every segment, one shuffled segment after another.

        They are evenly spaced with a random phase. A segment with fewer windows repeats some.

        Args:
            segments: Segments to take windows from.
            size: Number of windows per segment, W.
            random: Source of the random numbers.
        """
        steps = []
        for segment in segments:
            every = self.full_steps(segment)
            places = (np.arange(size) + random.random()) * len(every) / size
            steps.append(every[0] + places.astype(int))
        bags = self.windows(segments, steps)
        order = random.permutation(len(segments))[:, None] * size + np.arange(size)
        return bags.reorder(order.ravel())

    @property
    def first_full(self) -> int:
        """The first step of a video whose window is full, with all its clips."""
        return self.look_back + self._steps_before_full - 1

    def rows(self, segment: LabeledSegment) -> np.ndarray:
        """Return the features of a segment: float32 (n, D)."""
        return self.store.features(segment.video, segment.first, segment.last)

    @cached_property
    def has_motion(self) -> bool:
        """Whether all videos have motion energy, see `video.motion`."""
        videos = {segment.video for segment in self.segments}
        return all(self.store.has_motion(video) for video in videos)

    def motion(self, segment: LabeledSegment) -> np.ndarray:
        """Return the motion energy of a segment, if `has_motion`: float32 (n, 16)."""
        return self.store.motion(segment.video, segment.first, segment.last)

    def moments(self, segments: list[LabeledSegment]) -> Moments:
        """Return mean and standard deviation over all steps of `segments`."""
        return _moments(self.rows(segment) for segment in segments)

    def difference_moments(self, segments: list[LabeledSegment], moments: Moments) -> Moments:
        """Return the moments of |x_t - x_(t-1)|, where x are features standardized by `moments`."""
        return _moments(
            np.abs(np.diff(self.rows(segment), axis=0)) / moments.std for segment in segments
        )


def task_of(manifest: Manifest) -> Task:
    """Return the task of a data set."""
    return MULTI_LABEL if manifest.several else SINGLE_LABEL


def targets_of(segments: Sequence[LabeledSegment], count: int) -> np.ndarray:
    """Return the targets of segments: class indices (n,), or indicators of classes (n, K).

    Args:
        segments: Segments of one data set.
        count: Number of classes, K.
    """
    several = any(not isinstance(segment.target, int) for segment in segments)
    task = MULTI_LABEL if several else SINGLE_LABEL
    return task.encoded([segment.target for segment in segments], count)


def classes_in(segments: Iterable[LabeledSegment]) -> set[int]:
    """Return the indices of the classes that segments have."""
    return {number for segment in segments for number in classes_of(segment.target)}


def _equal(rows: np.ndarray, others: np.ndarray, tolerance: float) -> bool:
    """Return whether rows (n, D) equal others (n, D), or all equal a single row (1, D)."""
    if len(others) not in (1, len(rows)):
        return False
    return bool(np.abs(rows - others).max() <= tolerance)


def _evenly_spaced(steps: range, views: int | str) -> Sequence[int]:
    return steps if views == "all" or views >= len(steps) else evenly_spread(steps, views)


def _moments(arrays: Iterator[np.ndarray]) -> Moments:
    count, total, squares = 0, 0.0, 0.0
    for array in arrays:
        rows = array.astype(np.float64)
        count, total, squares = count + len(rows), total + rows.sum(0), squares + (rows**2).sum(0)
    mean = total / max(count, 1)
    std = np.sqrt(np.maximum(squares / max(count, 1) - mean**2, 0.0))
    if not std.any():  # a set of still images has no differences: keep the scale
        std = np.ones_like(mean)
    floor = max(MIN_RELATIVE_STD * float(std.mean()), 1e-6)
    return Moments(mean.astype(np.float32), np.maximum(std, floor).astype(np.float32))


def _labeled_segment(
    store: FeatureStore, segment: Segment, target: Target, steps: int
) -> LabeledSegment:
    """Convert a segment from seconds to steps of its video, which has `steps` steps."""
    first, last = 0, steps
    if segment.start > 0 or segment.end < float("inf"):
        first, last = np.searchsorted(
            store.seconds(segment.video), [segment.start, segment.end]
        ).tolist()
    return LabeledSegment(
        segment.video,
        target,
        segment.split,
        segment.group,
        first,
        last,
        segment.start,
        segment.end,
        segment.is_copy,
    )
