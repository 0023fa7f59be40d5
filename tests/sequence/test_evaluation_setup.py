"""Evaluation on the clips of another data set, by a label map."""

import json

import pytest

from tests.running import run_script
from video.errors import LookbackError


def test_a_label_map_leaves_clips_out(project, tmp_path):
    mapped = ["--label-map", "lower=-,raise=up", "--set", "evaluate.shuffles=0"]
    assert run_script("evaluate.py", [*project.arguments, *mapped, "--out", tmp_path]) == 0
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["label_map"] == {"lower": "-", "raise": "up"}
    counts = {label: row["count"] for label, row in metrics["clip"]["classes"].items()}
    assert counts == {"down": 2, "lower": 0, "raise": 0, "up": 4}
    assert "shuffled" not in metrics


def test_all_clips_of_the_models_own_set_are_refused(project, tmp_path):
    refused = pytest.raises(
        LookbackError, match=r"trained or validated .* for clips of another data"
    )
    with refused:
        run_script("evaluate.py", [*project.arguments, "--split", "all", "--out", tmp_path])
