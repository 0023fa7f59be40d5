"""The measured speed of a model belongs to its weights."""

import json
from types import SimpleNamespace

import pytest

from sequence.costs import SPEED, stored_speed


@pytest.fixture
def config():
    sequence = SimpleNamespace(sha256="s")
    return SimpleNamespace(backbone=SimpleNamespace(sha256="b"), sequence=sequence)


def test_a_stored_speed_is_shown_for_the_same_weights(tmp_path, config):
    assert stored_speed(tmp_path, config, own=False) is None
    stored = {"backbone_sha256": "b", "sequence_sha256": "s", "fps": 42.0}
    (tmp_path / SPEED).write_text(json.dumps(stored))
    assert stored_speed(tmp_path, config, own=False) == 42
    assert stored_speed(tmp_path, config, own=True) is None  # that of the second stage
    config.backbone.sha256 = "another"
    assert stored_speed(tmp_path, config, own=False) is None
    (tmp_path / SPEED).write_text("{")
    assert stored_speed(tmp_path, config, own=False) is None
