"""Flags of extract.py that are no keys of a recipe."""

import pytest

import extract.extraction
from tests.running import run_script


def test_the_network_alone_is_set_up_and_no_features_are_computed(project, monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(extract.extraction, "set_up_extractors", lambda *_: asked.append(1) or {})
    monkeypatch.setattr(extract.extraction, "extract_features", lambda *_: pytest.fail("computed"))
    place = ("--features", tmp_path / "features")
    assert run_script("extract.py", [*project.arguments, *place, "--network-only"]) == 0
    assert asked
    assert not (tmp_path / "features").exists()
