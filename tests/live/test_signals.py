"""A service manager and a terminal end a real run.py: what it leaves must be complete."""

import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from live import runner
from recipes.loader import load
from tests.conftest import write_coded_video
from tests.live.conftest import read_rows, read_video
from tests.running import ROOT, run_script
from video.signals import ended_by_signals

FRAMES = 3000  # a run would take half a minute
SIGNALS = [signal.SIGTERM, signal.SIGINT]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has other signals")


@dataclass(frozen=True)
class Ended:
    """A run that a signal ended."""

    code: int
    output: str
    error: str
    csv: Path
    video: Path


def started(project, source: Path, folder: Path) -> subprocess.Popen:
    command = [sys.executable, "run.py", "--weights", project.weights, "--video", source]
    command += ["--no-window", "--csv", folder / "out.csv", "--save", folder / "out.mp4"]
    pipe = subprocess.PIPE
    return subprocess.Popen([*map(str, command)], cwd=ROOT, stdout=pipe, stderr=pipe, text=True)


@pytest.fixture(scope="module")
def ended(project, tmp_path_factory) -> dict[signal.Signals, Ended]:
    """Two runs side by side, each ended by its signal once twenty steps are on disk."""
    folders = {each: tmp_path_factory.mktemp(each.name) for each in SIGNALS}
    source = write_coded_video(folders[SIGNALS[0]] / "long.mp4", FRAMES, rate=10.0, size=(48, 48))
    runs = {each: started(project, source, folder) for each, folder in folders.items()}
    try:
        waiting, latest = dict(folders), time.monotonic() + 120
        while waiting and time.monotonic() < latest:
            for each, folder in list(waiting.items()):
                csv = folder / "out.csv"
                if csv.is_file() and csv.read_bytes().count(b"\n") > 20:
                    runs[each].send_signal(each)
                    del waiting[each]
            time.sleep(0.02)
        said = {each: run.communicate(timeout=60) for each, run in runs.items()}
    finally:
        for run in runs.values():
            run.kill()
    return {
        each: Ended(runs[each].returncode, *said[each], folder / "out.csv", folder / "out.mp4")
        for each, folder in folders.items()
    }


@pytest.fixture(params=SIGNALS, ids=lambda each: each.name)
def run(request, ended) -> Ended:
    return ended[request.param]


def test_the_run_ends_well_and_tells_how_it_went(run):
    assert run.error == ""
    assert run.code == 0
    assert "steps of" in run.output
    assert run.output.splitlines()[-2:] == [str(run.csv), str(run.video)]


def test_the_csv_holds_whole_rows(run):
    content = run.csv.read_bytes()
    assert content.endswith(b"\n")
    assert {line.count(b",") for line in content.splitlines()} == {7}
    rows = read_rows(run.csv)
    assert 20 <= len(rows) < FRAMES
    assert [int(row["step"]) for row in rows] == list(range(len(rows)))


def test_the_video_opens_decodes_and_is_as_long_as_the_rows(run):
    saved = read_video(run.video)
    assert saved.codec == "h264"
    # A frame a step; the signal may fall between the two.
    assert len(read_rows(run.csv)) - len(saved.frames) in (0, 1)


def handlers() -> list:
    return [signal.getsignal(each) for each in SIGNALS]


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_raises_inside_and_its_handler_is_the_one_before_afterwards(number):
    before = handlers()
    with pytest.raises(KeyboardInterrupt), ended_by_signals():
        signal.raise_signal(number)
    assert handlers() == before


def test_the_script_puts_the_handlers_back(project, a_clip):
    before = handlers()
    assert (
        run_script("run.py", ["--weights", project.weights, "--video", a_clip, "--no-window"]) == 0
    )
    assert handlers() == before


def test_a_run_from_python_needs_no_signals_and_works_in_any_thread(project, a_clip, tmp_path):
    csv, before, seen = tmp_path / "out.csv", handlers(), []

    def work() -> None:
        runner.run(runner.RunOptions("video", str(a_clip), csv=csv), load(flags=chosen))
        seen.append(handlers())

    chosen = {"model.folder": str(project.weights)}
    thread = threading.Thread(target=work)
    thread.start()
    thread.join(120)
    assert seen == [before]
    assert len(read_rows(csv)) == 20
