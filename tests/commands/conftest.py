"""What the tests of the scripts share: running one to its end as the shell would see it."""

import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from recipes.command_line import run_command
from tests.conftest import Project, write_coded_video
from tests.running import ROOT, load_script

_PROGRESS = re.compile(r"\d+%\||\d+(video|scene|batch|fold)|\?(video|scene|batch|fold)/s|it/s\]")


@dataclass(frozen=True)
class Ending:
    """How a script ended: exit code, stdout, and the lines on stderr (progress bars left out)."""

    code: int
    output: str
    errors: list[str]

    def is_refusal(self, *words: object, code: int = 1) -> None:
        """Assert one line on stderr that holds all of `words`, and no traceback."""
        assert len(self.errors) == 1, self.errors
        (line,) = self.errors
        assert line.startswith("error: ")
        assert "Traceback" not in line + self.output
        for word in words:
            assert str(word) in line, f"{word!r} is not in {line!r}"
        assert len(line) < 600
        assert self.code == code


def ending_of(code: int, output: str, error: str) -> Ending:
    lines = [line for line in re.split(r"[\r\n]+", error) if line.strip()]
    return Ending(code, output, [line for line in lines if not _PROGRESS.search(line)])


@pytest.fixture
def end_of(monkeypatch, capfd) -> Callable[..., Ending]:
    """Return a function that runs a script to its end, in this process:
    end_of("run.py", "--video", "a.mp4"). What native code writes to stderr is seen as well."""

    def run(name: str, *arguments: object, folder: Path = ROOT) -> Ending:
        import training.keras_backend  # noqa: F401 (its start-up log is no part of what is looked at)

        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as left:
            run_command(load_script(name).main)
        said = capfd.readouterr()
        return ending_of(left.value.code, said.out, said.err)

    return run


@pytest.fixture
def copied(project, tmp_path) -> Project:
    """A copy of the small project that a test may spoil."""
    made = Project(tmp_path / "data", tmp_path / "weights")
    shutil.copytree(project.data, made.data)
    shutil.copytree(project.weights, made.weights)
    return made


@pytest.fixture(scope="session")
def a_video(tmp_path_factory) -> Path:
    """A good video that belongs to no project: 12 frames. Do not write."""
    return write_coded_video(tmp_path_factory.mktemp("video") / "good.mp4", 12)


@pytest.fixture
def a_file(tmp_path) -> Path:
    """A regular file: no folder can be made below it, whoever asks."""
    path = tmp_path / "a file"
    path.write_text("no folder")
    return path
