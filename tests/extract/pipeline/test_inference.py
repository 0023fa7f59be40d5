"""Inference stage: full engine batches, features in the right rows, order of each video."""

import random
import threading
import time

import numpy as np
import pytest

from extract.pipeline.inference import ComputedSteps, inference_stage, restore_order
from extract.pipeline.reader import StepBatch
from video.pipeline_stage import PipelineStage


class Averaging:
    """Engine whose feature is a clip's first number; records the sizes of its batches."""

    precision, feature_size = "f32", 1

    def __init__(self, batch_size: int, parallel: int = 1, slow: bool = False) -> None:
        self.batch_size, self.parallel, self.slow = batch_size, parallel, slow
        self.sizes: list[int] = []
        self._random = random.Random(0)

    def __call__(self, clips: np.ndarray) -> np.ndarray:
        self.sizes.append(len(clips))
        if self.slow:
            time.sleep(self._random.uniform(0, 0.002))
        return clips.reshape(len(clips), -1)[:, :1].astype(np.float32)


def batch(video: str, number: int, pictures: list[int], **end) -> StepBatch:
    clips = np.array(pictures, np.uint8).reshape(-1, 1, 1, 1, 1)
    count = len(pictures)
    motion = np.zeros((count, 16), np.float32)
    return StepBatch(video, number, clips, np.arange(count), np.zeros(count), motion, **end)


def itself(batch: StepBatch):
    yield batch


def computed(batches: list[StepBatch], engine: Averaging) -> list[ComputedSteps]:
    with (
        PipelineStage("reading", itself, batches, 1, ahead=2) as reading,
        inference_stage(reading, engine) as computing,
    ):
        return list(restore_order(computing))


BATCHES = [
    batch("a", 0, [1, 2, 3]),
    batch("b", 0, [11, 12, 13, 14, 15]),
    batch("a", 1, [4], last=True),
    batch("broken", 0, [], last=True, error="cannot be read"),
    batch("b", 1, [], last=True),
    batch("c", 0, list(range(21, 40)), last=True),
]


@pytest.mark.parametrize("parallel", [1, 3])
@pytest.mark.parametrize("batch_size", [1, 2, 4, 7, 100])
def test_every_clip_gets_its_feature(batch_size, parallel):
    engine = Averaging(batch_size, parallel, slow=True)
    given = computed(BATCHES, engine)
    assert len(given) == len(BATCHES)
    for item in given:
        wanted = item.steps.clips.reshape(-1, 1)
        assert np.array_equal(item.features, wanted)
        assert item.features.shape == (len(wanted), 1)


@pytest.mark.parametrize("batch_size", [1, 2, 4, 7])
def test_all_engine_batches_but_the_last_are_full(batch_size):
    engine = Averaging(batch_size)
    computed(BATCHES, engine)
    assert sum(engine.sizes) == 28
    assert engine.sizes[:-1] == [batch_size] * (len(engine.sizes) - 1)


def test_batches_of_a_video_come_in_order():
    batches = [batch(f"v{n % 3}", n // 3, [n]) for n in range(150)]
    given = computed(batches, Averaging(1, parallel=4, slow=True))
    for video in ("v0", "v1", "v2"):
        numbers = [item.steps.number for item in given if item.steps.video == video]
        assert numbers == list(range(50))


def test_engine_error_names_the_videos_and_ends_the_threads():
    class Breaking(Averaging):
        def __call__(self, clips):
            raise RuntimeError("out of memory")

    before = set(threading.enumerate())
    with pytest.raises(RuntimeError, match="out of memory") as raised:
        computed(BATCHES, Breaking(4, parallel=2))
    assert raised.value.__notes__[0] in ("while computing a, b", "while computing b, a")
    assert {thread for thread in threading.enumerate() if thread not in before} == set()
