"""`kinetics400` stands for a file that is fetched once and converted once."""

import dataclasses
import hashlib
from urllib.parse import urlsplit

import pytest

from extract.architectures.registry import BACKBONES
from extract.convert import catalogue, published_weights
from extract.convert.catalogue import CATALOGUE, KINETICS, Published
from extract.convert.published_weights import converted_weights
from extract.convert.weights_info import announce_licence, read_info
from tests.extract.convert.serving import Served, serving
from video.errors import LookbackError, UsageError


@pytest.fixture
def pretrained(tmp_path, monkeypatch):
    """The folder of published weights, in a place of its own."""
    folder = tmp_path / "weights" / "pretrained"
    monkeypatch.setattr(published_weights, "FOLDER", folder)
    return folder


@pytest.fixture
def listed(monkeypatch):
    """Return a function that puts a file of the small network into the catalogue."""

    def make(address: str, file: str = "repo/model.safetensors", licence: str = "MIT") -> None:
        entry = Published("x3d_tiny", KINETICS, 400, address, file, licence, "")
        monkeypatch.setattr(catalogue, "CATALOGUE", (entry,))

    return make


def test_it_is_downloaded_and_converted_once(small_network, checkpoint, pretrained, listed):
    with serving(Served(checkpoint(400).read_bytes())) as served:
        listed(served.address)
        path = converted_weights(small_network)
    assert path == pretrained / "x3d_tiny-kinetics400.weights.h5"
    assert (pretrained / "repo" / "model.safetensors").is_file()
    info = read_info(path)
    assert (info.network, info.classes, info.trained_on) == ("x3d_tiny", 400, KINETICS)
    before = path.stat().st_mtime_ns
    assert converted_weights(small_network) == path  # the server is gone
    assert path.stat().st_mtime_ns == before
    assert len(served.asked) == 1


def test_a_file_that_was_put_there_is_not_fetched(small_network, checkpoint, pretrained, listed):
    listed("http://127.0.0.1:9/never", file="mine.safetensors")
    pretrained.mkdir(parents=True)
    checkpoint(400).rename(pretrained / "mine.safetensors")
    assert read_info(converted_weights(small_network)).source == "mine.safetensors"


def test_without_a_network_one_line_names_file_and_place(small_network, pretrained, listed):
    with serving(Served(b"")) as served:
        pass
    listed(served.address)
    with pytest.raises(LookbackError) as error:
        converted_weights(small_network)
    told = str(error.value)
    assert f"fetch {served.address} on another computer" in told
    assert f"put it at {pretrained / 'repo' / 'model.safetensors'}" in told
    assert "\n" not in told


def test_another_networks_file_in_its_place_is_refused(
    small_network, checkpoint, pretrained, listed
):
    listed("http://127.0.0.1:9/never", file="mine.safetensors")
    pretrained.mkdir(parents=True)
    checkpoint(400).rename(pretrained / "mine.safetensors")
    path = converted_weights(small_network)
    other = dataclasses.replace(small_network, name="other")
    path.rename(pretrained / "other-kinetics400.weights.h5")
    with pytest.raises(LookbackError, match=r"not converted weights of other; move"):
        converted_weights(other)


def test_torch_is_missed_before_the_download(small_network, pretrained, listed, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with serving(Served(b"content")) as served:
        listed(served.address, file="a.pth")
        with pytest.raises(LookbackError, match="pip install torch"):
            converted_weights(small_network)
    assert not served.asked


def test_a_hash_in_the_name_is_held_against_the_content(tmp_path):
    content = b"weights"
    good = tmp_path / f"net-{hashlib.sha256(content).hexdigest()[:8]}.pth"
    for name in (good.name, "net-12345678.pth", "net-small.pth"):
        (tmp_path / name).write_bytes(content)
    published_weights._check_hash_in_name(good)
    published_weights._check_hash_in_name(tmp_path / "net-small.pth")
    with pytest.raises(LookbackError, match=r"net-12345678\.pth: is damaged"):
        published_weights._check_hash_in_name(tmp_path / "net-12345678.pth")


@pytest.mark.parametrize(("licence", "told"), [("CC-BY-NC-4.0", True), ("Apache-2.0", False)])
def test_a_licence_that_forbids_trade_is_said_aloud(
    small_network, checkpoint, pretrained, listed, capsys, licence, told
):
    listed("http://127.0.0.1:9/never", file="mine.safetensors", licence=licence)
    pretrained.mkdir(parents=True)
    checkpoint(400).rename(pretrained / "mine.safetensors")
    path = converted_weights(small_network)
    capsys.readouterr()
    for say in (lambda: converted_weights(small_network), lambda: announce_licence(path)):
        say()
        printed = capsys.readouterr().out
        assert printed.count("no commercial use") == told
        assert printed.count("\n") == told


def test_files_that_say_nothing_have_no_licence_to_announce(tmp_path, capsys):
    announce_licence(tmp_path / "gone.weights.h5")
    assert not capsys.readouterr().out


def test_a_network_without_published_weights(small_network, pretrained):
    with pytest.raises(UsageError, match=r"x3d_tiny: no Kinetics-400 weights are known"):
        converted_weights(small_network)


class TestCatalogue:
    def test_every_network_with_published_weights_is_in_it(self):
        wanted = {n for n, spec in BACKBONES.items() if spec.published == "kinetics400"}
        assert {e.network for e in CATALOGUE if e.trained_on == KINETICS} == wanted

    def test_the_registry_and_the_catalogue_agree_on_licences(self):
        for entry in CATALOGUE:
            assert entry.licence == BACKBONES[entry.network].licence

    def test_entries_are_told_apart(self):
        assert len({entry.file for entry in CATALOGUE}) == len(CATALOGUE)
        assert len({entry.address for entry in CATALOGUE}) == len(CATALOGUE)
        assert len({(e.network, e.classes) for e in CATALOGUE}) == len(CATALOGUE)

    def test_addresses_are_secure_and_end_in_the_file(self):
        for entry in CATALOGUE:
            assert urlsplit(entry.address).scheme == "https"
            assert entry.address.endswith(entry.file.rsplit("/", maxsplit=1)[-1])
