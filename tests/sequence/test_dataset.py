"""Dataset: segments, windows, sampling of an epoch, moments, and refusals."""

import numpy as np
import pytest

from clips.manifest import Entry, Manifest
from extract.feature_store.part import Part
from extract.feature_store.reader import FeatureStore
from sequence.dataset import Dataset
from sequence.windows import windows
from tests.sequence.stores import Clip, dataset_of, store_of
from video.errors import LookbackError


def numbered(video: int, length: int, size: int = 3) -> np.ndarray:
    """Return features that encode video and step: every column is 100 video + step."""
    return np.repeat(100.0 * video + np.arange(length)[:, None], size, 1).astype(np.float32)


@pytest.fixture
def two_clips(tmp_path):
    clips = [Clip("a.mp4", numbered(1, 9), "a"), Clip("b.mp4", numbered(2, 12), "b")]
    return dataset_of(tmp_path, clips, look_back=4)


def every_step(dataset: Dataset):
    """Return the windows at all steps of all segments, full or not."""
    return dataset.windows(dataset.segments, [range(p.first, p.last) for p in dataset.segments])


def test_a_window_never_spans_two_videos(two_clips):
    found = every_step(two_clips)
    assert found[:].shape == (9 + 12, 4, 3)
    assert found[:].dtype == np.float32
    for window, number in zip(found[:], found.segment, strict=True):
        assert set(np.unique(window) // 100) == {two_clips.segments[number].target + 1}


def test_windows_equal_offline_windows_also_for_segments_within_a_video(
    tmp_path,
):
    clips = [
        Clip("a.mp4", numbered(1, 20), "goal", start=0.5, end=1.2),
        Clip("b.mp4", numbered(2, 3), "goal"),
    ]
    dataset = dataset_of(tmp_path, clips, look_back=4)
    assert len(dataset.segments) == 3 + 1
    found = every_step(dataset)
    wanted = [
        windows(dataset.store.features(segment.video), 4)[segment.first : segment.last]
        for segment in dataset.segments
    ]
    np.testing.assert_array_equal(found[:], np.concatenate(wanted))
    assert found.segment.tolist() == np.repeat(range(4), [len(part) for part in wanted]).tolist()
    order = np.random.default_rng(0).permutation(len(found))
    np.testing.assert_array_equal(found.reorder(order)[3:9], found[:][order[3:9]])


def test_full_windows_equal_offline_windows_at_the_full_steps(two_clips):
    segments = two_clips.segments
    wanted = [
        windows(two_clips.rows(segment), 4)[list(two_clips.full_steps(segment))]
        for segment in segments
    ]
    found = two_clips.full_windows(segments)
    assert len(found) == 6 + 9
    np.testing.assert_array_equal(found[:], np.concatenate(wanted))
    np.testing.assert_array_equal(found[4:8], np.concatenate(wanted)[4:8])


def test_a_clip_shorter_than_the_look_back_has_one_window(tmp_path):
    dataset = dataset_of(tmp_path, [Clip("a.mp4", numbered(1, 3), "a")], look_back=5)
    batch = dataset.full_windows(dataset.segments)[:]
    assert batch[:, :, 0].tolist() == [[100, 100, 100, 101, 102]]


def test_a_labeled_segment_excludes_its_end_and_the_rest_is_background(tmp_path):
    # At 10 steps per second, [0.5 s, 1.2 s) contains the steps 5..11.
    clip = Clip("a.mp4", numbered(1, 20), "goal", start=0.5, end=1.2)
    dataset = dataset_of(tmp_path, [clip], look_back=4)
    assert dataset.labels == ["background", "goal"]
    segments = {
        (segment.first, segment.last): dataset.labels[segment.target]
        for segment in dataset.segments
    }
    assert segments == {(0, 5): "background", (5, 12): "goal", (12, 20): "background"}
    goal = next(segment for segment in dataset.segments if segment.target == 1)
    assert list(dataset.full_steps(goal)) == [8, 9, 10, 11]
    batch = dataset.full_windows([goal])[:]
    assert batch.min() == 105
    assert batch.max() == 111


def test_a_segment_without_end_reaches_the_last_step(tmp_path):
    clip = Clip("a.mp4", numbered(1, 20), "goal", start=1.5)
    dataset = dataset_of(tmp_path, [clip], look_back=2)
    assert [(p.first, p.last) for p in dataset.segments if p.target == 1] == [(15, 20)]


def test_a_segment_without_steps_is_left_out(tmp_path):
    clip = Clip("a.mp4", numbered(1, 10), "goal", start=30.0, end=40.0)
    dataset = dataset_of(tmp_path, [clip], look_back=2)
    assert [dataset.labels[segment.target] for segment in dataset.segments] == ["background"]


def sample_epoch(dataset: Dataset, count, random) -> list[tuple[int, int]]:
    """Return the (class, last step) of all windows of an epoch of `numbered` features."""
    found, sampled = dataset.training_windows(dataset.segments, count, random), []
    for window, number in zip(found[:], found.segment, strict=True):
        # In a full window no step is repeated.
        np.testing.assert_array_equal(np.diff(window[:, 0]), 1)
        assert window[0, 0] // 100 == number + 1
        sampled.append((int(number), int(window[-1, 0]) % 100))
    return sampled


def test_an_epoch_samples_one_full_window_per_clip(two_clips):
    assert sorted(number for number, _ in sample_epoch(two_clips, 1, np.random.default_rng(0))) == [
        0,
        1,
    ]


def test_epochs_sample_different_windows_and_finally_all(two_clips):
    random = np.random.default_rng(0)
    epochs = [frozenset(sample_epoch(two_clips, 1, random)) for _ in range(150)]
    assert len(set(epochs)) > 20
    seen = set().union(*epochs)
    assert seen == {(0, s) for s in range(3, 9)} | {(1, s) for s in range(3, 12)}


def test_the_same_seed_samples_the_same_windows_in_the_same_order(two_clips):
    first, second = (sample_epoch(two_clips, 2, np.random.default_rng(5)) for _ in range(2))
    assert first == second


def test_windows_per_clip_all_gives_every_full_window_once(two_clips):
    got = sample_epoch(two_clips, "all", np.random.default_rng(0))
    assert sorted(got) == [(0, s) for s in range(3, 9)] + [(1, s) for s in range(3, 12)]


def test_windows_of_a_clip_are_sampled_without_replacement(two_clips):
    got = sample_epoch(two_clips, 7, np.random.default_rng(0))
    assert len(set(got)) == len(got) == 6 + 7


@pytest.fixture
def random_dataset(tmp_path):
    random = np.random.default_rng(3)
    clips = [
        Clip(f"{n}.mp4", random.normal(5 * n, 1 + n, size=(length, 4)).astype(np.float32), "ab"[n])
        for n, length in enumerate((17, 30))
    ]
    return dataset_of(tmp_path, clips, look_back=4)


def test_moments_equal_numpy(random_dataset):
    segments = random_dataset.segments
    rows = np.concatenate([random_dataset.rows(segment) for segment in segments]).astype(np.float64)
    moments = random_dataset.moments(segments)
    np.testing.assert_allclose(moments.mean, rows.mean(0), rtol=1e-6)
    np.testing.assert_allclose(moments.std, rows.std(0), rtol=1e-6)
    assert moments.mean.dtype == moments.std.dtype == np.float32


def test_difference_moments_equal_numpy_within_clips(random_dataset):
    segments = random_dataset.segments
    moments = random_dataset.moments(segments)
    steps = [
        np.abs(np.diff(random_dataset.rows(segment).astype(np.float64), axis=0)) / moments.std
        for segment in segments
    ]
    found = random_dataset.difference_moments(segments, moments)
    np.testing.assert_allclose(found.mean, np.concatenate(steps).mean(0), rtol=1e-5)
    np.testing.assert_allclose(found.std, np.concatenate(steps).std(0), rtol=1e-5)


def test_std_of_a_constant_feature_is_bounded_from_below(tmp_path):
    rows = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    rows[:, 2] = 7.0
    dataset = dataset_of(tmp_path, [Clip("a.mp4", rows, "a")], look_back=2)
    std = dataset.moments(dataset.segments).std
    assert std[2] > 1e-4
    np.testing.assert_allclose(np.delete(std, 2), np.delete(rows.std(0), 2), rtol=1e-5)


def test_difference_std_is_1_for_clips_of_one_step(tmp_path):
    clips = [Clip(f"{n}.mp4", numbered(n, 1), "ab"[n]) for n in range(2)]
    dataset = dataset_of(tmp_path, clips, look_back=4)
    moments = dataset.moments(dataset.segments)
    np.testing.assert_array_equal(
        dataset.difference_moments(dataset.segments, moments).std, np.ones(3)
    )


def test_features_are_read_when_they_are_needed(tmp_path, monkeypatch):
    clips = [
        Clip(f"{n}.mp4", numbered(n, 30), "ab"[n % 2], "test" if n > 3 else "train")
        for n in range(6)
    ]
    dataset_of(tmp_path, clips, look_back=4).store.close()
    read, array = [], Part.array
    monkeypatch.setattr(Part, "array", lambda part, name: read.append(name) or array(part, name))
    manifest = Manifest(tmp_path / "manifest.csv", tuple(clip.entry for clip in clips))
    dataset = Dataset(FeatureStore(tmp_path / "features.h5"), manifest, 4)
    random, training = np.random.default_rng(0), dataset.split("train")
    windows = dataset.training_windows(training, 1, random)
    assert len(dataset.full_windows(training)) == 4 * 27
    assert read == []
    assert windows[:].shape == (4, 4, 3)
    assert read == ["features"]


def test_windows_are_rows_until_they_are_read(two_clips):
    found = two_clips.training_windows(two_clips.segments, "all", np.random.default_rng(0))
    assert found.store is two_clips.store
    rows = two_clips.store.features(two_clips.segments[0].video)
    places = np.flatnonzero(found.segment == 0)
    for place in places:
        (window,) = found[place : place + 1]
        step = found.newest[place] - found.first[place]
        np.testing.assert_array_equal(window, rows[step + 1 - two_clips.look_back : step + 1])


def test_videos_without_features_are_listed_and_left_out(tmp_path):
    store = store_of(tmp_path / "features.h5", {"a.mp4": numbered(1, 5)})
    entries = (Entry("a.mp4", "a", "train", "g"), Entry("gone.mp4", "b", "train", "h"))
    dataset = Dataset(store, Manifest(tmp_path / "manifest.csv", entries), 2)
    assert dataset.without_features == ["gone.mp4"]
    assert [segment.video for segment in dataset.segments] == ["a.mp4"]


def test_a_store_without_any_clip_of_the_manifest_is_an_error(tmp_path):
    store = store_of(tmp_path / "features.h5", {"a.mp4": numbered(1, 5)})
    manifest = Manifest(tmp_path / "manifest.csv", (Entry("gone.mp4", "b", "train", "h"),))
    with pytest.raises(
        LookbackError, match=r"features\.h5: contains no features of any clip in .*extract"
    ):
        Dataset(store, manifest, 2)


def test_a_class_without_features_in_a_split_is_an_error(tmp_path):
    clips = [
        Clip(f"{label}{split}.mp4", numbered(1, 5), label, split)
        for label in "ab"
        for split in ("train", "val", "test")
        if (label, split) != ("b", "val")
    ]
    with pytest.raises(LookbackError, match="no clip of class b in split val has features"):
        dataset_of(tmp_path, clips, 2).require_splits()


@pytest.mark.parametrize(
    ("clip_length", "stride", "look_back", "full"),
    [
        (1, 1, 4, range(3, 12)),
        (16, 8, 1, range(2, 12)),  # steps at the ticks 0, 7, 15, 23: two see a full clip
        (16, 8, 4, range(5, 12)),
        (4, 1, 2, range(4, 12)),
        (4, 9, 1, range(1, 12)),
        (16, 1, 4, range(11, 12)),  # no full window: the last step
    ],
)
def test_full_windows_of_a_clip_network_contain_only_full_clips(
    tmp_path, clip_length, stride, look_back, full
):
    clips = [Clip("a.mp4", numbered(1, 12), "a")]
    spec = {"clip_length": clip_length, "sampling": {"fps": 10.0, "hop": stride}}
    dataset = dataset_of(tmp_path, clips, look_back, **spec)
    (segment,) = dataset.segments
    assert dataset.full_steps(segment) == full
    batch = dataset.full_windows([segment])[:]
    assert batch.shape == (len(full), look_back, 3)
    assert (batch[:, -1, 0] - 100).tolist() == list(full)


def test_full_steps_of_a_clip_network_have_clips_inside_the_segment(tmp_path):
    # A clip has 4 frames and the stride is 2: the clips of the first two steps start before the
    # segment.
    clip = Clip("a.mp4", numbered(1, 20), "goal", start=0.5, end=1.2)
    spec = {"clip_length": 4, "sampling": {"fps": 20.0, "hop": 2}}
    dataset = dataset_of(tmp_path, [clip], 2, **spec)
    goal = next(segment for segment in dataset.segments if segment.target == 1)
    assert (goal.first, goal.last) == (5, 12)
    assert list(dataset.full_steps(goal)) == [8, 9, 10, 11]


@pytest.mark.parametrize(
    ("views", "steps"), [("all", range(3, 12)), (99, range(3, 12)), (1, [7]), (3, [4, 7, 10])]
)
def test_views_are_evenly_spaced_over_the_full_windows(tmp_path, views, steps):
    dataset = dataset_of(tmp_path, [Clip("a.mp4", numbered(1, 12), "a")], look_back=4)
    wanted = dataset.windows(dataset.segments, [steps])
    np.testing.assert_array_equal(dataset.full_windows(dataset.segments, views)[:], wanted[:])


def dataset_of_rows(rows: list[np.ndarray], folder) -> Dataset:
    clips = [Clip(f"{n}.mp4", each, "ab"[n % 2]) for n, each in enumerate(rows)]
    return dataset_of(folder, clips, look_back=2)


@pytest.mark.parametrize(
    "rows",
    [
        [np.zeros((length, 3), np.float32) for length in (4, 4, 9, 2)],
        [np.full((length, 3), 0.7, np.float32) for length in (4, 4, 9, 2)],
        [numbered(1, 5) for _ in range(4)],
    ],
    ids=["dead", "constant", "copies"],
)
def test_require_variation_refuses_equal_clips(rows, tmp_path):
    dataset = dataset_of_rows(rows, tmp_path)
    with pytest.raises(LookbackError, match=r"features\.h5: all 4 clips have the same features"):
        dataset.require_variation(dataset.segments)


@pytest.mark.parametrize(
    "rows",
    [
        [numbered(1, 5), numbered(1, 5)[::-1]],  # the same frames in another order
        [numbered(1, 5), numbered(1, 6)],
        [np.zeros((4, 3), np.float32), np.float32([[0, 0, 0], [0, 0, 1e-9]])],
    ],
    ids=["order", "length", "one number"],
)
def test_require_variation_accepts_any_difference(rows, tmp_path):
    dataset = dataset_of_rows(rows, tmp_path)
    dataset.require_variation(dataset.segments)
