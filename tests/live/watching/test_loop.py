"""The watching loop: cameras in turn, one that hangs, ends, and what the sinks are given."""

import threading
import time
from dataclasses import replace
from itertools import pairwise

import pytest

from live.cameras.config import CameraConfig
from live.cameras.reader import CameraReader
from live.hub import Hub
from live.sinks import Sink, StopRequested
from live.watching.camera_stream import CameraStream
from live.watching.loop import Watched, WatchLoop, close_readers
from tests.live.cameras.scripted import ScriptedDevice, unreachable
from tests.live.watching.fakes import MeanEngine, fake_model, gray, session


class Rows(Sink):
    """Keeps the steps and frames that it is given; ends the run after `limit` steps."""

    def __init__(self, limit: int = 10**9) -> None:
        self.steps, self.frames, self.limit = [], [], limit

    def on_step(self, decision, step_seconds) -> None:
        self.steps.append(decision)
        if len(self.steps) >= self.limit:
            raise StopRequested

    def on_frame(self, frame, image) -> None:
        self.frames.append(frame)


class Judge:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.decided, self.states = [], []

    def on_decision(self, decision, frame, session) -> dict[str, float]:
        self.decided.append((decision.step, session))
        return {"fight": decision.probability}

    def on_time(self, now, state, reason) -> None:
        self.states.append(state)


class Hall:
    """Some cameras with scripted devices in one loop."""

    def __init__(self, count: int, **options) -> None:
        self.hub = Hub()
        self.loop = WatchLoop(self.hub, **options)
        self.devices = [ScriptedDevice(f"camera {n}") for n in range(count)]
        self.sinks = [Rows() for _ in range(count)]
        self.judges = [Judge() for _ in range(count)]
        for number, device in enumerate(self.devices):
            name = device.name
            stream = CameraStream(self.hub.add_camera(name), name, self.hub, self.loop.wake, [])
            reader = CameraReader(CameraConfig(name, "webcam", number), stream, 0.3, device=device)
            watched = Watched(reader, stream, self.judges[number], [self.sinks[number]])
            self.loop.cameras.append(watched)
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.loop.run, args=(self.stop,))

    def __enter__(self) -> "Hall":
        for camera in self.loop.cameras:
            camera.reader.start()
        self.thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.stop.set()
        for device in self.devices:
            device.shut()
        self.thread.join(10)
        close_readers(self.loop.cameras)
        assert not self.thread.is_alive()

    def wait(self, condition) -> None:
        deadline = time.monotonic() + 10
        while not condition():
            assert time.monotonic() < deadline
            time.sleep(0.01)


def play(device, count: int, pause: float = 0.02) -> None:
    for number in range(count):
        device.give(number)
        time.sleep(pause)


def test_one_hanging_camera_delays_no_other():
    with Hall(2) as hall:
        hall.loop.use(fake_model())
        play(hall.devices[0], 60)  # the other one opens and then shows nothing
        hall.wait(lambda: len(hall.sinks[0].steps) >= 10)
        assert hall.sinks[1].steps == []
        assert max(hall.loop.ages) < 2.0  # it would be 10 s and more behind the other's silence
        assert hall.hub.statuses()[0].steps >= 10


def test_sinks_count_from_the_first_frame_and_over_a_gap():
    with Hall(1) as hall:
        hall.loop.use(fake_model())
        play(hall.devices[0], 20)
        hall.wait(lambda: hall.judges[0].decided)
        time.sleep(0.5)
        hall.wait(lambda: "stalled" in hall.judges[0].states)
        play(hall.devices[0], 20)
        hall.wait(lambda: hall.judges[0].decided[-1][1] == 2)
    steps, frames = hall.sinks[0].steps, hall.sinks[0].frames
    assert steps[0].seconds == 0
    seconds = [each.seconds for each in steps]
    assert seconds == sorted(seconds)
    gaps = [later - earlier for earlier, later in pairwise(seconds)]
    assert sum(gap > 0.4 for gap in gaps) == 1  # no step of the time that nobody saw
    assert frames[0].seconds == 0
    assert frames[-1].seconds > 0.9


