"""Training clips: the frames of the plan, sampled afresh each epoch, the same by the same seed."""

import threading
import time
from dataclasses import replace
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest

from clips.loading import batches as batching
from clips.loading import clip_reader, sampled_frames
from clips.loading.batches import ordered_batches, training_batches
from clips.loading.clip_reader import (
    ClipSampler,
    SegmentFrames,
    max_clips,
    read_all_clips,
    read_clips,
)
from clips.loading.clip_sampling import plan
from clips.manifest.segments import Segment
from recipes.schema import Augment
from tests.conftest import coded_frame, read_code, write_coded_images, write_coded_video
from video.errors import VideoError
from video.preprocessing import Preprocessing, Preprocessor
from video.sampling import Sampling
from video.sources import FileSource
from video.steps import Stepper
from video.writer import Mp4Writer

STILL = Augment(
    flip=False,
    rotation_degrees=0,
    shift=0,
    zoom=0,
    random_crop=False,
    short_side=None,
    brightness=0,
    contrast=0,
    saturation=0,
    hue=0,
    erasing=0,
    elastic=0,
    clahe=0,
    blur=0,
    pixel_dropout=0,
    time_reversal=0,
    speed=0,
    frame_drop=0,
    mixup=0,
    cutmix=0,
)
LIVELY = STILL.model_copy(
    update={"flip": True, "rotation_degrees": 10.0, "brightness": 0.2, "saturation": 0.3}
)
MOVING_CROP = STILL.model_copy(update={"random_crop": True, "short_side": (48, 60)})
LABELS = {"low": 0, "high": 1}
FRAMES = 20
PLAIN = Preprocessing(64, 48)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Ten videos of 20 frames at 10 a second: `low` of the codes 0 to 19, `high` from 100 on."""
    folder = tmp_path_factory.mktemp("videos")
    for number in range(10):
        label = ("low", "high")[number % 2]
        with Mp4Writer(folder / f"{label}-{number}.mp4", (64, 48), 10) as writer:
            for index in range(FRAMES):
                writer.write(coded_frame(100 * LABELS[label] + index), index / 10)
    return folder


@pytest.fixture(scope="module")
def segments(folder) -> list[Segment]:
    names = sorted(path.name for path in folder.glob("*.mp4"))
    found = [Segment(name, name.partition("-")[0], "train", name) for name in names]
    assert {segment.label for segment in found} == set(LABELS)
    return found


@pytest.fixture(scope="module")
def low(segments) -> Segment:
    return next(segment for segment in segments if segment.label == "low")


def sampler(folder: Path, count=3, clip_length=1, fps=10.0, how="random", **options) -> ClipSampler:
    given = {"preprocessing": PLAIN, "augment": STILL, **options}
    return ClipSampler(
        folder,
        Sampling(fps),
        clip_length=clip_length,
        clip_sampling=how,
        count=count,
        **given,
    )


def sample(segment: Segment, made: ClipSampler, seed: int = 0) -> list[np.ndarray]:
    return list(read_clips(segment, made, np.random.default_rng(seed)))


def codes(clips) -> list[list[int]]:
    """Return the numbers that the frames of each clip show."""
    return [[read_code(frame) for frame in clip] for clip in clips]


def epoch_of(folder, segments, epoch=0, seed=0, batch_size=4, **options) -> list:
    batches = training_batches(segments, sampler(folder, **options), batch_size, seed, epoch)
    return [(clips, classes_of(segments, indices)) for clips, indices in batches]


def classes_of(segments: list[Segment], indices: np.ndarray) -> np.ndarray:
    return np.array([LABELS[segments[index].label] for index in indices])


def codes_of_batches(batches: list) -> list[int]:
    """Return the number that the last frame of every clip shows."""
    return [code[-1] for clips, _ in batches for code in codes(clips)]


def steps_of(path: Path, sampling: Sampling, preprocessing: Preprocessing, clip_length: int):
    stepper = Stepper(sampling, preprocessing, clip_length)
    with FileSource(path) as source:
        return [step for frame in source for step in stepper.push(frame)]


@pytest.mark.parametrize("clip_length", [1, 3, 8])
@pytest.mark.parametrize("count", [1, 3, FRAMES])
def test_clips_are_uint8_and_as_many_as_there_are(folder, low, count, clip_length):
    clips = sample(low, sampler(folder, count, clip_length))
    assert {(clip.shape, clip.dtype) for clip in clips} == {
        ((clip_length, 48, 64, 3), np.dtype(np.uint8))
    }
    ends = [code[-1] for code in codes(clips)]
    assert len(ends) == min(count, FRAMES - clip_length + 1)
    assert ends == sorted(set(ends))


@pytest.mark.parametrize("how", ["random", "dense", "uniform"])
def test_the_frames_of_the_plan_arrive(folder, low, how):
    there = range(0, FRAMES, 2) if how == "random" else range(FRAMES)
    for clip_length, seed in product([1, 4, 16, 30], range(4)):
        made = sampler(folder, 4, clip_length, fps=5.0, how=how)
        planned = plan(range(len(there)), clip_length, 4, how, np.random.default_rng(seed))
        wanted = [[there[n] for n in clip] for clip in planned]
        assert codes(sample(low, made, seed)) == wanted, f"T={clip_length}, seed {seed}"


@pytest.mark.parametrize("change_seconds", [0.2, 0.3])
def test_a_clip_of_a_change_picture_is_that_of_a_step(folder, low, change_seconds):
    made = replace(sampler(folder, "all"), sampling=Sampling(5.0, change_seconds=change_seconds))
    steps = steps_of(folder / low.video, made.sampling, PLAIN, 1)
    clips = sample(low, made)
    assert len(clips) == len(steps) > 7
    assert all(np.array_equal(clip, step.clip) for clip, step in zip(clips, steps, strict=True))
    assert clips[0].shape == (2, 48, 64, 3)
    assert made.clip_bytes == clips[0].nbytes


def test_both_frames_of_a_change_picture_are_augmented_alike(folder, low):
    flips = STILL.model_copy(update={"flip": True})
    made = replace(
        sampler(folder, "all", augment=flips), sampling=Sampling(5.0, change_seconds=0.2)
    )
    plain = sample(low, replace(made, augment=STILL))
    flipped = 0
    for clip, still in zip(sample(low, made), plain, strict=True):
        same, mirrored = np.array_equal(clip, still), np.array_equal(clip, still[:, :, ::-1])
        assert same or mirrored
        flipped += mirrored
    assert 0 < flipped < len(plain)


def test_all_gives_every_full_clip_in_order(folder, low):
    single = codes(sample(low, sampler(folder, "all")))
    assert single == [[number] for number in range(FRAMES)]
    clips = codes(sample(low, sampler(folder, "all", 5)))
    assert clips == [list(range(start, start + 5)) for start in range(FRAMES - 4)]


def test_random_follows_the_sampling_and_the_others_the_source(folder, low):
    def three_frames(fps, how) -> list[list[int]]:
        return codes(sample(low, sampler(folder, "all", 3, fps, how)))

    for fps, stride in ((5.0, 2), (2.0, 5), (None, 1)):
        starts = range(0, FRAMES - 2 * stride, stride)
        assert three_frames(fps, "random") == [[s, s + stride, s + 2 * stride] for s in starts]
        assert three_frames(fps, "dense") == [[s, s + 1, s + 2] for s in range(FRAMES - 2)]
        assert three_frames(fps, "uniform") == [[0, 9, 19]]


@pytest.mark.parametrize(
    ("how", "wanted"),
    [
        ("random", {(5, 6, 7), (6, 7, 8)}),
        ("dense", {(5, 6, 7), (6, 7, 8)}),
        ("uniform", {(5, 6, 8)}),
    ],
)
@pytest.mark.parametrize("count", ["all", 1])
def test_a_span_s_start_and_end_are_respected(folder, low, count, how, wanted):
    part = replace(low, start=0.5, end=0.9)  # from start up to, not including, end
    made, seen = sampler(folder, count, 3, how=how), set()
    for seed in range(20):
        clips = codes(sample(part, made, seed))
        assert len(clips) == (len(wanted) if count == "all" else 1)
        seen.update(map(tuple, clips))
    assert seen == wanted


@pytest.mark.parametrize("how", ["random", "dense"])
def test_a_span_shorter_than_a_clip_has_its_last_step_s(folder, low, how):
    made = sampler(folder, "all", 6, how=how)
    within = replace(low, start=0.8, end=1.0)
    assert codes(sample(within, made)) == [[4, 5, 6, 7, 8, 9]]  # what live has seen by then
    begins = replace(low, end=0.3)
    assert codes(sample(begins, made)) == [[0, 0, 0, 0, 1, 2]]


def test_uniform_repeats_frames_of_a_short_span_and_takes_no_others(folder, low):
    part = replace(low, start=0.8, end=1.0)
    assert codes(sample(part, sampler(folder, 2, 4, how="uniform"))) == [[8, 8, 8, 9]]


def test_a_span_beyond_the_video_gives_no_clips(folder, low):
    beyond = replace(low, start=50.0)
    for how in ("random", "dense", "uniform"):
        assert sample(beyond, sampler(folder, how=how)) == []
    assert list(training_batches([beyond], sampler(folder), 4, 0, 0)) == []
    assert list(ordered_batches([beyond], sampler(folder), 4)) == []


def test_repeated_steps_of_a_slow_video_can_be_sampled(tmp_path):
    write_coded_video(tmp_path / "slow.mp4", 3, rate=2)
    segment = Segment("slow.mp4", "low", "train", "g")
    assert codes(sample(segment, sampler(tmp_path, "all"))) == [[0]] * 5 + [[1]] * 5 + [[2]]
    assert codes(sample(segment, sampler(tmp_path, "all", 7)))[-1] == [0, 1, 1, 1, 1, 1, 2]
    assert codes(sample(segment, sampler(tmp_path, "all", 2, how="dense"))) == [[0, 1], [1, 2]]


def test_a_varying_frame_rate_is_followed_by_its_time_stamps(tmp_path):
    times = [0, 0.1, 0.15, 0.5, 0.51, 1.02]
    write_coded_video(tmp_path / "varying.mp4", len(times), times=times)
    ticks = [0, 1, 2, 2, 2, 3, 4, 4, 4, 4, 4]
    whole = Segment("varying.mp4", "low", "train", "g")
    clips = codes(sample(whole, sampler(tmp_path, "all", 4)))
    assert clips == [ticks[start : start + 4] for start in range(8)]
    # At 0.3 s the frame of 0.15 s is still shown; of the source's own frames, 0.5 s is the first.
    part = replace(whole, start=0.3, end=0.505)
    assert codes(sample(part, sampler(tmp_path, "all", 2))) == [[2, 2], [2, 3]]
    assert codes(sample(part, sampler(tmp_path, "all", 1, how="dense"))) == [[3]]
    assert codes(sample(part, sampler(tmp_path, "all", 1, how="uniform"))) == [[3]]


@pytest.mark.parametrize(
    ("fps", "clip_length", "rate"), [(10, 1, 10), (7, 4, 10), (None, 8, 10), (25, 6, 3), (4, 30, 9)]
)
def test_a_random_clip_is_what_the_stepper_gives_at_its_step(tmp_path, fps, clip_length, rate):
    path = write_coded_video(tmp_path / "clip.mp4", 24, rate)
    whole = Segment("clip.mp4", "low", "train", "g")
    for wanted in (PLAIN, Preprocessing(24, 24, "crop", 30)):
        steps = steps_of(path, Sampling(fps), wanted, clip_length)
        for augment, segment in product([None, STILL], [whole, replace(whole, start=1.0, end=1.9)]):
            made = sampler(tmp_path, 4, clip_length, fps, preprocessing=wanted, augment=augment)
            inside = [step.index for step in steps if segment.holds(step.seconds)]
            there = range(inside[0], inside[-1] + 1)
            for seed in range(3):
                case = (
                    f"{wanted}, {'training' if augment else 'validation'}, {segment}, seed {seed}"
                )
                random = np.random.default_rng(seed) if augment else None
                ends = [int(clip[-1]) for clip in plan(there, clip_length, 4, "random", random)]
                clips = sample(segment, made, seed)
                assert len(clips) == len(ends), case
                for clip, end in zip(clips, ends, strict=True):
                    assert clip.tobytes() == steps[end].clip.tobytes(), case


@pytest.mark.parametrize(("clip_length", "stride"), [(1, 3), (4, 2), (4, 5)])
def test_all_gives_the_full_clips_of_extraction_s_steps(folder, low, clip_length, stride):
    made = replace(sampler(folder, "all", clip_length), sampling=Sampling(10.0, stride))
    steps = steps_of(folder / low.video, made.sampling, PLAIN, clip_length)
    clips = sample(low, made)
    full = [step.clip for step in steps if step.full]
    assert len(clips) == len(full) > 3
    assert all(np.array_equal(a, b) for a, b in zip(clips, full, strict=True))


def test_each_epoch_samples_again(folder, segments):
    for options in ({}, {"clip_length": 4, "how": "dense"}):
        alone = [
            tuple(sorted(codes_of_batches(epoch_of(folder, segments[:1], epoch, **options))))
            for epoch in range(8)
        ]
        assert len(set(alone)) > 6  # not only another order of the videos
    orders = [
        codes_of_batches(epoch_of(folder, segments, epoch, count="all")) for epoch in range(3)
    ]
    assert len(set(map(tuple, orders))) == 3
    assert len({tuple(sorted(order)) for order in orders}) == 1


@pytest.mark.parametrize("clip_length", [1, 4])
@pytest.mark.parametrize("augment", [STILL, LIVELY, MOVING_CROP], ids=["still", "lively", "crop"])
def test_the_same_seed_samples_the_same_clips_in_the_same_order(
    folder, segments, augment, clip_length
):
    options = {
        "augment": augment,
        "clip_length": clip_length,
        "preprocessing": Preprocessing(40, 40, "crop", 48),
    }
    first = epoch_of(folder, segments, epoch=2, seed=5, **options)
    again = epoch_of(folder, segments, epoch=2, seed=5, **options)
    assert len(first) == len(again)
    for (clips, classes), (others, other_classes) in zip(first, again, strict=True):
        assert np.array_equal(clips, others)
        assert np.array_equal(classes, other_classes)
    other = epoch_of(folder, segments, epoch=2, seed=6, **options)
    assert codes_of_batches(first) != codes_of_batches(other)


def test_a_segments_length_is_found_once_and_changes_no_sample(folder, low, monkeypatch):
    opened, indexed = [], []
    monkeypatch.setattr(
        sampled_frames, "open_video", lambda path: opened.append(path) or FileSource(path)
    )
    index_of = sampled_frames.index_of
    monkeypatch.setattr(
        sampled_frames, "index_of", lambda path: indexed.append(path) or index_of(path)
    )
    made = sampler(folder, 2, 4)
    first, again = sample(low, made, 3), sample(low, made, 3)
    assert len(opened) == 3  # looked for, sampled, sampled
    assert np.array_equal(first, again)
    sample(replace(low, end=1.0), made)
    sample(replace(low, start=1.0), made)
    assert (len(opened), len(indexed)) == (3, 1)  # the parts of a video are found together
    assert np.array_equal(sample(low, replace(made), 3), first)


def test_clips_come_from_a_folder_of_frames_as_from_a_video(folder, low, tmp_path):
    write_coded_images(tmp_path / "a", range(FRAMES), 10.0)
    frames = replace(low, video="a@10fps")
    for how in ("random", "uniform", "dense"):
        of_frames = codes(sample(frames, sampler(tmp_path, 3, 4, how=how)))
        assert of_frames == codes(sample(low, sampler(folder, 3, 4, how=how)))


def test_only_frames_of_the_plan_are_converted_and_decoding_ends_with_them(
    folder, low, monkeypatch
):
    converted, decoded = [], []

    class Watched(Preprocessor):
        def __call__(self, frame, *place):
            converted.append(frame.index)
            return super().__call__(frame, *place)

    class WatchedFile(FileSource):
        def __iter__(self):
            for frame in super().__iter__():
                decoded.append(frame.index)
                yield frame

    made = sampler(folder, 3, 4)
    sample(low, made)
    monkeypatch.setattr(clip_reader, "Preprocessor", Watched)
    monkeypatch.setattr(sampled_frames, "open_video", WatchedFile)
    stops = set()
    for seed in range(10):
        converted.clear(), decoded.clear()
        shown = {number for code in codes(sample(low, made, seed)) for number in code}
        assert converted == sorted(shown)
        assert decoded == list(range(max(shown) + 1))
        stops.add(max(shown))
    assert len(stops) > 1


def test_validation_sees_the_same_even_clips_every_time(folder, segments, low):
    made = sampler(folder, 3, 4, augment=None)
    assert codes(sample(low, made)) == [[2, 3, 4, 5], [8, 9, 10, 11], [14, 15, 16, 17]]
    (center,) = codes(sample(low, replace(made, count=1)))
    assert center == [8, 9, 10, 11]
    once, again = (list(ordered_batches(segments, made, 7)) for _ in range(2))
    for (clips, indices), (others, other_indices) in zip(once, again, strict=True):
        assert np.array_equal(clips, others)
        assert np.array_equal(indices, other_indices)


@pytest.mark.parametrize("batch_size", [1, 7, 30, 100])
def test_validation_batches_tell_each_clip_s_span(folder, segments, batch_size):
    batches = list(ordered_batches(segments, sampler(folder, augment=None), batch_size))
    sizes = [len(indices) for _, indices in batches]
    assert set(sizes[:-1]) <= {batch_size}
    indices = np.concatenate([indices for _, indices in batches])
    assert indices.tolist() == [index for index in range(len(segments)) for _ in range(3)]
    for index, code in zip(indices, codes_of_batches(batches), strict=True):
        assert int(code >= 100) == LABELS[segments[index].label]


@pytest.mark.parametrize("clip_length", [1, 3])
def test_every_clip_has_the_label_of_its_span(folder, segments, clip_length):
    for clips, classes in epoch_of(folder, segments, clip_length=clip_length):
        assert clips.dtype == np.uint8
        assert clips.shape[1:] == (clip_length, 48, 64, 3)
        assert [int(code[-1] >= 100) for code in codes(clips)] == classes.tolist()


@pytest.mark.parametrize("batch_size", [1, 4, 7, 1000])
def test_batches_are_full_but_the_last_and_lose_nothing(folder, segments, batch_size):
    batches = epoch_of(folder, segments, batch_size=batch_size)
    sizes = [len(classes) for _, classes in batches]
    assert sum(sizes) == 30
    assert set(sizes[:-1]) <= {batch_size}
    assert 1 <= sizes[-1] <= batch_size


@pytest.mark.parametrize(("waiting", "batch_size"), [(50, 10), (1, 10), (0, 1)])
def test_batches_lose_nothing_where_the_pool_overflows(
    folder, segments, monkeypatch, waiting, batch_size
):
    made = sampler(folder, "all")
    monkeypatch.setattr(batching, "_SHUFFLE_BYTES", waiting * made.clip_bytes)
    batches = epoch_of(folder, segments, count="all", batch_size=batch_size)
    assert sorted(codes_of_batches(batches)) == sorted(
        100 * LABELS[segment.label] + index for segment in segments for index in range(FRAMES)
    )
    if waiting == 50:
        mixed = [len(set(classes.tolist())) == 2 for _, classes in batches]
        assert sum(mixed) > len(mixed) / 2


def test_the_pool_is_bounded_in_bytes(folder, segments, monkeypatch):
    made, seen, counts = sampler(folder, "all", 4), 0, []
    monkeypatch.setattr(batching, "_SHUFFLE_BYTES", 20 * made.clip_bytes)
    real = read_all_clips

    def counted(*arguments):
        nonlocal seen
        for sampled in real(*arguments):
            seen += 1
            yield sampled

    monkeypatch.setattr(batching, "read_all_clips", counted)
    for number, _ in enumerate(training_batches(segments, made, 6, 0, 0)):
        counts.append(seen - 6 * number)
    assert max(counts) == 21


def test_augmentation_changes_the_pixels_of_a_whole_clip_alike(folder, segments, low):
    plain = sample(low, sampler(folder, 3, 4))
    lively = sample(low, sampler(folder, 3, 4, augment=LIVELY))
    assert [clip.shape for clip in plain] == [clip.shape for clip in lively]
    assert all(not np.array_equal(a, b) for a, b in zip(plain, lively, strict=True))
    # A segment of one frame, which is repeated: one image, whatever is sampled.
    short = replace(next(segment for segment in segments if segment.label == "high"), end=0.1)
    for augment in (LIVELY, MOVING_CROP):
        made = sampler(
            folder, 1, 5, augment=augment, preprocessing=Preprocessing(40, 40, "crop", 48)
        )
        varied = [sample(short, made, seed)[0] for seed in range(6)]
        assert all((clip == clip[:1]).all() for clip in varied)
        assert len({clip.tobytes() for clip in varied}) > 3


def test_clips_of_one_video_are_varied_each_by_values_of_its_own(tmp_path):
    with Mp4Writer(tmp_path / "still.mp4", (64, 48), 10) as writer:
        for index in range(8):
            writer.write(coded_frame(90), index / 10)
    segment = Segment("still.mp4", "low", "train", "g")
    crop = Preprocessing(32, 32, "crop", 48)
    for augment in (LIVELY, MOVING_CROP):
        clips = sample(segment, sampler(tmp_path, "all", 2, augment=augment, preprocessing=crop))
        assert len({clip.tobytes() for clip in clips}) == len(clips)


@pytest.mark.parametrize("ahead", [1, 1000])
def test_sampled_clips_come_in_order_and_follow_the_seed_and_the_index_alone(
    folder, segments, monkeypatch, ahead
):
    monkeypatch.setattr(clip_reader, "_CLIPS_AHEAD", ahead)
    monkeypatch.setattr(clip_reader, "_BYTES_AHEAD", 0)
    made = sampler(folder, 3, 4, augment=LIVELY)
    everything = list(read_all_clips(segments, made, (7,)))
    indices = [index for index, _ in everything]
    assert indices == [index for index in range(len(segments)) for _ in range(3)]
    alone = [
        clip
        for index, segment in enumerate(segments)
        for clip in read_clips(
            segment, sampler(folder, 3, 4, augment=LIVELY), np.random.default_rng([7, index])
        )
    ]
    assert all(np.array_equal(a, b) for (_, a), b in zip(everything, alone, strict=True))


def test_threads_hold_few_clips_ready(folder, segments, monkeypatch):
    monkeypatch.setattr(clip_reader, "_BYTES_AHEAD", 0)
    finished = []
    real = clip_reader._PlannedClip.stack

    def counted(self):
        finished.append(self)
        return real(self)

    monkeypatch.setattr(clip_reader._PlannedClip, "stack", counted)
    sampled = read_all_clips(segments, sampler(folder, "all"))
    next(sampled)
    time.sleep(0.5)  # long enough to decode everything, were there no bound
    threads, ready = clip_reader._THREADS, clip_reader._CLIPS_AHEAD
    assert len(finished) <= threads * (ready + 1) + 1
    sampled.close()


@pytest.mark.parametrize("clip_length", [1, 4])
@pytest.mark.parametrize("how", ["random", "dense", "uniform"])
def test_all_clips_are_counted_without_converting_any(
    folder, segments, monkeypatch, how, clip_length
):
    short = [replace(segment, end=0.7) for segment in segments[:2]]
    chosen = [*segments[:3], *short, Segment("gone.mp4", "low", "train", "g")]
    made = sampler(folder, "all", clip_length, how=how, augment=LIVELY)
    sampled = list(read_all_clips(chosen, made))
    monkeypatch.setattr(clip_reader, "Preprocessor", None)
    assert max_clips(chosen, replace(made, segment_frames=SegmentFrames())) == len(sampled)
    assert max_clips(chosen, replace(made, count=5)) == 5 * len(chosen)


def test_an_order_of_the_spans_changes_no_clip(folder, segments):
    made = sampler(folder, 2, 4, augment=LIVELY)
    wanted = list(read_all_clips(segments, made, (3, 1)))
    order = [4, 0, 7]
    found = list(read_all_clips(segments, made, (3, 1), order))
    assert [index for index, _ in found] == [4, 4, 0, 0, 7, 7]
    for place, (index, clip) in enumerate(found):
        assert np.array_equal(clip, wanted[2 * index + place % 2][1])


def test_an_epoch_s_clips_are_those_of_ordered_batches(folder, segments):
    made = sampler(folder, 3, 4, augment=LIVELY)
    mixed = list(training_batches(segments, made, 4, 5, 2))
    ordered = list(ordered_batches(segments, made, 7, (5, 2)))

    def examples(batches: list) -> list[tuple]:
        return [
            (n, c.tobytes())
            for clips, segments in batches
            for n, c in zip(segments, clips, strict=True)
        ]

    assert examples(mixed) != examples(ordered)
    assert sorted(examples(mixed)) == sorted(examples(ordered))


def test_videos_that_cannot_be_read_are_skipped(folder, segments, tmp_path):
    for segment in segments:
        (tmp_path / segment.video).write_bytes((folder / segment.video).read_bytes())
    (tmp_path / segments[2].video).write_bytes(b"no video")
    (tmp_path / segments[5].video).unlink()
    with pytest.raises(VideoError):
        sample(segments[2], sampler(tmp_path))
    sampled = [index for index, _ in read_all_clips(segments, sampler(tmp_path), (0,))]
    assert sorted(set(sampled)) == [0, 1, 3, 4, 6, 7, 8, 9]
    assert len(codes_of_batches(epoch_of(tmp_path, segments))) == 24


@pytest.mark.parametrize("clip_length", [1, 4])
def test_a_file_that_has_become_shorter_gives_what_it_has(tmp_path, clip_length):
    write_coded_video(tmp_path / "clip.mp4", 20)
    segment = Segment("clip.mp4", "low", "train", "g")
    made = sampler(tmp_path, "all", clip_length)
    assert len(sample(segment, made)) == 21 - clip_length
    write_coded_video(tmp_path / "clip.mp4", 9)
    assert [code[-1] for code in codes(sample(segment, made))] == list(range(clip_length - 1, 9))
    (tmp_path / "clip.mp4").unlink()
    assert list(read_all_clips([segment], made)) == []


def test_leaving_an_epoch_early_ends_its_threads(folder, segments):
    before = set(threading.enumerate())
    batches = training_batches(segments * 20, sampler(folder, 5), 4, 0, 0)
    next(batches)
    batches.close()
    assert set(threading.enumerate()) <= before
    sampled = read_all_clips(segments * 20, sampler(folder, 5))
    next(sampled)
    sampled.close()
    assert set(threading.enumerate()) <= before


def test_an_unexpected_error_in_a_thread_is_raised_and_ends_the_others(
    folder, segments, monkeypatch
):
    def broken(self):
        raise RuntimeError("a bug")

    monkeypatch.setattr(clip_reader._PlannedClip, "stack", broken)
    before = set(threading.enumerate())
    with pytest.raises(RuntimeError, match="a bug"):
        list(read_all_clips(segments, sampler(folder)))
    assert set(threading.enumerate()) <= before


@pytest.mark.parametrize("clip_length", [1, 4])
def test_every_place_is_sampled_equally_often(folder, low, clip_length):
    made, counts = sampler(folder, 4, clip_length), np.zeros(FRAMES)
    for seed in range(200):
        counts[[code[-1] for code in codes(sample(low, made, seed))]] += 1
    places = FRAMES - clip_length + 1
    assert counts.sum() == 800
    # 200 samples of 4 in 20 (17): 40 (47) each, with a deviation of 5.7 (6).
    assert np.abs(counts[clip_length - 1 :] - 800 / places).max() < 26


def test_distinct_clips_follow_each_other_in_time(folder, low):
    for seed in range(10):
        ends = [code[-1] for code in codes(sample(low, sampler(folder, 6, 3), seed))]
        assert all(a < b for a, b in pairwise(ends))


def test_an_error_while_decoding_is_raised_to_the_reader_and_names_the_file(
    folder, segments, monkeypatch
):
    def broken(*_):
        raise MemoryError

    monkeypatch.setattr(clip_reader, "Preprocessor", broken)
    with pytest.raises(MemoryError) as error:
        list(read_all_clips(segments, sampler(folder)))
    assert error.value.__notes__ == [f"while reading {folder / segments[0].video}"]
