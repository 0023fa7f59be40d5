"""On a camera a clip network computes beside the loop, which goes on collecting frames."""

import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from live.decision import Decision
from live.loop import run_loop
from live.pace import Asynchronous, slower_pace, stride_that_keeps_up
from live.sinks import Sink
from live.timing import Stopwatch
from tests.conftest import coded_frame, read_code
from tests.extract.projecting import card_of
from video.frame import Frame
from video.preprocessing import Preprocessing
from video.sampling import Sampling
from video.sources import VideoSource
from video.steps import Step, Stepper

LABELS = ("a", "b")
LENGTH = 4


class Camera(VideoSource):
    """Gives coded frames at ten a second of its own time, at once; `before` is called ahead of
    each."""

    name, size, rate, live = "camera", (64, 48), 10.0, True

    def __init__(self, frames: int, before=lambda index: None) -> None:
        self.frames, self.before = frames, before

    def __iter__(self) -> Iterator[Frame]:
        for index in range(self.frames):
            self.before(index)
            yield Frame.from_array(coded_frame(index), index, index / 10)

    def close(self) -> None:
        pass


class SlowModel:
    """Decides when it is allowed to; notes the frames that it has seen."""

    labels, best, look_back = LABELS, 2, 1
    clip_length = frames_per_clip = LENGTH

    def __init__(self) -> None:
        self.extractor = self
        self.config = card_of(sampling=Sampling(10.0, 2))
        self.seen: list[list[int]] = []
        self.allowed, self.begun = threading.Semaphore(0), threading.Semaphore(0)

    def stream(self, stride: int | None) -> "SlowModel":
        self.steps = Stepper(Sampling(10.0, stride or 2), Preprocessing(64, 48), LENGTH).push
        return self

    def decide(self, step: Step, watch: Stopwatch) -> Decision:
        self.begun.release()
        with watch.section("backbone"):
            assert self.allowed.acquire(timeout=10)
        self.seen.append([read_code(picture) for picture in step.clip])
        return Decision(step.index, step.seconds, np.array([0.9, 0.1]), LABELS, 0.5)


class Keeper(Sink):
    def __init__(self) -> None:
        self.steps, self.frames = [], []

    def on_step(self, decision, step_seconds) -> None:
        self.steps.append(decision.step)

    def on_frame(self, frame, picture) -> None:
        self.frames.append(frame.index)


def test_frames_that_come_while_a_step_is_computed_are_in_the_next_clip():
    model, keeper = SlowModel(), Keeper()

    def before(index: int) -> None:
        if index == 9:  # the first step has been under way since frame 0
            model.allowed.release()
            while not model.seen:
                time.sleep(0.001)
            time.sleep(0.05)
        if index == 10:
            model.allowed.release()

    watch = run_loop(Camera(11, before), model, [keeper])
    assert keeper.frames == list(range(11))
    assert model.seen[0] == [0, 0, 0, 0]
    assert model.seen[1] == [6, 7, 8, 9]
    assert keeper.steps[0] == 0
    assert watch.skipped == 4  # at frames 1, 3, 5 and 7
    assert "4 more steps were skipped" in watch.summary()


@pytest.mark.parametrize("stride", [2, 3, 5])
def test_a_longer_hop_makes_fewer_steps(stride):
    model, keeper = SlowModel(), Keeper()
    model.allowed.release(100)

    def before(index: int) -> None:
        time.sleep(0.02)  # a decision takes next to nothing

    run_loop(Camera(20, before), model, [keeper], stride)
    ends = [seen[-1] for seen in model.seen]
    assert ends == [0, *range((LENGTH - 1) % stride or stride, 20, stride)]


def test_a_step_that_repeats_a_skipped_one_is_computed():
    model = SlowModel()
    repeats = []
    model.decide = lambda step, watch: repeats.append(step.repeats) or gate.wait(10)
    gate, beside = threading.Event(), Asynchronous(model, Stopwatch())
    clip = np.zeros((LENGTH, 48, 64, 3), np.uint8)
    list(beside.push(Step(0, 0.0, clip, False)))
    list(beside.push(Step(1, 0.1, clip, False)))
    gate.set()
    while not list(beside.ready()):
        time.sleep(0.001)
    list(beside.push(Step(2, 0.2, clip, True)))
    beside.close()
    assert repeats == [False, False]
    assert beside.skipped == 1


def test_an_error_while_deciding_is_raised_by_the_loop():
    class Breaking(SlowModel):
        def decide(self, step, watch):
            raise RuntimeError("out of memory")

    before = set(threading.enumerate())
    with pytest.raises(RuntimeError, match="out of memory"):
        run_loop(Camera(50, lambda index: time.sleep(0.005)), Breaking(), [])
    assert {thread for thread in threading.enumerate() if thread not in before} == set()


@pytest.mark.parametrize(
    ("seconds", "stride"), [(0.0, 8), (0.42, 8), (0.43, 9), (0.86, 17), (10.0, 188)]
)
def test_the_hop_leaves_a_step_its_time(seconds, stride):
    assert stride_that_keeps_up(seconds, fps=15.0, stride=8) == stride


def test_a_slower_pace_is_told_and_a_file_s_own_is_kept(capsys):
    model = SlowModel()
    assert slower_pace(model, 30.0, 0.0) is None
    assert slower_pace(model, 30.0, 0.4) == 5
    told = "takes 400 ms here and is due every 200 ms: to keep up with the camera, there is one"
    out = capsys.readouterr().out
    assert told in out
    assert "every 500 ms" in out
    assert "second stage" not in out
    model.look_back = 4
    slower_pace(model, 30.0, 0.4)
    assert "the second stage was trained on steps 200 ms apart" in capsys.readouterr().out
    model.clip_length, model.frames_per_clip = 1, 2  # change pictures are computed in a thread
    assert slower_pace(model, 30.0, 0.4) == 5
    model.frames_per_clip = 1  # a frame network takes the newest frame
    assert slower_pace(model, 30.0, 0.4) is None
