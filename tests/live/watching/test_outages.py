"""A run of run.py over a bad day of a real camera: outages, other pictures, slow pictures.

Prints a table: python -m pytest -m live_servers -s tests/live/watching/test_outages.py
"""

import time
from itertools import pairwise

import pytest

from tests.live.servers import RtspServer, require_rtsp_server, write_h264
from tests.live.watching.conftest import STILL
from tests.live.watching.program import Level, Program, events_of, row_told

pytestmark = [pytest.mark.live_servers, pytest.mark.shared, pytest.mark.timeout(900)]

# A picture is on its way for this long: through the server, the network and the decoder.
UNDER_WAY = 0.7


def seconds_of(program: Program) -> list[float]:
    return [float(row["seconds"]) for row in program.rows()]


class Day:
    """Outages of a run, each as times of `time.monotonic` between which nobody saw anything."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.began = program.csv_began()
        self.unseen: list[tuple[str, float, float]] = []

    def back(self, name: str, since: float, until: float, limit: float) -> float:
        """Wait until rows come again, and note the outage; return how long that took."""
        back = self.program.wait_for_rows(seconds=limit + 10) - until
        self.unseen.append((name, since + UNDER_WAY, until))
        row_told(name, f"rows again after {back:.1f} s", self.program.level())
        assert back < limit
        return back

    def check_rows(self) -> int:
        """Check that there is no row for time unseen; return the number of rows."""
        times = [self.began + each for each in seconds_of(self.program)]
        assert times == sorted(times)
        for name, since, until in self.unseen:
            made_up = [each for each in times if since < each < until]
            assert not made_up, f"{name}: {len(made_up)} rows for time that nobody saw"
        return len(times)

    def end(self, name: str, before: Level, after: Level) -> None:
        """End the program after one event; its rows are right, and its memory is level."""
        rows = self.check_rows()
        took = self.program.end()
        row_told(
            name,
            f"1 event, {rows} rows, none unseen",
            f"{before} -> {after}",
            f"ended in {took:.1f} s",
        )
        assert after.threads <= before.threads + 1
        assert after.files <= before.files + 1
        assert after.megabytes < 1.1 * before.megabytes + 10


def test_a_camera_that_is_killed_five_times(server, watch, tmp_path):
    program = watch("--url", server.address, "--set", "live.bridge_seconds=60")
    program.wait(lambda: events_of(tmp_path / "events"), what="an event")
    day = Day(program)
    time.sleep(1)
    before = program.level()
    waits = []
    for number, delay in enumerate((1, 2, 4, 8, 15), 1):
        killed = time.monotonic()
        server.kill()
        time.sleep(0.5)
        server.start()
        waits.append(day.back(f"killed, time {number}", killed, time.monotonic(), 1.2 * delay + 3))
    after = program.level()
    (event,) = events_of(tmp_path / "events")
    assert event["ended"] is None, "a short outage must not end an event"
    day.end("killed five times", before, after)


def test_a_camera_that_hangs_falls_silent_and_changes(server, watch, tmp_path):
    program = watch("--url", server.address, "--set", "live.bridge_seconds=60")
    program.wait(lambda: events_of(tmp_path / "events"), what="an event")
    day = Day(program)
    before = program.level()
    for seconds in (3, 8, 30):
        server.freeze()
        frozen = time.monotonic()
        time.sleep(seconds)
        server.thaw()
        day.back(f"SIGSTOP {seconds} s", frozen, time.monotonic(), 20)
        time.sleep(1)
    server.say("pause")
    paused = time.monotonic()
    time.sleep(4)
    server.say("play")
    day.back("paused 4 s", paused, time.monotonic(), 5)
    killed = time.monotonic()
    server.kill()
    server.clip = write_h264(tmp_path / "large.h264", size=(128, 96), still=STILL)
    server.start()
    day.back("another picture size", killed, time.monotonic(), 20)
    after = program.level()
    assert len(events_of(tmp_path / "events")) == 1
    day.end("hangs, silence, size", before, after)


def test_an_outage_longer_than_the_bridge_ends_the_event_before_it(server, watch, tmp_path):
    program = watch("--url", server.address, "--set", "live.bridge_seconds=2")
    program.wait(lambda: events_of(tmp_path / "events"), what="an event")
    time.sleep(1)
    server.kill()
    killed = time.time()
    program.wait(lambda: events_of(tmp_path / "events")[0]["ended"], what="the end of the event")
    server.start()
    program.wait(lambda: len(events_of(tmp_path / "events")) == 2, what="a second event")
    ended = events_of(tmp_path / "events")[0]["ended"]
    row_told("outage beyond the bridge", f"the event ended {killed - ended:.2f} s before the kill")
    assert -UNDER_WAY < ended - killed < UNDER_WAY


def test_one_picture_a_second_has_events(server, watch, tmp_path):
    server.say("slow 1")
    program = watch("--url", server.address)
    program.wait(lambda: events_of(tmp_path / "events"), what="an event")
    program.wait_for_rows(5)
    # The first pictures come in a burst, after which a second looks like a gap, once.
    gaps = [later - earlier for earlier, later in pairwise(seconds_of(program))][-4:]
    row_told("1 frame a second", f"rows {max(gaps):.2f} s apart at most, 1 event")
    assert max(gaps) < 1.7
    assert "live again" not in program.text


def test_a_group_of_pictures_of_four_seconds(watch, tmp_path):
    require_rtsp_server()
    clip = write_h264(tmp_path / "long.h264", 200, group=100, still=STILL)
    with RtspServer(clip) as server:
        program = watch("--url", server.address)
        program.wait(lambda: events_of(tmp_path / "events"), what="an event")
        program.wait_for("at 25 frames/s")
        day = Day(program)
        server.freeze()
        frozen = time.monotonic()
        time.sleep(3)
        server.thaw()
        day.back("4 s group of pictures, SIGSTOP 3 s", frozen, time.monotonic(), 12)
        time.sleep(1)
        day.check_rows()
