"""The learner around its process: progress, crash, cancel; the process is a script of the test."""

import json
import os
import sys
import time
from pathlib import Path

import pytest

from live.teaching.learning import KEPT, TAUGHT, Learner
from live.teaching.record import LearningRecord
from live.teaching.request import from_json, to_json, with_keys
from tests.live.teaching.scripted import settings_of
from video.errors import LookbackError

RECORD = {
    "score": 0.9,
    "method": "groups",
    "hits": {"a.mp4@0": True},
    "labels": ["clap", "wave"],
    "warnings": ["Only 2 sessions of a class."],
    "seconds": 12.5,
}
HEAD = """
import json, os, sys, time
request = json.loads(sys.stdin.readline())
folder = request["folder"]
def say(**values): print(json.dumps(values), flush=True)
"""
MAKE = """
os.makedirs(folder)
open(os.path.join(folder, "model.yaml"), "w").close()
"""


class Bench:
    """A learner whose process runs the lines of a test."""

    def __init__(self, folder: Path, lines: str, reason="") -> None:
        script = folder / "process.py"
        script.write_text(HEAD + lines)
        self.weights = folder / "weights"
        self.taken: list[tuple[Path, LearningRecord]] = []
        self.reason = reason
        self.settings = settings_of(folder / "data", model__folder=str(self.weights))
        self.learner = Learner(self.settings, self._take_over, [sys.executable, str(script)])

    def _take_over(self, folder, record):
        self.taken.append((folder, record))
        if isinstance(self.reason, Exception):
            raise self.reason
        return self.reason

    def run(self) -> dict:
        self.learner.learn()
        self.learner.wait(20)
        return self.learner.progress()

    def until(self, **wanted) -> dict:
        for _ in range(400):
            shown = self.learner.progress()
            if all(shown[key] == value for key, value in wanted.items()):
                return shown
            time.sleep(0.02)
        raise AssertionError(shown)

    @property
    def models(self) -> list[str]:
        taught = self.weights / TAUGHT
        return sorted(each.name for each in taught.iterdir()) if taught.is_dir() else []


def bench(folder, lines, **values) -> Bench:
    folder.mkdir(exist_ok=True)
    return Bench(folder, lines, **values)


DONE = MAKE + f"say(learned={RECORD!r})"


def test_a_learning_ends_with_its_score_and_offers_the_folder(tmp_path):
    made = bench(tmp_path, "say(phase='train', fraction=0.7, message='Training')\n" + DONE)
    assert made.learner.progress()["state"] == "idle"
    shown = made.run()
    assert (shown["state"], shown["fraction"], shown["score"]) == ("done", 1.0, 0.9)
    assert shown["warning"] == "Only 2 sessions of a class."
    ((folder, record),) = made.taken
    assert record == LearningRecord.from_json(RECORD)
    assert made.models == [folder.name]


def test_progress_is_what_the_process_says(tmp_path):
    lines = "say(phase='extract', fraction=0.5, message='Reading')\nsys.stdin.read()"
    made = bench(tmp_path, lines)
    made.learner.learn()
    shown = made.until(phase="extract")
    assert (shown["state"], shown["fraction"], shown["message"]) == ("running", 0.5, "Reading")
    with pytest.raises(LookbackError, match="runs already"):
        made.learner.learn()
    made.learner.cancel()
    assert made.learner.progress()["state"] == "idle"


def test_the_process_gets_the_settings_as_the_user_gave_them(tmp_path):
    made = bench(tmp_path, "say(error=json.dumps(request['settings']))")
    got = from_json(json.loads(made.run()["message"]))
    assert got == made.settings
    assert "model.folder" in got.given


def test_cancel_kills_the_process_and_its_own_ones_and_leaves_no_model(tmp_path):
    lines = MAKE + (
        "import subprocess\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "say(phase='train', fraction=child.pid, message='')\ntime.sleep(60)"
    )
    made = bench(tmp_path, lines)
    made.learner.learn()
    child = int(made.until(phase="train")["fraction"])
    made.learner.cancel()
    shown = made.learner.progress()
    assert (shown["state"], shown["message"]) == ("idle", "Cancelled")
    assert made.models == []
    assert made.taken == []
    if sys.platform != "win32":
        for _ in range(200):
            if not _runs(child):
                break
            time.sleep(0.01)
        assert not _runs(child)
    made.learner.cancel()  # nothing runs: no error


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    # A zombie has ended; nobody in this container may be there to wait for it.
    status = Path(f"/proc/{process}/stat")
    return not (status.is_file() and status.read_text().rpartition(")")[2].split()[0] == "Z")


def test_after_a_cancel_one_can_learn_again(tmp_path):
    first = "flag = os.path.join(os.path.dirname(__file__), 'second')\n"
    lines = first + (
        "if not os.path.exists(flag):\n"
        "    open(flag, 'w').close(); say(phase='train', fraction=0, message=''); time.sleep(60)\n"
    )
    made = bench(tmp_path, lines + DONE)
    made.learner.learn()
    made.until(phase="train")
    made.learner.cancel()
    assert made.run()["state"] == "done"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("say(error='there are no clips yet')", "there are no clips yet"),
        ("raise ValueError('shapes')", "ValueError: shapes"),
        ("print('out of memory', file=sys.stderr); os._exit(3)", "out of memory"),
        ("os._exit(3)", "code 3"),
        ("print('no JSON'); print('[1]'); os._exit(0)", "without a result"),
    ],
)
def test_a_process_that_fails_gives_its_last_line(tmp_path, lines, message):
    made = bench(tmp_path, MAKE + lines)
    shown = made.run()
    assert shown["state"] == "failed"
    assert message in shown["message"]
    assert made.models == []
    assert made.taken == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals")
def test_a_process_that_the_system_kills_is_named(tmp_path):
    shown = bench(tmp_path, "os.kill(os.getpid(), 9)").run()
    assert shown["message"] == "the process was ended by SIGKILL; is there too little memory?"


def test_a_process_that_ends_before_it_reads_fails(tmp_path):
    made = bench(tmp_path, "")
    script = tmp_path / "process.py"
    script.write_text("raise SystemExit('bad installation')")
    assert made.run()["message"] == "bad installation"


def test_a_refused_model_is_removed_and_the_reason_shown(tmp_path):
    made = bench(tmp_path, DONE, reason="the new model is worse")
    shown = made.run()
    assert (shown["state"], shown["message"]) == ("refused", "the new model is worse")
    assert shown["score"] == 0.9
    assert made.models == []


def test_a_bug_in_the_take_over_is_no_learning_that_runs_for_ever(tmp_path):
    made = bench(tmp_path, DONE, reason=ZeroDivisionError("no"))
    assert made.run()["state"] == "failed"
    assert made.models == []


def test_only_the_last_models_are_kept(tmp_path):
    made = bench(tmp_path, DONE)
    for _ in range(KEPT + 2):
        assert made.run()["state"] == "done"
    assert made.models == sorted(folder.name for folder, _ in made.taken[-KEPT:])


def test_settings_with_other_keys_count_as_given(tmp_path):
    settings = settings_of(tmp_path)
    changed = with_keys(settings, {"sequence.head": "lstm", "sequence.look_back": 4})
    assert (changed.recipe.sequence.head, changed.recipe.sequence.look_back) == ("lstm", 4)
    assert changed.given == settings.given | {"sequence.head", "sequence.look_back"}
    assert from_json(json.loads(json.dumps(to_json(changed)))) == changed
