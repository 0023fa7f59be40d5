"""evaluate --alarms as a user runs it."""

import json
from pathlib import Path

import pytest

from tests.conftest import Project, write_coded_video

pytestmark = pytest.mark.slow

RAISE = ("--set", "alarms.classes=[raise]", "--set", "alarms.hold_seconds=0.3")


@pytest.fixture(scope="module")
def night(tmp_path_factory) -> Path:
    """A folder with a video that belongs to no project, and a file that is none."""
    folder = tmp_path_factory.mktemp("night")
    write_coded_video(folder / "hall" / "night.mp4", 60)
    (folder / "readme.txt").write_text("no video")
    return folder


def test_alarms_are_measured(project: Project, night: Path, end_of, tmp_path: Path):
    done = end_of("evaluate.py", *project.arguments, *RAISE, "--alarms", night, "--out", tmp_path)
    assert (done.code, done.errors) == (0, [])
    content = json.loads((tmp_path / "alarms.json").read_text())
    assert content["hours"] == pytest.approx(5.4 / 3600)  # from the sixth of 60 steps on
    assert content["proposal"]["supported"] is False
    values = content["classes"]["raise"]
    tested = {
        each for each in (project.data / "manifest.csv").read_text().split() if "test" in each
    }
    assert values["clips"] == sum("/raise/" in each for each in tested) > 0
    assert values["rule"]["hold_seconds"] == 0.3
    assert "Nothing is proposed for 0.1 false alarms per hour" in done.output
    assert done.output.rstrip().endswith("alarms.json")


def test_without_a_manifest_only_false_alarms_are_measured(
    project: Project, night: Path, end_of, tmp_path: Path
):
    places = ("--weights", project.weights, "--data", tmp_path / "none", "--out", tmp_path)
    done = end_of("evaluate.py", *places, *RAISE, "--alarms", night)
    assert (done.code, done.errors) == (0, [])
    assert "recall is not measured" in done.output
    assert json.loads((tmp_path / "alarms.json").read_text())["test_clips"] == 0


@pytest.mark.parametrize(
    ("arguments", "words", "code"),
    [
        (("--alarms", "nowhere.mp4"), ["nowhere.mp4", "no such file"], 1),
        (("--alarms", "{night}", "--folds", "3"), ["--folds", "--alarms"], 2),
        (("--alarms", "{night}", "--false-alarms-per-hour", "0"), ["per-hour 0", "above 0"], 2),
        (("--alarms", "{night}", "--false-alarms-per-hour", "few"), ["per-hour few"], 2),
        (("--false-alarms-per-hour", "1"), ["goes with --alarms"], 2),
        (("--alarms", "{night}"), ["alarms.classes", "no class raises an alarm"], 2),
        (
            ("--alarms", "{night}", "--set", "alarms.classes=[raize]"),
            ["no class raize", "did you mean raise?"],
            2,
        ),
        (("--alarms", "{trained}", *RAISE), ["is in the split train"], 1),
        (("--alarms", "{night}/readme.txt", *RAISE), ["readme.txt", "cannot be read"], 1),
    ],
)
def test_mistakes_end_in_one_line(
    project: Project, night: Path, end_of, arguments: tuple, words: list[str], code: int
):
    rows = (project.data / "manifest.csv").read_text().splitlines()
    trained = project.data / next(row for row in rows if ",train," in row).partition(",")[0]
    given = [each.format(night=night, trained=trained) for each in arguments]
    done = end_of("evaluate.py", *project.arguments, *given)
    done.is_refusal(*words, code=code)
