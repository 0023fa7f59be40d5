"""Training pictures: drawn afresh each epoch, the same by the same seed, with their own labels."""

from pathlib import Path

import numpy as np
import pytest

from clips.spans import Span
from extract.training_frames import Drawing, draw_clip, drawn_clips, training_batches
from recipes.schema import Augment
from tests.conftest import coded_frame, read_code, write_coded_video
from video.errors import VideoError
from video.preprocessing import Preprocessing
from video.sampling import Sampling
from video.writer import Mp4Writer

STILL = Augment(flip=False, rotation_degrees=0, shift=0, zoom=0, brightness=0, contrast=0)
LIVELY = Augment(flip=True, rotation_degrees=10, shift=0.1, zoom=0.1, brightness=0.2, contrast=0.2)
LABELS = {"low": 0, "high": 1}
FRAMES = 20


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Ten videos of 20 frames at 10 a second: `low` of the codes 0 to 19, `high` from 100 on."""
    folder = tmp_path_factory.mktemp("videos")
    for number in range(10):
        label = ("low", "high")[number % 2]
        with Mp4Writer(folder / f"{label}{number}.mp4", (64, 48), 10) as writer:
            for index in range(FRAMES):
                writer.write(coded_frame(100 * LABELS[label] + index), index / 10)
    return folder


def spans_in(folder: Path) -> list[Span]:
    names = sorted(path.name for path in folder.glob("*.mp4"))
    return [Span(name, name.rstrip("0123456789.mp").rstrip("4"), "train", name) for name in names]


@pytest.fixture(scope="module")
def spans(folder) -> list[Span]:
    found = spans_in(folder)
    assert {span.label for span in found} == set(LABELS)
    return found


def drawing(
    folder: Path, count: int | str = 3, augment: Augment | None = None, fps=10.0
) -> Drawing:
    return Drawing(folder, Sampling(fps), Preprocessing(64, 48), count, augment)


def codes(pictures: np.ndarray) -> list[int]:
    return [read_code(picture[0]) for picture in pictures]


def epoch_of(folder, spans, epoch=0, seed=0, batch_size=4, **options) -> list:
    made = drawing(folder, **options)
    return list(training_batches(spans, LABELS, made, batch_size, seed, epoch))


def drawn_codes(batches: list) -> list[int]:
    return [code for pictures, _ in batches for code in codes(pictures)]


def test_pictures_are_uint8_and_as_many_as_asked_for(folder, spans):
    for count in (1, 3, FRAMES):
        pictures = draw_clip(spans[0], drawing(folder, count), np.random.default_rng(0))
        assert pictures.shape == (count, 1, 48, 64, 3)
        assert pictures.dtype == np.uint8
        assert len(set(codes(pictures))) == count  # no frame twice


@pytest.mark.parametrize("count", ["all", FRAMES + 5])
def test_all_gives_every_step_in_order_and_a_short_clip_what_it_has(folder, spans, count):
    low = next(span for span in spans if span.label == "low")
    pictures = draw_clip(low, drawing(folder, count), np.random.default_rng(0))
    assert codes(pictures) == list(range(FRAMES))


def test_all_follows_the_sampling(folder, spans):
    low = next(span for span in spans if span.label == "low")
    half = draw_clip(low, drawing(folder, "all", fps=5.0), np.random.default_rng(0))
    assert codes(half) == list(range(0, FRAMES, 2))
    every = draw_clip(low, drawing(folder, "all", fps=None), np.random.default_rng(0))
    assert codes(every) == list(range(FRAMES))


def test_every_step_is_drawn_alike(folder, spans):
    random = np.random.default_rng(0)
    low = next(span for span in spans if span.label == "low")
    counts = np.zeros(FRAMES)
    for _ in range(200):
        counts[codes(draw_clip(low, drawing(folder, 4), random))] += 1
    # 200 draws of 4 in 20: 40 each, with a deviation of 5.7.
    assert counts.sum() == 800
    assert counts.min() > 15
    assert counts.max() < 65


@pytest.mark.parametrize("count", ["all", 2])
def test_a_span_s_start_and_end_are_respected(folder, spans, count):
    low = next(span for span in spans if span.label == "low")
    part = Span(low.video, "low", "train", "g", start=0.5, end=0.9)
    seen = set()
    for seed in range(30):
        drawn = codes(draw_clip(part, drawing(folder, count), np.random.default_rng(seed)))
        assert len(drawn) == (4 if count == "all" else 2)
        seen.update(drawn)
    assert seen == {5, 6, 7, 8}  # from start up to, not including, end


def test_a_span_beyond_the_clip_gives_no_pictures(folder, spans):
    beyond = Span(spans[0].video, "low", "train", "g", start=50.0)
    pictures = draw_clip(beyond, drawing(folder), np.random.default_rng(0))
    assert pictures.shape == (0, 1, 48, 64, 3)
    assert list(training_batches([beyond], LABELS, drawing(folder), 4, 0, 0)) == []


def test_each_epoch_draws_afresh(folder, spans):
    epochs = [sorted(drawn_codes(epoch_of(folder, spans, epoch))) for epoch in range(4)]
    assert len({tuple(epoch) for epoch in epochs}) == 4
    alone = [sorted(drawn_codes(epoch_of(folder, spans[:1], epoch))) for epoch in range(8)]
    assert len({tuple(epoch) for epoch in alone}) > 6  # not only another order of the clips


def test_the_same_seed_draws_the_same_pictures_in_the_same_order(folder, spans):
    for augment in (None, LIVELY):
        first = epoch_of(folder, spans, epoch=2, seed=5, augment=augment)
        again = epoch_of(folder, spans, epoch=2, seed=5, augment=augment)
        assert len(first) == len(again)
        for (pictures, classes), (others, other_classes) in zip(first, again, strict=True):
            assert np.array_equal(pictures, others)
            assert np.array_equal(classes, other_classes)
    assert drawn_codes(epoch_of(folder, spans, seed=5)) != drawn_codes(
        epoch_of(folder, spans, seed=6)
    )


def test_every_picture_has_the_label_of_its_clip(folder, spans):
    for augment in (None, STILL):
        for pictures, classes in epoch_of(folder, spans, augment=augment):
            assert pictures.dtype == np.uint8
            assert pictures.shape[1:] == (1, 48, 64, 3)
            assert [int(code >= 100) for code in codes(pictures)] == classes.tolist()


@pytest.mark.parametrize("batch_size", [1, 4, 7, 1000])
def test_batches_are_full_but_the_last_and_lose_nothing(folder, spans, batch_size):
    batches = epoch_of(folder, spans, batch_size=batch_size)
    sizes = [len(classes) for _, classes in batches]
    assert sum(sizes) == 30
    assert set(sizes[:-1]) <= {batch_size}
    assert 1 <= sizes[-1] <= batch_size


def test_batches_mix_clips_also_where_the_pool_overflows(folder, spans, monkeypatch):
    monkeypatch.setattr("extract.training_frames._MIXED_PICTURES", 50)
    batches = epoch_of(folder, spans, count="all", batch_size=10)
    assert sorted(drawn_codes(batches)) == sorted(
        100 * LABELS[span.label] + index for span in spans for index in range(FRAMES)
    )
    mixed = [len(set(classes.tolist())) == 2 for _, classes in batches]
    assert sum(mixed) > len(mixed) / 2


def test_augmentation_changes_training_pictures_alone(folder, spans):
    plain = draw_clip(spans[0], drawing(folder), np.random.default_rng(0))
    lively = draw_clip(spans[0], drawing(folder, augment=LIVELY), np.random.default_rng(0))
    assert plain.shape == lively.shape
    assert not np.array_equal(plain, lively)
    still = draw_clip(spans[0], drawing(folder, augment=STILL), np.random.default_rng(0))
    assert np.array_equal(plain, still)


def test_drawn_clips_come_in_order_and_follow_the_seed_and_the_index_alone(folder, spans):
    all_of_them = dict(drawn_clips(spans, drawing(folder), (7,)))
    assert list(all_of_them) == list(range(len(spans)))
    some = dict(drawn_clips(spans[:3], drawing(folder), (7,)))
    for index, pictures in some.items():
        assert np.array_equal(pictures, all_of_them[index])
        alone = draw_clip(spans[index], drawing(folder), np.random.default_rng([7, index]))
        assert np.array_equal(alone, pictures)


def test_clips_that_cannot_be_read_are_skipped(folder, spans, tmp_path):
    for span in spans:
        (tmp_path / span.video).write_bytes((folder / span.video).read_bytes())
    (tmp_path / spans[2].video).write_bytes(b"no video")
    (tmp_path / spans[5].video).unlink()
    with pytest.raises(VideoError):
        draw_clip(spans[2], drawing(tmp_path), np.random.default_rng(0))
    drawn = dict(drawn_clips(spans, drawing(tmp_path), (0,)))
    assert sorted(drawn) == [0, 1, 3, 4, 6, 7, 8, 9]
    assert len(drawn_codes(epoch_of(tmp_path, spans))) == 24


def test_leaving_an_epoch_early_ends_its_threads(folder, spans):
    import threading

    before = set(threading.enumerate())
    batches = training_batches(spans * 20, LABELS, drawing(folder, 5), 4, 0, 0)
    next(batches)
    batches.close()
    assert {thread for thread in threading.enumerate() if thread not in before} == set()


def test_repeated_steps_of_a_slow_clip_can_be_drawn(tmp_path):
    write_coded_video(tmp_path / "slow.mp4", 3, rate=2)
    span = Span("slow.mp4", "low", "train", "g")
    pictures = draw_clip(span, drawing(tmp_path, "all"), np.random.default_rng(0))
    assert codes(pictures) == [0] * 5 + [1] * 5 + [2]
