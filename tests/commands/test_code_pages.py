"""Names in any letters through the scripts, where the terminal's encoding lacks them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from recipes.command_line import run_command
from tests.conftest import Project
from tests.running import ROOT

pytestmark = pytest.mark.slow

LABEL = "打架"
_RUN = """
import sys
from recipes.command_line import run_command
from tests.running import load_script
data, weights, video = sys.argv[1:]
base = ["--data", data, "--weights", weights]
made = ["--backbone", "tiny", "--set", "preprocessing.input_size=48"]
short = ["--look-back", "2", "--epochs", "1"]
live = ["--weights", weights, "--video", video, "--no-window", "--set", "sequence.threshold=0"]
for name, flags in {
    "prepare.py": base, "extract.py": base + made, "train_lstm.py": base + short, "run.py": live,
}.items():
    try:
        run_command(lambda _: load_script(name).main(flags))
    except SystemExit as left:
        print(name, left.code)
"""


@pytest.fixture
def foreign(clips_folder, tmp_path) -> Project:
    """Two classes, one of them named in Chinese; so are its clips."""
    made = Project(tmp_path / "data", tmp_path / "weights")
    for label, name in {"raise": LABEL, "lower": "lower"}.items():
        folder = made.data / "clips" / name
        folder.mkdir(parents=True)
        for number, clip in enumerate(sorted((clips_folder / "clips" / label).iterdir())[:6]):
            shutil.copy(clip, folder / f"{name} {number}.mp4")
    return made


def scripts(made: Project, video: Path, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", _RUN, made.data, made.weights, video],
        capture_output=True,
        cwd=ROOT,
        env={**os.environ, **environment},
        check=False,
    )


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_a_class_that_the_output_cannot_spell_is_escaped_all_the_way(encoding, foreign):
    video = min((foreign.data / "clips" / LABEL).iterdir())
    done = scripts(foreign, video, PYTHONIOENCODING=encoding)
    output = done.stdout.decode(encoding)
    assert "Traceback" not in done.stderr.decode(encoding)
    for name in ("prepare", "extract", "train_lstm", "run"):
        assert f"{name}.py 0" in output
    escaped = LABEL.encode(encoding, "backslashreplace").decode(encoding)
    rows = [line for line in output.splitlines() if line.startswith(escaped)]
    assert rows  # of prepare.py's table
    assert f"{escaped} 0.mp4" in output  # of run.py's first line


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names are always Unicode")
def test_a_name_that_the_locale_cannot_spell_is_one_line_with_the_remedy(foreign):
    code = (
        "from recipes.command_line import run_command\n"
        f"run_command(lambda _: print(open({str(foreign.data / 'clips' / LABEL)!a}, 'w')))"
    )
    locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command, environment = [sys.executable, "-c", code], {**os.environ, **locale}
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, env=environment, check=False
    )
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert "PYTHONUTF8=1" in line
    assert "\\u6253" in line
    assert done.returncode == 1


def test_an_output_that_is_no_stream_of_bytes_is_left_alone(monkeypatch):
    import io

    monkeypatch.setattr(sys, "stdout", io.StringIO())
    with pytest.raises(SystemExit) as left:
        run_command(lambda _: print(LABEL) or 0)
    assert left.value.code == 0
