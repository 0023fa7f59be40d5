"""Imports go one way, the pure rooms stay pure, and `extract` is the package."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests import rooms
from tests.running import ROOT

_PURE = (
    "video/sampling.py",
    "sequence/windows.py",
    "metrics/classification.py",
    "metrics/pooling.py",
    "sequence/prediction_rows.py",
)
_FRAMEWORKS = {"keras", "tensorflow", "torch", "jax", "openvino", "onnxruntime"}

_FILES = sorted(rooms.module_files().values())


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


def test_every_package_is_a_room():
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "benchmarks"}
    assert packages == set(rooms.PACKAGES)
    for outer in ("clips", "extract"):
        nested = {f"{outer}.{path.parent.name}" for path in ROOT.glob(f"{outer}/*/__init__.py")}
        assert nested == {room for room in rooms.ORDER if room.startswith(f"{outer}.")}


def test_a_room_imports_only_rooms_below_it():
    assert rooms.arrows_up(rooms.room_graph(rooms.module_graph())) == []


def test_there_is_no_circle_of_modules():
    assert rooms.circles(rooms.module_graph()) == []


def test_no_room_holds_more_than_a_third_of_the_lines():
    lines = rooms.line_counts()
    assert max(lines.values()) <= sum(lines.values()) / 3


def test_no_room_imports_the_scripts_or_the_tests():
    scripts = {script.stem for script in ROOT.glob("*.py")} - set(rooms.PACKAGES)
    for path in _FILES:
        assert not _imported(path) & (scripts | {"tests", "benchmarks"}), path


def test_the_lower_rooms_name_no_framework():
    for room in ("video", "recipes", "clips", "metrics"):
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
    loaded = _modules_after("import extract.pipeline.runner, extract.extractor.extractor")
    assert "h5py" in loaded
    assert not loaded & _FRAMEWORKS


def test_the_pure_modules_name_no_framework():
    for name in _PURE:
        assert not _imported(ROOT / name) & (_FRAMEWORKS | {"cv2", "av", "h5py"}), name


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
