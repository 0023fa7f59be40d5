"""What the end-to-end tests share: a camera whose picture the model knows, and a program."""

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import coded_frame
from tests.live.servers import RtspServer, require_rtsp_server, write_h264
from tests.live.watching.program import Alarm, Program
from tests.running import run_script
from video.writer import Mp4Writer

STILL = 0b10110010


@pytest.fixture(scope="session")
def clip(tmp_path_factory) -> Path:
    """A byte stream of H.264, 25 pictures a second, all the same."""
    require_rtsp_server()
    return write_h264(tmp_path_factory.mktemp("still") / "clip.h264", still=STILL)


@pytest.fixture(scope="session")
def alarm(project, tmp_path_factory) -> Alarm:
    """A class that the small model sees in the picture of `clip`."""
    folder = tmp_path_factory.mktemp("alarm")
    video = folder / "still.mp4"
    with Mp4Writer(video, (64, 48), 10.0) as writer:
        for index in range(20):
            writer.write(coded_frame(STILL), index / 10)
    rows = folder / "rows.csv"
    run_script(
        "run.py", ["--weights", project.weights, "--no-window", "--video", video, "--csv", rows]
    )
    with rows.open() as file:
        last = list(csv.DictReader(file))[-1]
    label, high = last["label"], float(last["probability"])
    return Alarm(label, round(0.5 * high, 3), round(0.3 * high, 3))


@pytest.fixture
def server(clip) -> Iterator[RtspServer]:
    with RtspServer(clip) as made:
        yield made


@pytest.fixture
def watch(project, alarm, tmp_path) -> Iterator[Callable[..., Program]]:
    """Return a function that starts run.py with the small model; all are killed at the end."""
    made: list[Program] = []

    def start(*arguments: object, acts: bool = True, **options) -> Program:
        fixed: list[object] = ["--weights", project.weights, "--csv", tmp_path / "rows.csv"]
        if acts:
            fixed += [*alarm.flags, "--events", tmp_path / "events"]
        made.append(Program(tmp_path, *fixed, *arguments, **options))
        return made[-1]

    yield start
    for each in made:
        with each:
            pass
