"""`kinetics400` stands for a file that is fetched once and converted once."""

import dataclasses
import hashlib
import re
from urllib.parse import urlsplit

import pytest

from extract.architectures.registry import BACKBONES
from extract.convert import catalogue, published_weights
from extract.convert.catalogue import CATALOGUE, KINETICS, Published, print_catalogue
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

    def make(
        address: str, file: str = "repo/model.safetensors", licence: str = "MIT", sha256: str = ""
    ) -> None:
        entry = Published("x3d_tiny", KINETICS, 400, address, file, licence, "", sha256)
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


@pytest.mark.parametrize("there", [True, False])
def test_a_file_with_another_hash_than_the_catalogue_s_is_refused(
    small_network, checkpoint, pretrained, listed, there
):
    content = checkpoint(400).read_bytes()
    with serving(Served(content)) as served:
        listed(served.address, file="net-12345678.safetensors", sha256="12345678")
        official = pretrained / "net-12345678.safetensors"
        if there:
            pretrained.mkdir(parents=True)
            official.write_bytes(content)
        with pytest.raises(LookbackError) as error:
            converted_weights(small_network)
    assert "SHA-256" in str(error.value)
    assert "try again" in str(error.value)
    assert "\n" not in str(error.value)
    assert official.is_file() == there
    assert not list(pretrained.glob("*.weights.h5"))


@pytest.mark.parametrize("source", ["catalogue", "server", "nobody"])
def test_an_unchecked_file_is_announced_and_its_hash_recorded(
    small_network, checkpoint, pretrained, listed, capsys, source
):
    content = checkpoint(400).read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    with serving(Served(content, sha256=digest if source == "server" else "")) as served:
        listed(served.address, sha256=digest[:8] if source == "catalogue" else "")
        path = converted_weights(small_network)
    notes = [line for line in capsys.readouterr().out.splitlines() if line.startswith("note:")]
    assert len(notes) == (source == "nobody")
    if notes:
        assert "was not checked" in notes[0]
        assert digest in notes[0]
    assert read_info(path).source_sha256 == digest


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

    def test_names_that_carry_the_start_of_the_hash_agree_with_it(self):
        for entry in CATALOGUE:
            named = re.search(r"-([0-9a-f]{8,})\.pth$", entry.file)
            assert entry.sha256.startswith(named.group(1) if named else "")
            assert re.fullmatch(r"[0-9a-f]{8,64}|", entry.sha256)

    def test_the_list_says_of_every_file_whether_it_is_checked(self, capsys):
        print_catalogue()
        printed = capsys.readouterr().out
        assert printed.count("checked: ") == len(CATALOGUE)
        assert printed.count("    checked: SHA-256 91a641e6...\n") == 1
        of_server = printed.count("    checked: SHA-256 as the server states it")
        assert of_server == sum("huggingface.co" in entry.address for entry in CATALOGUE)
        assert printed.count("not checked: ") == len(CATALOGUE) - 1 - of_server
