import pytest

from live import timing
from live.timing import STEP_SECTIONS, Stopwatch


@pytest.fixture
def clock(monkeypatch) -> list[float]:
    """A clock that stands until a test moves it: clock[0] is the time in seconds."""
    now = [100.0]
    monkeypatch.setattr(timing.time, "perf_counter", lambda: now[0])
    return now


def passed(watch: Stopwatch, clock: list[float], stage: str, seconds: float) -> None:
    with watch.section(stage):
        clock[0] += seconds


def test_a_step_is_the_time_from_decoding_to_deciding(clock):
    watch = Stopwatch()
    passed(watch, clock, "decode", 0.001)
    passed(watch, clock, "decode", 0.002)  # two frames for one step
    passed(watch, clock, "wait", 5.0)  # for a camera: no work
    passed(watch, clock, "backbone", 0.010)
    passed(watch, clock, "sequence", 0.004)
    assert watch.step_done() == pytest.approx(0.017)
    passed(watch, clock, "output", 3.0)
    passed(watch, clock, "backbone", 0.020)
    assert watch.step_done() == pytest.approx(0.020)  # every step begins anew
    assert watch.steps == 2
    row = next(line for line in watch.summary().splitlines() if line.startswith("backbone"))
    assert row.split()[1] == "15.00"  # the median of 10 and 20 ms


def test_steps_without_a_new_frame_are_counted_and_do_not_flatter_the_median(clock):
    watch = Stopwatch()
    for repeated in (False, True, True, True):
        passed(watch, clock, "backbone", 0.0 if repeated else 0.300)
        watch.step_done(repeated)
    row = next(line for line in watch.summary().splitlines() if line.startswith("backbone"))
    assert row.split()[1] == "300.00"
    assert "3 of 4 steps came without a new frame" in watch.summary()


def test_a_stage_that_fails_is_timed_as_well(clock):
    watch = Stopwatch()

    def interrupted():
        with watch.section("backbone"):
            clock[0] += 2.0
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert watch.step_done() == pytest.approx(2.0)


def test_the_summary_names_the_stages_with_median_and_share(clock):
    watch = Stopwatch()
    for milliseconds in (10, 20, 90):
        watch.frames += 2
        for stage in (*STEP_SECTIONS, "output"):
            passed(watch, clock, stage, milliseconds / 1000)
        watch.step_done()
    rows = {line.split()[0]: line.split() for line in watch.summary().splitlines()}
    for stage in (*STEP_SECTIONS, "output"):
        assert float(rows[stage][1]) == pytest.approx(20)  # the median
        assert float(rows[stage][2]) == pytest.approx(83)  # the 95th percentile
        assert rows[stage][3] == "20%"
    assert float(rows["step"][1]) == pytest.approx(4 * 20)
    assert "3 steps of 6 frames in 0.6 s (10 frames/s)" in watch.summary()


def test_the_summary_of_no_step_says_so():
    assert Stopwatch().summary() == "No step was computed."
