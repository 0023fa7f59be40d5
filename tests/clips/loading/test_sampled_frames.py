"""Clips of spans of a two-minute video are those of a whole decoding, without it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from clips.loading import sampled_frames
from clips.loading.clip_reader import ClipSampler, max_clips, read_clips
from clips.loading.sampled_frames import SegmentFrames
from clips.manifest.csv_file import read
from clips.manifest.segments import Segment, segments_of
from tests.conftest import write_coded_video
from video.preprocessing import Preprocessing
from video.sampling import Sampling
from video.sources.chosen_frames import ChosenFrames, NotAsIndexedError

SECONDS, RATE = 120, 10
SPANS = ((5.0, 8.0), (40.0, 43.5), (41.0, 42.0), (110.0, 114.0))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("long")
    write_coded_video(folder / "long.mp4", SECONDS * RATE, RATE)
    rows = [f"long.mp4,wave,train,g,{start},{end}" for start, end in SPANS]
    (folder / "manifest.csv").write_text("\n".join(["video,label,split,group,start,end", *rows]))
    return folder


@pytest.fixture(scope="module")
def segments(folder) -> list[Segment]:
    found = segments_of(read(folder / "manifest.csv"))
    assert [each.label for each in found] == ["wave"] * 4 + ["background"] * 4
    return found


def sampler(folder: Path, sampling: Sampling, mode="random", clip_length=4, count=3) -> ClipSampler:
    return ClipSampler(folder, sampling, Preprocessing(32, 24), clip_length, mode, count, None)


def clips(segment: Segment, chosen: ClipSampler) -> list[bytes]:
    return [each.tobytes() for each in read_clips(segment, chosen, np.random.default_rng(0))]


class Whole(SegmentFrames):
    """Decodes every video from its beginning."""

    def video(self, *_) -> None:
        return None


@pytest.mark.parametrize(
    ("sampling", "mode", "count"),
    [
        (Sampling(5.0), "random", 3),
        (Sampling(5.0, 2), "random", "all"),
        (Sampling(25.0), "random", 2),
        (Sampling(5.0, change_seconds=0.2), "random", 3),
        (Sampling(None), "dense", 3),
        (Sampling(5.0), "uniform", 1),
    ],
)
def test_clips_of_spans_are_those_of_a_whole_decoding(folder, segments, sampling, mode, count):
    made = sampler(folder, sampling, mode, 1 if sampling.change_seconds else 4, count)
    whole = replace(made, segment_frames=Whole())
    for segment in segments[::2]:
        found = clips(segment, made)
        assert found
        assert found == clips(segment, whole)
    assert max_clips(segments, made) == max_clips(segments, whole)


def test_only_the_parts_around_the_clips_are_decoded(folder, segments, monkeypatch):
    made, wanted = sampler(folder, Sampling(5.0)), []
    monkeypatch.setattr(sampled_frames, "open_video", None)  # would decode from the beginning
    read_from = ChosenFrames._from_key

    def watched(self, key, places, first):
        wanted.append(first)
        assert first - self._index.keys[key] < 250  # the distance of key frames
        return read_from(self, key, places, first)

    monkeypatch.setattr(ChosenFrames, "_from_key", watched)
    assert len(clips(segments[3], made)) == 3
    assert wanted[0] >= 110 * RATE - 6
    assert len(wanted) == 1


def test_a_damaged_video_is_decoded_from_its_beginning(folder, segments, monkeypatch):
    made = sampler(folder, Sampling(5.0))
    whole = clips(segments[1], replace(made, segment_frames=Whole()))

    def broken(self):
        for number, frame in enumerate(self._chosen()):
            if number == 5:
                raise NotAsIndexedError
            yield frame

    monkeypatch.setattr(ChosenFrames, "__iter__", broken)
    assert clips(segments[1], made) == whole
