"""Names of classes: whose they are, and that they fit."""

import json

import pytest

from extract.convert.class_names import labels_for
from extract.convert.kinetics import kinetics400
from video.errors import LookbackError


def test_the_names_of_kinetics_are_400_in_alphabetical_order():
    names = kinetics400()
    assert len(set(names)) == len(names) == 400
    assert list(names) == sorted(names)
    assert (names[0], names[-1]) == ("abseiling", "zumba")
    assert names.index("playing cricket") == 227


def test_a_file_beats_the_config_which_beats_kinetics(tmp_path):
    checkpoint = tmp_path / "model.safetensors"
    assert labels_for(checkpoint, 400, None) == kinetics400()
    assert labels_for(checkpoint, 3, None) is None
    config = {"id2label": {str(number): f"c{number}" for number in reversed(range(12))}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert labels_for(checkpoint, 12, None) == tuple(f"c{number}" for number in range(12))
    (tmp_path / "mine.txt").write_text("".join(f"würfeln {n}\r\n" for n in range(12)) + "\n\n")
    labels = labels_for(checkpoint, 12, tmp_path / "mine.txt")
    assert labels == tuple(f"würfeln {number}" for number in range(12))
    assert labels_for(checkpoint, 0, None) is None


@pytest.mark.parametrize(
    "config", [{}, [], {"id2label": 3}, {"id2label": {"0": "LABEL_0", "1": "LABEL_1"}}]
)
def test_a_config_that_names_nothing_is_passed_over(tmp_path, config):
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert labels_for(tmp_path / "pytorch_model.bin", 2, None) is None


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"id2label": {"0": "a"}}, "1 names, but the checkpoint has 2 classes; --labels"),
        ({"id2label": {"0": "a", "1": "a"}}, "name 2, a, stands there twice"),
        ({"id2label": {"0": "a", "1": 3}}, "name 2 is empty"),
    ],
)
def test_a_config_that_does_not_fit_is_named(tmp_path, content, told):
    (tmp_path / "config.json").write_text(json.dumps(content))
    with pytest.raises(LookbackError, match=rf"config\.json: {told}"):
        labels_for(tmp_path / "pytorch_model.bin", 2, None)


@pytest.mark.parametrize(
    ("content", "told"),
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
def test_a_file_of_labels_that_does_not_fit_is_named(tmp_path, content, told):
    path = tmp_path / "labels.txt"
    path.write_bytes(content)
    with pytest.raises(LookbackError, match=told) as error:
        labels_for(tmp_path / "a.pth", 2, path)
    assert str(error.value).startswith(f"{path}: ")


def test_a_file_of_labels_that_is_not_there(tmp_path):
    with pytest.raises(LookbackError, match="there is no such file"):
        labels_for(tmp_path / "a.pth", 2, tmp_path / "labels.txt")
