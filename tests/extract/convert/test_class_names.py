"""Class names of a checkpoint: sources in order of priority, and validation."""

import json

import pytest

from extract.convert.class_names import find_labels
from extract.convert.kinetics import kinetics400
from video.errors import LookbackError


def test_kinetics_has_400_names_in_alphabetical_order():
    names = kinetics400()
    assert len(set(names)) == len(names) == 400
    assert list(names) == sorted(names)
    assert (names[0], names[-1]) == ("abseiling", "zumba")
    assert names.index("playing cricket") == 227


def test_file_has_priority_over_config_and_config_over_kinetics(tmp_path):
    checkpoint = tmp_path / "model.safetensors"
    assert find_labels(checkpoint, 400, None) == kinetics400()
    assert find_labels(checkpoint, 3, None) is None
    config = {"id2label": {str(number): f"c{number}" for number in reversed(range(12))}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert find_labels(checkpoint, 12, None) == tuple(f"c{number}" for number in range(12))
    (tmp_path / "mine.txt").write_text("".join(f"würfeln {n}\r\n" for n in range(12)) + "\n\n")
    labels = find_labels(checkpoint, 12, tmp_path / "mine.txt")
    assert labels == tuple(f"würfeln {number}" for number in range(12))
    assert find_labels(checkpoint, 0, None) is None


@pytest.mark.parametrize(
    "config", [{}, [], {"id2label": 3}, {"id2label": {"0": "LABEL_0", "1": "LABEL_1"}}]
)
def test_config_without_names_is_ignored(tmp_path, config):
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert find_labels(tmp_path / "pytorch_model.bin", 2, None) is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"id2label": {"0": "a"}}, "1 names, but the checkpoint has 2 classes; --labels"),
        ({"id2label": {"0": "a", "1": "a"}}, "name 2, a, appears twice"),
        ({"id2label": {"0": "a", "1": 3}}, "name 2 is empty"),
    ],
)
def test_invalid_config_is_named_in_the_error(tmp_path, content, message):
    (tmp_path / "config.json").write_text(json.dumps(content))
    with pytest.raises(LookbackError, match=rf"config\.json: {message}"):
        find_labels(tmp_path / "pytorch_model.bin", 2, None)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a\nb\nc\n", "3 names"),
        (b"a\n", "1 names"),
        (b"", "0 names"),
        (b"a\na\n", "twice"),
        (b"a\n\nb\n", "3 names"),
        (b"\n b\n", "name 1 is empty"),
        (b"\xff\xfe\x00", "cannot be read as text"),
    ],
)
def test_invalid_labels_file_is_named_in_the_error(tmp_path, content, message):
    path = tmp_path / "labels.txt"
    path.write_bytes(content)
    with pytest.raises(LookbackError, match=message) as error:
        find_labels(tmp_path / "a.pth", 2, path)
    assert str(error.value).startswith(f"{path}: ")


def test_missing_labels_file(tmp_path):
    with pytest.raises(LookbackError, match="there is no such file"):
        find_labels(tmp_path / "a.pth", 2, tmp_path / "labels.txt")
