"""The environment of the image `worker`: extraction in it, without TensorFlow."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Project
from tests.running import ROOT, run_script
from tests.test_packaging import pip

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def worker(tmp_path_factory) -> Path:
    """Python of a new environment that has the worker's requirements and no more."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    (python,) = [*folder.glob("bin/python"), *folder.glob("Scripts/python.exe")]
    # `--python` comes before the command of pip.
    pip("--python", python, "install", "--quiet", "-r", ROOT / "requirements-worker.txt")
    return python


def _extract(python: Path, *arguments: object) -> subprocess.CompletedProcess:
    return subprocess.run(
        [python, "extract.py", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_shards_without_tensorflow_give_the_features_of_one_program(
    worker: Path, copied: Project, tmp_path: Path
):
    code = "import importlib.util as u; print(u.find_spec('tensorflow'), u.find_spec('keras'))"
    found = subprocess.run([worker, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["None", "None"]
    run_script("extract.py", [*copied.arguments, "--network-only"])
    run_script("extract.py", [*copied.arguments, "--features", tmp_path / "one"])
    features = ("--features", tmp_path / "many")
    for shard in (["--shard", "1/2"], ["--shard", "2/2"], []):
        done = _extract(worker, *copied.arguments, *features, *shard)
        assert done.returncode == 0, done.stderr
    one, many = (next((tmp_path / name).glob("part-*.h5")) for name in ("one", "many"))
    assert one.read_bytes() == many.read_bytes()


def test_a_network_that_is_not_converted_is_told_in_one_line(
    worker: Path, copied: Project, tmp_path: Path
):
    folder = copied.weights / "engines"
    assert folder.is_dir()
    folder.rename(tmp_path / "engines")
    done = _extract(worker, *copied.arguments, "--features", tmp_path / "f", "--shard", "1/2")
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("error: ")
    assert "keras is not installed" in line
    assert "converted" in line
