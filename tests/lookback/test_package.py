"""`import lookback` is fast, and its public names are there."""

import subprocess
import sys
import tomllib

import pytest

import lookback
from tests.running import ROOT


def test_the_import_starts_no_framework_and_needs_nothing_but_python():
    code = "import lookback, sys; print(lookback.__version__, *sys.modules, sep='\\n')"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    loaded = {name.partition(".")[0] for name in done.stdout.splitlines()[1:]}
    assert not loaded & {"keras", "tensorflow", "numpy", "cv2", "av", "h5py", "yaml", "video"}


def test_the_version_is_that_of_pyproject():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert lookback.__version__ == project["version"]


@pytest.mark.parametrize("name", lookback.__all__)
def test_every_public_name_is_there_and_listed(name):
    assert getattr(lookback, name)
    assert name in dir(lookback)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'no_such_name'"):
        lookback.no_such_name  # noqa: B018