def test_a_window_is_not_full_again_after_a_gap():
    with Hall(1) as hall:
        hall.loop.use(fake_model())
        play(hall.devices[0], 30)
        hall.wait(lambda: any(step.full for step in hall.sinks[0].steps))
        time.sleep(0.5)
        before = len(hall.sinks[0].steps)
        play(hall.devices[0], 2)
        hall.wait(lambda: len(hall.sinks[0].steps) > before)
        assert not hall.sinks[0].steps[before].full


def test_once_ends_when_a_camera_is_lost():
    hall = Hall(1, once=True)
    hall.devices[0].openings.put(unreachable())
    with hall:
        hall.thread.join(10)
        assert not hall.thread.is_alive()


def test_without_once_a_lost_camera_is_awaited():
    hall = Hall(1)
    hall.devices[0].openings.put(unreachable())
    with hall:
        hall.wait(lambda: hall.hub.statuses()[0].state == "lost")
        assert "Connection refused" in hall.hub.statuses()[0].reason
        hall.loop.use(fake_model())
        hall.devices[0].give(1)
        hall.wait(lambda: hall.sinks[0].steps)
        hall.wait(lambda: hall.hub.statuses()[0].state == "live")


def test_a_sink_ends_the_run():
    hall = Hall(1)
    hall.sinks[0].limit = 1
    with hall:
        hall.loop.use(fake_model())
        hall.devices[0].give(1)
        hall.thread.join(10)
        assert not hall.thread.is_alive()


def test_no_camera_starves():
    """Steps wait on every camera all the time: each is decided once in a round."""
    hall = Hall(3)
    hall.loop.use(fake_model())
    order = []
    for camera, judge in zip(hall.loop.cameras, hall.judges, strict=True):
        judge.on_decision = lambda *_, name=camera.stream.name: order.append(name) or {}
    for index in range(4):
        for camera in hall.loop.cameras:
            frame = gray(index, 5)
            camera.stream.on_frame(frame, 100 + frame.seconds, session())
        hall.loop._round()
    assert sorted(order[:3]) == sorted(order[3:6]) == ["camera 0", "camera 1", "camera 2"]
    assert len({order[place] for place in (0, 3, 6)}) == 3  # another one comes first


def test_the_summary_names_ages():
    with Hall(1) as hall:
        hall.loop.use(fake_model())
        play(hall.devices[0], 20)
        hall.wait(lambda: len(hall.loop.ages) >= 3)
    assert "age of a frame at its decision: median" in hall.loop.summary()


@pytest.mark.parametrize("count", [1, 8])
def test_readers_end_together(count):
    hall = Hall(count)
    for camera in hall.loop.cameras:
        camera.reader.start()
    began = time.monotonic()
    close_readers(hall.loop.cameras, 0.3)
    assert time.monotonic() - began < 1.5
    for device in hall.devices:
        device.shut()


class PairEngine(MeanEngine):
    """Computes a clip only together with that of another camera."""

    parallel = 2

    def __init__(self) -> None:
        super().__init__()
        self.pair = threading.Barrier(2)

    def _compute(self, clips):
        self.pair.wait(5)
        return super()._compute(clips)


def test_as_many_cameras_are_decided_on_at_once_as_the_engine_computes_clips():
    model = fake_model()
    model = replace(model, extractor=replace(model.extractor, engine=PairEngine()))
    hall = Hall(2)
    for number, camera in enumerate(hall.loop.cameras):
        camera.stream.use(model)
        camera.stream.on_frame(gray(0, 100 * number), 100.0, session())
    hall.loop.use(model)
    with hall:
        hall.wait(lambda: all(each.decided for each in hall.judges))
    assert [each.steps[0].label for each in hall.sinks] == ["calm", "calm"]
    dark, bright = (each.steps[0].probability for each in hall.sinks)
    assert dark > bright  # each camera has its own decision
    hall.wait(lambda: not any(each.name.startswith("decide") for each in threading.enumerate()))


def test_one_camera_needs_no_thread_for_its_decisions():
    model = fake_model()
    engine = MeanEngine()
    engine.parallel = 2
    with Hall(1) as hall:
        hall.loop.use(replace(model, extractor=replace(model.extractor, engine=engine)))
        play(hall.devices[0], 10)
        hall.wait(lambda: hall.sinks[0].steps)
        assert not [each for each in threading.enumerate() if each.name.startswith("decide")]
