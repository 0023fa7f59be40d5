"""The loop with a model that needs no framework: what reaches the sinks, and how it ends."""

import signal

import numpy as np
import pytest

from live.decision import Decision
from live.loop import run_loop
from live.panel import Panel
from live.sinks import Sink, StopRequested
from tests.conftest import read_code, write_coded_video
from video.preprocessing import Preprocessing
from video.sampling import Sampling
from video.signals import ended_by_signals
from video.sources import FileSource
from video.steps import Stepper


class CodeReader:
    """Decides by the number that a coded frame shows."""

    labels = ("a", "b")
    best = 2

    def __init__(self, fps: float | None) -> None:
        self.extractor = self
        self._fps = fps
        self.read: list[int] = []

    frames_per_clip = 1

    def stream(self, stride: int | None) -> "CodeReader":
        self.steps = Stepper(Sampling(self._fps), Preprocessing(64, 48), 1).push
        return self

    def decide(self, step, watch) -> Decision:
        self.read.append(read_code(step.clip[-1]))
        return Decision(step.index, step.seconds, np.array([0.9, 0.1]), self.labels, 0.5)


class Keeper(Sink):
    """Keeps what comes; raises `error` at the call of that number."""

    def __init__(self, draws: bool = True, error=None, at: tuple[str, int] = ("", 0)) -> None:
        self.draws, self.error, self.at = draws, error, at
        self.steps, self.frames, self.pictures, self.order = [], [], [], []

    def on_step(self, decision, step_seconds) -> None:
        self._fail("step", len(self.steps))
        assert step_seconds >= 0
        self.steps.append(decision.step)
        self.order.append(f"step {decision.step}")

    def on_frame(self, frame, picture) -> None:
        self._fail("frame", len(self.frames))
        self.frames.append(frame.index)
        self.pictures.append(picture)
        self.order.append(f"frame {frame.index}")

    def _fail(self, what: str, number: int) -> None:
        if self.error and self.at == (what, number):
            raise self.error


@pytest.fixture
def video(tmp_path):
    return write_coded_video(tmp_path / "a.mp4", frames=12, rate=20.0)


def test_every_frame_reaches_the_sinks_after_its_steps(video):
    keeper, reader = Keeper(), CodeReader(fps=10.0)
    with FileSource(video) as source:
        watch = run_loop(source, reader, [keeper])
    assert keeper.frames == list(range(12))
    assert keeper.steps == list(range(6))
    assert reader.read == [0, 2, 4, 6, 8, 10]  # 20 frames a second, 10 steps
    assert keeper.order[:4] == ["step 0", "frame 0", "frame 1", "step 1"]
    assert (watch.frames, watch.steps) == (12, 6)


def test_the_picture_shows_the_newest_decision(video, monkeypatch):
    drawn = []

    class CountedPanel(Panel):
        def __init__(self, made, size, bars) -> None:
            drawn.append((made.step, size, bars))
            super().__init__(made, size, bars)

    monkeypatch.setattr("live.overlay.Panel", CountedPanel)
    keeper = Keeper()
    with FileSource(video) as source:
        run_loop(source, CodeReader(fps=10.0), [keeper])
    assert [each.panel.decision.step for each in keeper.pictures] == [n // 2 for n in range(12)]
    assert [each.frame.index for each in keeper.pictures] == list(range(12))
    # Once a decision, not once a frame.
    assert drawn == [(step, (64, 48), 2) for step in range(6)]


def test_nothing_is_drawn_where_no_sink_draws(video, monkeypatch):
    monkeypatch.setattr("live.overlay.Panel", pytest.fail)
    keeper = Keeper(draws=False)
    with FileSource(video) as source:
        run_loop(source, CodeReader(fps=10.0), [keeper])
    assert keeper.pictures == [None] * 12


@pytest.mark.parametrize("error", [KeyboardInterrupt(), StopRequested()])
@pytest.mark.parametrize(("at", "steps", "frames"), [(("step", 4), 4, 4), (("frame", 4), 5, 4)])
def test_ctrl_c_and_q_end_the_loop_like_the_end_of_the_file(error, at, steps, frames, video):
    keeper = Keeper(error=error, at=at)
    with FileSource(video) as source:
        watch = run_loop(source, CodeReader(fps=20.0), [keeper])
    assert (len(keeper.steps), len(keeper.frames)) == (steps, frames)
    assert watch.steps == 5
    assert "backbone" not in watch.summary()  # CodeReader times nothing
    assert "decode" in watch.summary()


class Signalled(Sink):
    """Gets a signal, or some, while it takes the third frame; notes the frames taken whole."""

    def __init__(self, signals: int) -> None:
        self.signals, self.begun, self.taken = signals, 0, 0

    def on_frame(self, frame, picture) -> None:
        self.begun += 1
        for _ in range(self.signals if self.begun == 3 else 0):
            signal.raise_signal(signal.SIGTERM)
        self.taken += 1


@pytest.mark.parametrize(("signals", "taken"), [(1, 3), (2, 2)])
def test_a_signal_waits_until_the_frame_is_taken_and_a_second_one_does_not(signals, taken, video):
    keeper, signalled = Keeper(), Signalled(signals)
    with FileSource(video) as source, ended_by_signals():
        run_loop(source, CodeReader(fps=10.0), [signalled, keeper])
    assert (signalled.begun, signalled.taken) == (3, taken)
    assert len(keeper.frames) == taken


def test_any_other_error_goes_on_to_the_caller(video):
    with FileSource(video) as source, pytest.raises(ZeroDivisionError):
        run_loop(source, CodeReader(20.0), [Keeper(error=ZeroDivisionError(), at=("step", 2))])


def test_a_pause_gives_steps_that_repeat_the_frame_before_it(tmp_path):
    video = write_coded_video(tmp_path / "a.mp4", frames=3, times=[0.0, 0.1, 0.5])
    keeper, reader = Keeper(), CodeReader(fps=10.0)
    with FileSource(video) as source:
        run_loop(source, reader, [keeper])
    assert reader.read == [0, 1, 1, 1, 1, 2]
    assert keeper.frames == [0, 1, 2]
