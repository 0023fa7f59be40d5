"""The Python interface with addresses: a model is loaded, and a report goes up."""

from pathlib import Path

import numpy as np
import pytest

import lookback
from storage import trees
from tests.storage.conftest import Memory


def put(memory: Memory, name: str, folder: Path) -> str:
    """Copy a folder to the storage, and return its address."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            memory.put(f"{name}/{path.relative_to(folder).as_posix()}", path.read_bytes())
    return f"{memory.url}/{name}"


def test_a_model_is_loaded(project, elsewhere):
    url = put(Memory(elsewhere), "model", project.weights)
    clip = min((project.data / "clips" / "raise").iterdir())
    here, there = lookback.load(project.weights), lookback.load(url)
    assert np.array_equal(here.predict(clip).probabilities, there.predict(clip).probabilities)


@pytest.mark.slow
def test_a_report_goes_up(project, elsewhere):
    memory = Memory(elsewhere)
    model, data = put(memory, "model", project.weights), put(memory, "set", project.data)
    report = lookback.evaluate(model, data=data, out=f"{memory.url}/report")
    local = lookback.evaluate(project.weights, data=project.data, out=report.folder / "local")
    assert report["clip"] == local["clip"]
    assert "metrics.json" in memory.names("report")
    assert trees.tree_of(report.folder) is None
