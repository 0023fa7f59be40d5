"""Several devices and processes train as one device does. Run by `make test-backends`."""

import csv
import importlib.util
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.running import ROOT, run_script

pytestmark = [
    pytest.mark.backend,
    pytest.mark.timeout(1800),  # JAX compiles each shape of each network
    pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="jax is not installed"),
]

# Batches of 5, 5 and 2 clips; first the head on frozen stages, then all with batch normalization.
RECIPE = """
finetune:
  batch_size: 5
  limit: 12
  epochs: 2
  patience: 0
  gradient_accumulation_steps: 2
  gradient_clip_norm: 0.5
  ema_momentum: 0.9
  freeze_batch_norm: false
  cache: {epochs: 1}
  phases:
    - {epoch: 0, stages: 0, learning_rate: 0.003}
    - {epoch: 1, stages: all, learning_rate: 0.003}
"""


def start(folder: Path, data: Path, devices: int, *flags: str) -> subprocess.Popen:
    """Start a training with a number of CPU devices that writes below a folder."""
    folder.mkdir()
    (folder / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    words = ["--recipe", folder / "recipe.yaml", "--data", data, "--weights", folder / "weights"]
    count = f"--xla_force_host_platform_device_count={devices}"
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.extract.finetuning.train_on_devices"),
            *map(str, [folder / "losses.json", *words, *flags]),
        ],
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": "jax", "XLA_FLAGS": count},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finished(started: subprocess.Popen) -> str:
    output, _ = started.communicate(timeout=1500)
    assert started.returncode == 0, output
    return output


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.fixture(scope="module")
def data(clips_folder, tmp_path_factory) -> Path:
    """The synthetic clips with a manifest."""
    run_script("prepare.py", ["--data", clips_folder, "--out", tmp_path_factory.mktemp("report")])
    return clips_folder


@pytest.fixture(scope="module")
def one(data, tmp_path_factory) -> Path:
    """A training on one device."""
    folder = tmp_path_factory.mktemp("devices") / "one"
    assert "Training on" not in finished(start(folder, data, 1))
    return folder


def losses(folder: Path) -> list[float]:
    return json.loads((folder / "losses.json").read_text(encoding="utf-8"))


def scores(folder: Path) -> np.ndarray:
    with (folder / "weights/finetune_history.csv").open(encoding="utf-8") as file:
        return np.array([[float(each) for each in row.values()] for row in csv.DictReader(file)])


def weights(folder: Path) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    with h5py.File(folder / "weights/backbone.weights.h5") as file:
        file.visititems(
            lambda name, item: (
                found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None
            )
        )
    return {name: value for name, value in found.items() if value.dtype.kind == "f"}


def require_equal(one: Path, other: Path) -> None:
    assert len(losses(one)) == 6
    assert len(set(losses(one))) == 6
    np.testing.assert_allclose(losses(other), losses(one), rtol=1e-6)
    np.testing.assert_allclose(scores(other), scores(one), rtol=1e-5)
    expected, found = weights(one), weights(other)
    assert expected.keys() == found.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-4, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("count", [2, 3])
def test_several_devices_train_as_one(one, data, tmp_path, count):
    output = finished(start(tmp_path / "several", data, count))
    assert f"Training on {count} devices: each computes 1/{count} of a batch." in output
    require_equal(one, tmp_path / "several")


def test_two_processes_train_as_one_and_only_the_first_writes(one, data, tmp_path):
    address = f"127.0.0.1:{free_port()}"
    second, first = (
        start(tmp_path / f"rank{rank}", data, 1, "--distributed", f"{address},2,{rank}")
        for rank in (1, 0)
    )
    output, silent = finished(first), finished(second)
    assert "Training on 2 devices in 2 processes" in output
    assert "epoch   2" in output
    assert "epoch" not in silent
    assert not (tmp_path / "rank1/weights").exists()
    require_equal(one, tmp_path / "rank0")
    assert losses(tmp_path / "rank1") == losses(tmp_path / "rank0")
