"""Imports go one way, the pure rooms stay pure, and `extract` is the package."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.running import ROOT

# From the ground up: a room imports those before it.
_ROOMS = (
    "video",
    "recipes",
    "clips",
    "metrics",
    "training",
    "model_folder",
    "extract",
    "sequence",
    "live",
)
_PURE = ("video/sampling.py", "sequence/windows.py", "metrics/classification.py")
_FRAMEWORKS = {"keras", "tensorflow", "torch", "jax", "openvino", "onnxruntime"}

_FILES = sorted(path for room in _ROOMS for path in (ROOT / room).rglob("*.py"))


def _imported(path: Path) -> set[str]:
    """Return the first names of all modules that a file imports, wherever it does."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            names.add(node.module.partition(".")[0])
    return names


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_every_room_is_in_the_list():
    rooms = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "benchmarks"}
    assert rooms == set(_ROOMS)
    assert {path.relative_to(ROOT).parts[0] for path in _FILES} == set(_ROOMS)


@pytest.mark.parametrize("path", _FILES, ids=_name)
def test_a_room_imports_only_the_rooms_below_it(path):
    room = path.relative_to(ROOT).parts[0]
    above = set(_ROOMS[_ROOMS.index(room) + 1 :])
    assert not _imported(path) & above


@pytest.mark.parametrize("path", _FILES, ids=_name)
def test_no_room_imports_the_scripts_or_the_tests(path):
    scripts = {script.stem for script in ROOT.glob("*.py")} - set(_ROOMS)
    assert not _imported(path) & (scripts | {"tests", "benchmarks"})


@pytest.mark.parametrize("room", ["video", "recipes", "clips"])
def test_the_lower_rooms_name_no_framework(room):
    for path in (ROOT / room).rglob("*.py"):
        assert not _imported(path) & _FRAMEWORKS, path


def _modules_after(statement: str) -> set[str]:
    script = f"{statement}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True
    )
    return {name.partition(".")[0] for name in done.stdout.split()}


def test_the_pure_rooms_bring_no_framework_in():
    names = [path.removesuffix(".py").replace("/", ".") for path in _PURE]
    loaded = _modules_after("import " + ", ".join(names))
    assert "numpy" in loaded
    assert not loaded & _FRAMEWORKS


def test_extraction_itself_brings_no_framework_in():
    loaded = _modules_after("import extract.pipeline.runner, extract.extractor")
    assert "h5py" in loaded
    assert not loaded & _FRAMEWORKS


@pytest.mark.parametrize("name", _PURE)
def test_the_pure_rooms_name_no_framework(name):
    assert not _imported(ROOT / name) & (_FRAMEWORKS | {"cv2", "av", "h5py"})


def test_extract_is_the_package_also_beside_the_script_of_that_name():
    assert (ROOT / "extract.py").is_file()
    script = "import extract; print(extract.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert Path(done.stdout.strip()) == ROOT / "extract" / "__init__.py"


@pytest.mark.parametrize("script", ["extract.py", "train_lstm.py"])
def test_a_script_that_runs_finds_the_package_extract(script):
    # The folder of the script is the first place that is searched, as when a user runs it.
    code = (
        f"import runpy, sys; sys.path[0] = {str(ROOT)!r}; sys.argv = [{script!r}, '--help']\n"
        "try: runpy.run_path(sys.argv[0], run_name='__main__')\n"
        "except SystemExit: pass\n"
        "import extract; print(extract.__path__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert str(ROOT / "extract") in done.stdout.splitlines()[-1]
