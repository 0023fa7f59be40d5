"""`pip install .` gives every room with its data, and the command works in any folder."""

import os
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from tests.running import ROOT

_NOT_INSTALLED = {"tests", "benchmarks"}
_ROOMS = sorted({path.parent.name for path in ROOT.glob("*/__init__.py")} - _NOT_INSTALLED)
_SETUPTOOLS = 77  # the oldest that knows pyproject's `license = "MIT"`
# What pip says where the build's own requirements are neither here nor on a package index.
_OUT_OF_REACH = r"No matching distribution found for setuptools|Could not find a version"


def pip(*arguments: object) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode and re.search(_OUT_OF_REACH, done.stderr):
        pytest.skip("setuptools is neither installed nor to be had from a package index")
    assert done.returncode == 0, done.stderr


def _has_setuptools() -> bool:
    try:
        return int(metadata.version("setuptools").partition(".")[0]) >= _SETUPTOOLS
    except metadata.PackageNotFoundError:
        return False


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """A folder that the project, without its requirements, is installed into."""
    folder = tmp_path_factory.mktemp("installed")
    source = folder / "source"
    source.mkdir()
    for name in ("tests", *_ROOMS):  # tests, to see that they stay out
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in ROOT.iterdir():  # building writes into its folder, so it has one of its own
        if path.is_file():
            shutil.copy(path, source)
    isolation = ("--no-build-isolation",) if _has_setuptools() else ()
    pip("wheel", "--no-deps", *isolation, "--wheel-dir", folder, source)
    (wheel,) = folder.glob("lookback-*.whl")
    pip("install", "--no-deps", "--target", folder / "site", wheel)
    return folder / "site"


def run(site: Path, folder: Path, *command: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, *command],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(site)},
        check=False,
    )


def _files(folder: Path) -> set[str]:
    return {
        path.relative_to(folder.parent).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.mark.parametrize("room", _ROOMS)
def test_a_room_is_installed_with_every_file(site, room):
    assert _files(site / room) == _files(ROOT / room)


def test_nothing_else_is_installed(site):
    names = {path.name for path in site.iterdir() if path.suffix != ".dist-info"}
    assert names - {"bin", "Scripts"} == set(_ROOMS)


def test_the_requirements_are_those_of_the_files(site):
    (info,) = site.glob("*.dist-info/METADATA")
    required = re.findall(r"^Requires-Dist: ([\w-]+)(.*)$", info.read_text("utf-8"), re.M)
    wanted = {}
    for extra in ("", "extras", "cluster", "dev"):
        names = [name for name, rest in required if (f'extra == "{extra}"' in rest or not extra)]
        wanted[extra] = set(names)
    files = {"": "requirements.txt", "extras": "requirements-extras.txt"}
    files |= {"cluster": "requirements-cluster.txt", "dev": "requirements-dev.txt"}
    for extra, file in files.items():
        lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
        names = {re.match(r"[\w-]+", line)[0] for line in lines if line and line[0] != "#"}
        assert names
        assert names <= wanted[extra]


def test_the_packages_are_imported_from_where_they_are_installed(site, tmp_path):
    code = f"import {', '.join(_ROOMS)}; print({', '.join(f'{r}.__file__' for r in _ROOMS)})"
    done = run(site, tmp_path, "-c", code)
    assert done.returncode == 0, done.stderr
    assert all(path.startswith(str(site)) for path in done.stdout.split())


def test_the_version_comes_from_the_installed_metadata(site, tmp_path):
    code = "from importlib.metadata import version; import lookback as l\n"
    code += "print(l.__version__, version('lookback'))"
    first, second = run(site, tmp_path, "-c", code).stdout.split()
    assert first == second


def test_the_command_works_in_an_empty_folder(site, tmp_path):
    (script,) = [*site.glob("bin/lookback"), *site.glob("Scripts/lookback*")][:1]
    if script.suffix != ".exe":
        done = run(site, tmp_path, str(script), "--help")
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("usage: lookback COMMAND")
    done = run(site, tmp_path, "-m", "lookback", "train", "--recipe", "demo")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert "python -m lookback " in line
    assert list(tmp_path.iterdir()) == []  # nothing is left where a command was refused
