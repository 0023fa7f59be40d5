"""docs/python.md: its examples run as they are and print nothing of their own, and its table is
complete."""

import re
import shutil
import subprocess
import sys

import pytest

import lookback
from tests.running import ROOT

pytestmark = pytest.mark.slow

TEXT = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```", TEXT, re.M | re.S)


@pytest.fixture(scope="module")
def done(project, tmp_path_factory) -> subprocess.CompletedProcess:
    """The page's examples, run one after another in one process on a copy of the small project."""
    folder = tmp_path_factory.mktemp("docs")
    shutil.copytree(project.data, folder / "data")
    shutil.copy(next((project.data / "clips" / "raise").iterdir()), folder / "data" / "show.mp4")
    code = re.sub(r"epochs=\d", "epochs=1", "\n".join(EXAMPLES))
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "", "HOME": str(folder)},
    )


def test_the_examples_run_and_the_package_prints_nothing(done):
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    # After an epoch no step may be above the threshold; the package itself adds no line.
    printed = len(re.findall(r"\bprint\(", "\n".join(EXAMPLES)))
    assert len(lines) in (printed, printed - 1)
    assert re.fullmatch(r"[01]\.\d+", lines[0])
    assert re.match(r"Prediction\((down|lower|raise|up), ", lines[2])
    assert re.match(r"\(\d+, 1024\)", lines[4])
    assert "data/no-such-file.mp4: there is no such file" in done.stdout


@pytest.mark.parametrize("name", lookback.__all__)
def test_every_public_name_is_in_the_table(name):
    table = TEXT.partition("## Names")[2].partition("\n## ")[0]
    assert re.search(rf"`{name}\b", table)


@pytest.mark.parametrize("name", [each for each in lookback.__all__ if each != "__version__"])
def test_every_public_name_is_documented(name):
    assert len(getattr(lookback, name).__doc__) > 40
