"""The soak test: what it calls growth, when cameras fail, and two minutes of it."""

import pytest

from benchmarks import record, soak
from benchmarks.soak import Faults, Growth, Plan, Sample
from tests.live.servers import require_rtsp_server

PLAN = Plan.of(30)


def samples(megabytes=0.0, threads=0.0, handles=0.0, recordings=0.0) -> list[Sample]:
    """Return the samples of a run in which so much is added in every minute."""
    made = []
    for index in range(180):
        minutes = index / 6
        counts = (int(each * minutes) for each in (threads, handles, recordings))
        more_threads, more_handles, more_recordings = counts
        wave = index % 3  # what comes and goes
        made.append(
            Sample(
                10.0 * index,
                1000 + megabytes * minutes,
                30 + wave + more_threads,
                20 + wave + more_handles,
                wave + more_recordings,
            )
        )
    return made


def test_a_level_run_has_not_grown():
    growth = Growth.of(samples(megabytes=1.5), PLAN)
    assert growth.failures == []
    assert growth.before[1:] == growth.after[1:] == (30, 20, 0)


@pytest.mark.parametrize(
    ("added", "failure"),
    [
        ({"megabytes": 2.5}, "memory has grown"),
        ({"threads": 0.1}, "threads: 30 before, 32 after"),
        ({"handles": 0.1}, "handles: 20 before, 22 after"),
        ({"recordings": 0.3}, "8 recordings stay open"),
    ],
    ids=["memory", "threads", "handles", "recordings"],
)
def test_a_leak_is_found(added, failure):
    (found,) = Growth.of(samples(**added), PLAN).failures
    assert found.startswith(failure)


@pytest.mark.parametrize("minutes", [2, 10, 30])
def test_cameras_fail_only_where_the_failure_is_over_before_a_quiet_time(minutes):
    plan = Plan.of(minutes)
    faults = plan.faults()
    assert len(faults) >= 4
    assert faults[0] < plan.warm_up  # what a failure costs once belongs to the warm-up
    for each in faults:
        assert not any(plan.is_quiet(each + later) for later in range(13))


class Server:
    """A camera that keeps what is done to it."""

    def __init__(self) -> None:
        self.acts: list[str] = []

    def __getattr__(self, name: str):
        return lambda *words: self.acts.append(" ".join([name, *words]))


def test_cameras_fail_in_turn_and_come_back():
    servers = [Server(), Server()]
    faults = Faults(servers, [10.0, 30.0, 50.0])
    for second in range(70):
        faults.check(float(second))
    assert [each for _, each in faults.done] == [
        "camera 0 killed",
        "camera 1 frozen",
        "camera 0 silent",
    ]
    assert servers[0].acts == ["kill", "start", "say pause", "say play"]
    assert servers[1].acts == ["freeze", "thaw"]


@pytest.mark.live_servers
@pytest.mark.timeout(600)
def test_two_minutes(project, tmp_path, monkeypatch):
    require_rtsp_server()
    monkeypatch.setattr(record, "RESULTS", tmp_path / "results")
    arguments = ["--minutes", "2", "--size", "320x240", "--weights", str(project.weights)]
    assert soak.main([*arguments, "--folder", str(tmp_path)]) == 0
