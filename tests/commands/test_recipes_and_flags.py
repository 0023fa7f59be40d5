"""Wrong commands and recipes: exit code 2, one line that names the flag or key and the mend."""

import subprocess
import sys

import pytest

from tests.commands.conftest import ending_of
from tests.running import ROOT

SCRIPTS = ["prepare.py", "finetune.py", "extract.py", "train_lstm.py", "evaluate.py", "run.py"]
NEEDED = {"run.py": ["--video", "a.mp4"]}


@pytest.fixture
def recipe(tmp_path):
    def write(text: str):
        path = tmp_path / "mine.yaml"
        path.write_text(text)
        return path

    return write


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_misspelt_key_names_recipe_key_and_the_nearest(script, end_of, recipe):
    path = recipe("sequence:\n  lookback: 4\n")
    ending = end_of(script, "--recipe", path, *NEEDED.get(script, []))
    ending.is_refusal(path, "sequence.lookback", "did you mean sequence.look_back?", code=2)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sequence: {look_back: many}", ["sequence.look_back", "'many'", "integer"]),
        ("sequence: {look_back: 0}", ["sequence.look_back", "0", "greater than"]),
        ("sequence: {units: []}", ["sequence.units"]),
        ("sequence: {dropout: 1.5}", ["sequence.dropout", "1.5"]),
        ("sampling: {fps: quick}", ["sampling.fps", "'quick'", "source"]),
        ("evaluate: {split: holdout}", ["evaluate.split", "holdout", "test"]),
        ("sequence: 5", ["sequence", "5"]),
        ("- a\n- b", ["keys and values"]),
        ("sequence: {look_back: 4", ["line", "YAML"]),
    ],
)
def test_a_value_that_does_not_fit_names_recipe_key_value_and_what_would(
    text, words, end_of, recipe
):
    path = recipe(text)
    end_of("train_lstm.py", "--recipe", path).is_refusal(path, *words, code=2)


def test_a_recipe_that_is_not_there_is_named(end_of, tmp_path):
    ending = end_of("evaluate.py", "--recipe", tmp_path / "none.yaml")
    ending.is_refusal(tmp_path / "none.yaml", "No such file", code=2)


@pytest.mark.parametrize("script", SCRIPTS)
def test_an_unknown_flag_is_named_with_the_way_to_the_list(script, end_of):
    ending = end_of(script, *NEEDED.get(script, []), "--lookback", "4")
    ending.is_refusal("--lookback", f"python {script} --help", code=2)


@pytest.mark.parametrize("flag", ["--look", "--dat"])
def test_an_abbreviated_flag_is_unknown(flag, end_of):
    end_of("train_lstm.py", flag, "4").is_refusal(flag, code=2)


@pytest.mark.parametrize(
    ("script", "arguments", "words"),
    [
        ("train_lstm.py", ["--look-back", "four"], ["sequence.look_back", "four"]),
        ("train_lstm.py", ["--set", "sequence.look_bak=4"], ["sequence.look_back"]),
        ("train_lstm.py", ["--set", "sequence.look_back"], ["key=value"]),
        ("train_lstm.py", ["--look-back"], ["--look-back", "expected one argument"]),
        ("evaluate.py", ["--split", "holdout"], ["evaluate.split", "holdout"]),
        ("extract.py", ["--dtype", "float8"], ["extract.dtype", "float8"]),
    ],
)
def test_a_flags_value_that_does_not_fit_names_the_key(script, arguments, words, end_of):
    end_of(script, *arguments).is_refusal(*words, code=2)


def test_run_without_a_source_names_the_three(end_of):
    end_of("run.py").is_refusal("--webcam", "--video", "--url", "required", code=2)


def test_run_with_two_sources_is_refused(end_of):
    ending = end_of("run.py", "--webcam", "--video", "a.mp4")
    ending.is_refusal("--video plays one file and goes with no camera", code=2)


def test_an_unknown_head_names_the_nearest_and_costs_no_history(copied, end_of):
    history = copied.weights / "history.csv"
    before = history.read_text()
    ending = end_of("train_lstm.py", *copied.arguments, "--head", "lstn")
    ending.is_refusal("sequence.head lstn", "did you mean lstm?", code=2)
    assert history.read_text() == before


def test_an_unknown_backbone_names_the_nearest(end_of, project, tmp_path):
    places = ["--data", project.data, "--weights", tmp_path / "new"]
    places += ["--features", tmp_path / "features.h5"]
    ending = end_of("extract.py", *places, "--backbone", "efficientnet_b00")
    ending.is_refusal("efficientnet_b00", "did you mean efficientnet_b0?", code=2)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("script", SCRIPTS)
def test_help_shows_flags_and_defaults_and_ends_well(script, end_of):
    ending = end_of(script, "--help")
    assert (ending.code, ending.errors) == (0, [])
    assert "--recipe FILE" in ending.output
    assert "--weights FOLDER" in ending.output
    assert "(default: weights)" in ending.output


def test_a_shell_sees_one_line_and_exit_code_2(recipe):
    path = recipe("sequence: {look_back: many}")
    done = subprocess.run(
        [sys.executable, "train_lstm.py", "--recipe", path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    ending_of(done.returncode, done.stdout, done.stderr).is_refusal(path, "look_back", code=2)
    assert done.stdout == ""
