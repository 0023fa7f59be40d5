"""Weights files are known by their hash, and by nothing else."""

import json
import shutil

import pytest

from model_folder.weights_files import ENGINES, file_sha256, is_known, remember


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "backbone.weights.h5"
    path.write_bytes(b"some weights")
    return path


def test_a_file_is_known_by_the_hash_in_the_config(weights):
    assert is_known(weights, "values", file_sha256(weights))
    assert not is_known(weights, "values", "")
    assert not is_known(weights, "values", "0" * 64)


def test_another_content_is_not_known(weights):
    before = file_sha256(weights)
    remember(weights, "values")
    weights.write_bytes(b"some weightz")
    assert not is_known(weights, "values", before)
    weights.unlink()
    assert not is_known(weights, "values", before)
    assert not is_known(weights, "values", "")


def test_a_remembered_file_is_known_with_the_same_weights_only(weights):
    remember(weights, "values")
    assert is_known(weights, "values", "")
    assert not is_known(weights, "other values", "")
    shutil.copy(weights, weights.with_name("sequence.weights.h5"))
    assert not is_known(weights.with_name("sequence.weights.h5"), "values", "")
    remember(weights.with_name("sequence.weights.h5"), "third")
    assert is_known(weights, "values", "")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"backbone.weights.h5": 3}', "[" * 100_000])
def test_a_damaged_note_counts_as_none(weights, text):
    remember(weights, "values")
    note = weights.parent / ENGINES / "weights_files.json"
    assert list(json.loads(note.read_text())) == [weights.name]
    note.write_text(text)
    assert not is_known(weights, "values", "")


def test_a_folder_that_cannot_be_written_is_not_an_error(weights):
    (weights.parent / ENGINES).write_text("no folder")
    remember(weights, "values")
    assert not is_known(weights, "values", "")
