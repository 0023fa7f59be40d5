"""The same networks under the other backends of Keras. Run by `make test-backends`."""

import importlib.util
import os
import subprocess
import sys

import pytest

from tests.golden.cases import ALL_CASES
from tests.running import ROOT


@pytest.mark.backend
@pytest.mark.timeout(1200)  # JAX compiles every operation of every shape by itself
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_the_golden_logits_come_out_of_another_backend_as_well(backend):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    # A process has one backend, chosen when Keras is imported.
    command = [sys.executable, "-m", "pytest", "-q", "tests/golden/test_golden.py"]
    environment = {**os.environ, "KERAS_BACKEND": backend}
    ran = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout
    assert f"{len(ALL_CASES)} passed" in ran.stdout
