"""The command `lookback`: every command by name, and one line for a wrong one."""

import subprocess
import sys

import pytest

import lookback
from lookback.cli import main
from recipes.commands import COMMANDS
from tests.running import ROOT
from video.errors import UsageError


def run(*arguments: str, folder=ROOT) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "lookback", *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )


def test_help_lists_every_command_with_a_line(capsys):
    assert main(["--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for name in COMMANDS:
        assert [line for line in lines if line.startswith(f"  {name} ") and len(line) > 25]


def test_without_a_command_the_list_is_shown_and_the_exit_code_is_two(capsys):
    assert main([]) == 2
    assert "usage: lookback COMMAND" in capsys.readouterr().out


def test_version_is_printed(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"lookback {lookback.__version__}\n"


@pytest.mark.parametrize(
    ("name", "hint"), [("evalute", "did you mean evaluate?"), ("xyz", "known: prepare, ")]
)
def test_an_unknown_command_is_a_usage_error_with_the_nearest(name, hint):
    with pytest.raises(UsageError) as error:
        main([name])
    assert hint in str(error.value)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_answers_to_help_by_its_own_name(name, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/usr/bin/lookback", name, "--help"])
    with pytest.raises(SystemExit) as left:
        main([name, "--help"])
    assert left.value.code == 0
    said = capsys.readouterr().out
    assert f"usage: lookback {name} " in said
    assert "python" not in said


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["tran"], "error: tran: there is no such command; did you mean train? "),
        (["train", "--bad"], "error: unrecognized arguments: --bad (python -m lookback train "),
    ],
)
def test_a_wrong_command_line_is_one_line_and_exit_code_two(arguments, line, tmp_path):
    done = run(*arguments, folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(line)
    assert done.stderr.count("\n") == 1


def test_a_hint_of_a_command_is_one_that_can_be_copied(tmp_path):
    done = run("train", "--recipe", "demo", folder=tmp_path)
    assert done.returncode == 1
    assert "python -m lookback" in done.stderr
    assert ".py" not in done.stderr
