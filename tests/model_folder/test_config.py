"""model.yaml: what was written is read, and what is wrong with it is one line."""

import numpy as np
import pytest
import yaml

from model_folder.config import (
    CONFIG,
    made_with,
    read_config,
    require_config,
    save_weights,
    write_config,
)
from tests.extract.projecting import card_of, full_config
from training.keras_backend import keras
from video.errors import LookbackError


def test_a_card_comes_back_as_it_was_written(tmp_path):
    for config in (card_of(), full_config()):
        write_config(tmp_path / "weights", config)
        assert read_config(tmp_path / "weights") == config
    assert [path.name for path in (tmp_path / "weights").iterdir()] == [CONFIG]


def test_the_card_is_text_that_a_person_can_read(tmp_path):
    write_config(tmp_path, full_config())
    text = (tmp_path / CONFIG).read_text(encoding="utf-8")
    assert "würfeln" in text
    content = yaml.safe_load(text)
    assert content["format"] == "lookback-model"
    assert content["labels"] == ["schlagen", "würfeln", "no"]
    assert content["sampling"] == {"fps": None, "stride": 4, "change_seconds": None}
    assert content["backbone"]["network"]["hidden"] == [256, 8]


def test_labels_that_yaml_would_take_for_something_else_stay_text(tmp_path):
    labels = ("no", "1", "null", "1e3", "2026-11-20", "a: b", "", "- x", "'")
    write_config(tmp_path, card_of(labels=labels))
    assert read_config(tmp_path).labels == labels


def test_a_folder_without_a_card_has_none(tmp_path):
    assert read_config(tmp_path) is None
    assert read_config(tmp_path / "gone") is None
    with pytest.raises(LookbackError, match=r"there is no model .model\.yaml is missing"):
        require_config(tmp_path)


BROKEN = {
    "not closed": "labels: [a, b",
    "tabs": "labels:\n\t- a",
    "two keys in a line": "a: b: c",
    "nothing": "",
    "a list": "- a\n- b\n",
    "a word": "hello",
    "no text": b"\xff\xfe\x00\x80",
    "python object": "!!python/object/apply:os.system ['touch executed']",
    "python name": "seed: !!python/name:os.system",
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN.keys())
def test_a_card_that_is_no_card_is_one_line(tmp_path, monkeypatch, content):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / CONFIG
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(LookbackError) as error:
        read_config(tmp_path)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "executed").exists()


def changed(keys: str, value) -> dict:
    content = full_config().model_dump(mode="json")
    section = content
    *above, last = keys.split(".")
    for key in above:
        section = section[key]
    if value is ...:
        del section[last]
    else:
        section[last] = value
    return content


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("format", "other"),
        ("version", 2),
        ("seed", "many"),
        ("seed", ...),
        ("labels", "a"),
        ("sampling", ...),
        ("sampling.fps", "fast"),
        ("sampling.fps", -1),
        ("sampling.surplus", 1),
        ("preprocessing.resize", "squeeze"),
        ("preprocessing.width", 0.5),
        ("backbone.sha256", ...),
        ("backbone.network.pooling", "max"),
        ("backbone.surplus", 1),
        ("surplus", 1),
        ("sequence.look_back", None),
        ("sequence.dtype", "int8"),
    ],
)
def test_a_wrong_value_is_named_in_one_line(tmp_path, key, value):
    path = tmp_path / CONFIG
    path.write_text(yaml.safe_dump(changed(key, value)))
    with pytest.raises(LookbackError) as error:
        read_config(tmp_path)
    told = str(error.value)
    assert told.startswith(f"{path}: {key.split('.')[0]}")
    assert "\n" not in told
    assert len(told) < len(str(path)) + 150


def test_a_card_is_replaced_in_one_step(tmp_path, monkeypatch):
    write_config(tmp_path, card_of(seed=1))

    def dies(content, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(yaml, "safe_dump", dies)
    with pytest.raises(KeyboardInterrupt):
        write_config(tmp_path, card_of(seed=2))
    assert read_config(tmp_path).seed == 1


def test_weights_are_replaced_in_one_step(tmp_path):
    class Model:
        def save_weights(self, path):
            assert path.name.endswith(".weights.h5")  # or Keras refuses
            path.write_bytes(b"half")
            raise OSError("No space left on device")

    path = tmp_path / "weights" / "backbone.weights.h5"
    path.parent.mkdir()
    path.write_bytes(b"whole")
    with pytest.raises(OSError, match="No space"):
        save_weights(Model(), path)
    assert path.read_bytes() == b"whole"


def test_the_same_weights_give_the_same_bytes(tmp_path):
    """Keras numbers the layers of a process, and writes these names."""

    def network():
        inputs = keras.Input((3,))
        hidden = keras.layers.Dropout(0.5)(keras.layers.Dense(4, kernel_initializer="ones")(inputs))
        return keras.Model(inputs, keras.layers.Dense(2, kernel_initializer="ones")(hidden))

    first, second = tmp_path / "first.weights.h5", tmp_path / "second.weights.h5"
    save_weights(network(), first)
    save_weights(network(), second)
    assert first.read_bytes() == second.read_bytes()
    loaded = network()
    loaded.set_weights([np.zeros_like(each) for each in loaded.get_weights()])
    loaded.load_weights(first)
    for one, other in zip(loaded.get_weights(), network().get_weights(), strict=True):
        assert np.array_equal(one, other)
    assert [path.name for path in sorted(tmp_path.iterdir())] == [first.name, second.name]


def test_the_versions_that_count_are_recorded():
    versions = made_with()
    assert {"python", "keras", "numpy", "av"} < set(versions)
    assert all(version[0].isdigit() for version in versions.values())
