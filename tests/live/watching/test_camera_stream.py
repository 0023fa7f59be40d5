"""Between reading and deciding: the newest step, sessions kept apart, windows true to time."""

import numpy as np
import pytest

from live.hub import Hub
from live.watching.camera_stream import CameraStream
from tests.live.watching.fakes import fake_model, gray, session


@pytest.fixture
def made():
    hub, woken = Hub(), []
    stream = CameraStream(hub.add_camera("door"), "door", hub, lambda: woken.append(1), [])
    stream.hub, stream.woken = hub, woken
    return stream


def feed(stream, values, first: int = 0, part=None) -> None:
    part = part or session()
    for index, value in enumerate(values, first):
        frame = gray(index, value)
        stream.on_frame(frame, part.began + frame.seconds, part)


def test_a_camera_that_keeps_up_is_decided_as_the_same_frames_offline(made):
    values = [0, 40, 200, 90, 250, 10, 130]
    model = fake_model()
    made.use(model)
    live = []
    for index, value in enumerate(values):
        feed(made, [value], index)
        job = made.take()
        live.append(made.decide(job))
    offline = list(fake_model().decisions(gray(n, value) for n, value in enumerate(values)))
    assert [each.step for each in live] == [each.step for each in offline]
    for one, other in zip(live, offline, strict=True):
        np.testing.assert_array_equal(one.probabilities, other.probabilities)
        assert (one.full, one.seconds) == (other.full, 100.0 + other.seconds)
    assert made.skipped == 0


def test_only_the_newest_step_waits_and_the_window_stays_true_to_time(made):
    model = fake_model()
    made.use(model)
    feed(made, [10])
    made.decide(made.take())
    feed(made, [20, 30, 40], 1)
    assert made.skipped == 2
    made.decide(made.take())
    assert model.predictor.seen[-1] == [10, 10, 40]  # two steps ago was 10, as far as it knows
    assert made.take() is None


def test_a_step_that_repeats_a_skipped_one_is_computed(made):
    model = fake_model()
    made.use(model)
    feed(made, [10])
    made.decide(made.take())
    part = session()
    made.on_frame(gray(1, 20, 0.1), 100.1, part)  # skipped
    made.on_frame(gray(2, 90, 0.31), 100.31, part)  # its tick at 0.2 and 0.3 show frame 1 again
    made.decide(made.take())
    assert model.predictor.seen[-1][-1] == 20


def test_nothing_of_one_session_belongs_to_the_next(made):
    model = fake_model()
    made.use(model)
    feed(made, [10, 20, 30])
    old = made.take()
    feed(made, [200], part=session(2, 150.0))
    assert made.decide(old) is None  # its session is over
    decision = made.decide(made.take())
    assert (decision.seconds, decision.full) == (150.0, False)
    assert model.predictor.seen[-1] == [200, 200, 200]
    assert made.decision is decision


def test_the_hub_shows_no_decision_of_an_earlier_session(made):
    made.use(fake_model())
    feed(made, [10])
    made.decide(made.take())
    feed(made, [20], 1)
    assert made.hub.picture(0).decision is not None
    feed(made, [30], part=session(2, 150.0))
    assert made.hub.picture(0).decision is None
    assert made.hub.statuses()[0].session == 2


def decide_all(stream, values, first: int) -> list:
    """Feed frames and decide on each at once; return the decisions."""
    made = []
    for index, value in enumerate(values, first):
        feed(stream, [value], index)
        made.append(stream.decide(stream.take()))
    return made


def test_a_model_is_taken_over_at_one_step_without_a_lost_decision(made):
    old, new = fake_model(), fake_model()
    made.use(old)
    before = decide_all(made, [10, 20, 30], 0)
    made.use(new)
    after = decide_all(made, [40, 50, 60, 70, 80], 3)
    seconds = [each.seconds for each in before + after]
    np.testing.assert_allclose(np.diff(seconds), 0.1)
    assert [each.step for each in before + after] == list(range(8))
    assert all(each.full for each in after)
    # The old one decides until the new one's window is full; no window has features of both.
    assert len(old.predictor.seen) + len(new.predictor.seen) >= 8
    assert new.predictor.seen[-1] == [60, 70, 80]
    assert old.predictor.seen[-1][-1] < 80
    assert not any(10 in window for window in new.predictor.seen)


@pytest.mark.parametrize("rate", [12, 25, 29.97])
def test_the_steps_of_both_models_have_one_rhythm_at_any_frame_rate(made, rate):
    new = fake_model()
    made.use(fake_model())
    decisions, models = [], []
    for index in range(80):
        frame = gray(index, index, index / rate)
        made.on_frame(frame, 100 + frame.seconds, session())
        if job := made.take():
            decisions.append(made.decide(job))
            models.append(job.model)
        if index == 20:
            made.use(new)
    assert models[-1] is new
    np.testing.assert_allclose(np.diff([each.seconds for each in decisions]), 0.1, atol=1e-6)
    assert [each.step for each in decisions] == list(range(len(decisions)))


def test_a_newer_model_replaces_one_that_has_not_taken_over_yet(made):
    old, never, newest = fake_model(), fake_model(), fake_model()
    made.use(old)
    decide_all(made, [10, 20, 30], 0)
    made.use(never)
    decide_all(made, [40], 3)
    made.use(newest)
    decide_all(made, [50, 60, 70, 80, 90], 4)
    assert newest.predictor.seen[-1] == [70, 80, 90]


def test_the_first_model_decides_at_once(made):
    feed(made, [10])
    model = fake_model()
    made.use(model)
    (decision,) = decide_all(made, [20], 1)
    assert decision.seconds == pytest.approx(100.1)
    assert model.predictor.seen == [[20, 20, 20]]


def test_without_a_model_frames_are_shown_and_nothing_is_decided(made):
    feed(made, [10, 20])
    assert made.take() is None
    assert made.hub.picture(0).number == 2


def test_one_step_in_three_is_computed_at_even_times(made):
    model = fake_model()
    made.use(model, every=3, phase=1)
    decided = []
    for index in range(12):
        feed(made, [10 * index], index)
        if job := made.take():
            decided.append(made.decide(job).step)
    assert decided == [0, 1, 4, 7, 10]
    assert made.skipped == 0
    assert model.predictor.seen[-1] == [70, 70, 100]


def test_every_frame_goes_to_the_hooks_with_its_session():
    hub, seen = Hub(), []
    stream = CameraStream(
        hub.add_camera("door"),
        "door",
        hub,
        lambda: None,
        [lambda frame, arrived, number: seen.append((frame.index, arrived, number))],
    )
    feed(stream, [1, 2])
    assert seen == [(0, 100.0, 1), (1, 100.1, 1)]
