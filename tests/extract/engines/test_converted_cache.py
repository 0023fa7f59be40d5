"""A kept network is used with the weights, settings and files it was made of, and no others."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from extract.engines.converted_cache import FOLDER, ConvertedNetwork, NetworkId

SHAPE = (1, 48, 48, 3)


def write(folder: Path) -> None:
    (folder / "model.xml").write_bytes(b"the graph")
    (folder / "model.bin").write_bytes(bytes(100))


@pytest.fixture
def network(tmp_path) -> NetworkId:
    return NetworkId(tmp_path, "a" * 64, settings={"units": (8, 4), "head": "lstm"})


@pytest.fixture
def kept(network) -> Path:
    """The folder of a stored network."""
    entry = ConvertedNetwork(network, SHAPE, "runtime", "1.0")
    entry.store(write)
    path = entry.find("model.xml")
    assert path.read_bytes() == b"the graph"
    return path.parent


def found(network: NetworkId, shape=SHAPE, runtime="runtime", version="1.0") -> bool:
    return ConvertedNetwork(network, shape, runtime, version).find("model.xml") is not None


def test_a_network_is_found_by_all_that_decides_it(network, kept):
    assert found(network)
    assert found(replace(network, settings={"head": "lstm", "units": [8, 4]}))
    for other in (
        {"sha256": "b" * 64},
        {"sha256": "a" * 16 + "b" * 48},  # the same folder
        {"part": "sequence"},
        {"settings": {"units": (8, 4), "head": "gru"}},
        {"settings": {}},
    ):
        assert not found(replace(network, **other)), other
    assert not found(network, shape=(2, 48, 48, 3))
    assert not found(network, runtime="other")
    assert not found(network, version="1.1")


@pytest.mark.parametrize("name", ["model.xml", "model.bin"])
@pytest.mark.parametrize("change", ["cut", "flipped", "gone"])
def test_a_damaged_file_is_never_used(network, kept, name, change, capsys):
    content = (kept / name).read_bytes()
    if change == "gone":
        (kept / name).unlink()
    else:
        damaged = content[:-1] if change == "cut" else bytes([content[0] ^ 1]) + content[1:]
        (kept / name).write_bytes(damaged)
    assert not found(network)
    assert capsys.readouterr().out.strip().endswith("is damaged; the network is converted again.")
    ConvertedNetwork(network, SHAPE, "runtime", "1.0").store(write)
    assert found(network)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"network": 1}', "[" * 100_000])
def test_without_its_note_a_network_is_not_used(network, kept, text):
    (kept / "network.json").write_text(text)
    assert not found(network)
    (kept / "network.json").unlink()
    assert not found(network)


def test_a_file_that_the_note_does_not_name_is_not_used(network, kept):
    note = json.loads((kept / "network.json").read_text())
    del note["files"]["model.xml"]
    (kept / "network.json").write_text(json.dumps(note))
    assert not found(network)


def test_a_network_in_the_place_of_another_is_not_used(network, kept):
    other = replace(network, settings={"units": (8, 4), "head": "gru"})
    entry = ConvertedNetwork(other, SHAPE, "runtime", "1.0")
    entry.store(write)
    place = entry.find("model.xml").parent
    shutil.rmtree(place)
    shutil.copytree(kept, place)
    assert not found(other)
    assert found(network)


def test_entries_of_earlier_versions_are_removed(network, kept):
    older = kept.with_name("runtime-0123456789ab")
    older.mkdir()
    (older / "model.xml").write_text("without a note")
    assert found(network)
    ConvertedNetwork(network, SHAPE, "runtime", "2.0").store(write)
    assert not older.exists()
    assert found(network)
    assert found(network, version="2.0")
    assert kept.is_relative_to(network.folder / FOLDER / "backbone")
