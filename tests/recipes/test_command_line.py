"""Flags, and the one line in which every script ends."""

import ast
import re
import subprocess
import sys

import pytest

from recipes.command_line import (
    PLACE_FLAGS,
    WEIGHTS_FLAG,
    Flag,
    parser,
    run_command,
    settings,
)
from recipes.loader import default_value
from tests.running import ROOT, load_script
from video.errors import LookbackError, UsageError, VideoError

_FLAGS = (
    Flag("--fps", "sampling.fps", "steps a second", "N"),
    Flag("--units", "sequence.units", "widths", "N"),
)
_SCRIPTS = ("prepare", "finetune", "extract", "train_lstm", "evaluate", "run")


def flags_of(name: str) -> tuple[Flag, ...]:
    """Return the flags of a script that set a key; of the places, run.py needs the model folder
    alone."""
    places = (WEIGHTS_FLAG,) if name == "run" else PLACE_FLAGS
    return (*load_script(f"{name}.py").FLAGS, *places)


def chosen(*arguments: str):
    return settings(parser("train", "For a test.", _FLAGS).parse_args([str(a) for a in arguments]))


def test_without_flags_nothing_is_given():
    assert chosen().given == frozenset()
    assert chosen().recipe.sampling.fps is None  # as the backbone has it
    assert chosen().recipe.seed == 0


def test_a_flag_sets_its_key_and_takes_its_type():
    made = chosen("--fps", "12.5", "--seed", "7", "--data", "clips of mine")
    assert (made.recipe.sampling.fps, made.recipe.seed) == (12.5, 7)
    assert made.given == {"sampling.fps", "seed", "data.folder"}
    assert chosen("--fps", "source").recipe.sampling.fps == "source"


def test_a_flag_beats_the_recipe(tmp_path):
    (tmp_path / "r.yaml").write_text("sampling: {fps: 5}\nseed: 3\n")
    made = chosen("--recipe", tmp_path / "r.yaml", "--fps", "6")
    assert (made.recipe.sampling.fps, made.recipe.seed) == (6, 3)
    assert made.source == "r.yaml"


def test_set_reaches_every_key_and_reads_yaml():
    made = chosen(
        *("--set", "sequence.units=[8, 4]", "--set", "finetune.augment.flip=false"),
        *("--set", "sequence.learning_rate=1e-4", "--set", "data.manifest=a=b.csv"),
    )
    assert made.recipe.sequence.units == (8, 4)
    assert made.recipe.finetune.augment.flip is False
    assert made.recipe.sequence.learning_rate == 1e-4
    assert made.recipe.data.manifest == "a=b.csv"
    assert "finetune.augment.flip" in made.given


def test_the_last_of_two_sets_holds_and_a_flag_of_its_own_beats_both():
    assert chosen("--set", "seed=1", "--set", "seed=2").recipe.seed == 2
    assert chosen("--seed", "3", "--set", "seed=1", "--set", "seed=2").recipe.seed == 3


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--fps"], "expected one argument"),
        (["--fsp", "3"], r"unrecognized arguments: --fsp 3 .*--help lists the flags"),
        (["--see", "3"], "unrecognized arguments: --see 3"),  # no abbreviations
        (["--set", "seed"], "--set seed: write it as key=value"),
        (["--set", "seed=[1"], r"--set seed=\[1: '\[1' is not a YAML value"),
        (["--set", "sequence.lok_back=3"], r"did you mean sequence\.look_back\?"),
        (["--fps", "fast"], r"the command line: sampling\.fps is 'fast'"),
        (["--fps", "inf"], r"sampling\.fps is 'inf', and should be a finite number or 'source'"),
        (["--recipe", "none.yaml"], r"none\.yaml: the recipe cannot be read"),
    ],
)
def test_a_wrong_command_is_one_line_and_exit_code_two(arguments, problem):
    with pytest.raises(UsageError, match=problem) as raised:
        chosen(*arguments)
    assert raised.value.exit_code == 2
    assert "\n" not in str(raised.value)


def _left_with(error: BaseException | int, capsys) -> tuple[int, str]:
    def main(_: list[str] | None) -> int:
        if isinstance(error, int):
            return error
        raise error

    with pytest.raises(SystemExit) as raised:
        run_command(main)
    return raised.value.code, capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (0, 0, ""),
        (LookbackError("data: nothing there"), 1, "error: data: nothing there\n"),
        (VideoError("a.mp4: broken"), 1, "error: a.mp4: broken\n"),
        (UsageError("seed is 'x'"), 2, "error: seed is 'x'\n"),
        (PermissionError(13, "Permission denied", "m.csv"), 1, "error: m.csv: Permission denied\n"),
        (OSError(28, "No space left on device"), 1, "error: No space left on device\n"),
        (KeyboardInterrupt(), 130, "\nstopped; files written so far can be used\n"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_script_ends_in_one_line_and_its_exit_code(error, code, line, capsys):
    assert _left_with(error, capsys) == (code, line)


def test_a_mistake_of_the_program_itself_is_not_hidden():
    def broken(_: list[str] | None) -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_command(broken)


@pytest.mark.parametrize("name", _SCRIPTS)
def test_help_works_at_once_and_shows_every_default(name):
    done = subprocess.run(
        [sys.executable, "-X", "importtime", f"{name}.py", "--help"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    imported = {line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines()}
    assert "recipes.loader" in imported
    slow = {"keras", "tensorflow", "torch", "jax", "sklearn", "matplotlib"}
    assert not slow & {module.partition(".")[0] for module in imported}

    shown = re.sub(r"-\s+", "-", re.sub(r"\s+", " ", done.stdout))
    for flag in flags_of(name):
        default = flag.default or default_value(flag.key)
        assert flag.name in shown
        assert default is not None, flag.name  # nothing in default.yaml: then in words
        text = re.sub(r"\s+", " ", f"{flag.help} (default: {default})")
        assert re.sub(r"-\s+", "-", text) in shown
    assert "--recipe FILE" in shown
    assert "--set KEY=VALUE" in shown


@pytest.mark.parametrize("name", _SCRIPTS)
def test_every_flag_of_a_script_sets_a_key_that_there_is(name):
    for flag in flags_of(name):
        default_value(flag.key)  # a KeyError is a flag without a key


@pytest.mark.parametrize("name", _SCRIPTS)
def test_a_wrong_flag_ends_a_script_with_one_line_on_stderr(name):
    done = subprocess.run(
        [sys.executable, f"{name}.py", "--no-such-flag"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")


@pytest.mark.parametrize("name", _SCRIPTS)
def test_a_script_only_parses_and_calls(name):
    tree = ast.parse((ROOT / f"{name}.py").read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    assert len((ROOT / f"{name}.py").read_text(encoding="utf-8").splitlines()) <= 10
    command = ROOT / "lookback" / "commands" / f"{'train' if name == 'train_lstm' else name}.py"
    assert len(command.read_text(encoding="utf-8").splitlines()) <= 60
