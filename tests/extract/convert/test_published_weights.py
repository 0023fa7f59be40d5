"""Weights `kinetics400`: one download, one conversion, checks, license, the catalogue."""

import dataclasses
import hashlib
import re
from urllib.parse import urlsplit

import pytest

from extract.architectures.registry import BACKBONES
from extract.convert import catalogue
from extract.convert.catalogue import CATALOGUE, KINETICS, PublishedFile, print_catalogue
from extract.convert.published_weights import converted_weights
from extract.convert.weights_info import announce_licence, read_info
from tests.extract.convert.serving import Served, serving
from video.errors import LookbackError, UsageError


@pytest.fixture
def listed(monkeypatch):
    """Return a function that adds a file of the small network to the catalogue."""

    def make(
        address: str, file: str = "repo/model.safetensors", licence: str = "MIT", sha256: str = ""
    ) -> None:
        entry = PublishedFile("x3d_tiny", KINETICS, 400, address, file, licence, "", sha256)
        monkeypatch.setattr(catalogue, "CATALOGUE", (entry,))

    return make


def test_weights_are_downloaded_and_converted_once(small_network, checkpoint, pretrained, listed):
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


def test_file_in_the_folder_is_not_downloaded(small_network, checkpoint, pretrained, listed):
    listed("http://127.0.0.1:9/never", file="mine.safetensors")
    pretrained.mkdir(parents=True)
    checkpoint(400).rename(pretrained / "mine.safetensors")
    assert read_info(converted_weights(small_network)).source == "mine.safetensors"


def test_offline_error_names_url_and_path(small_network, pretrained, listed):
    with serving(Served(b"")) as served:
        pass
    listed(served.address)
    with pytest.raises(LookbackError) as error:
        converted_weights(small_network)
    message = str(error.value)
    assert f"download {served.address} on another computer" in message
    assert f"copy it to {pretrained / 'repo' / 'model.safetensors'}" in message
    assert "\n" not in message


def test_converted_file_of_another_network_is_refused(
    small_network, checkpoint, pretrained, listed
):
    listed("http://127.0.0.1:9/never", file="mine.safetensors")
    pretrained.mkdir(parents=True)
    checkpoint(400).rename(pretrained / "mine.safetensors")
    path = converted_weights(small_network)
    other = dataclasses.replace(small_network, name="other")
    path.rename(pretrained / "other-kinetics400.weights.h5")
    with pytest.raises(LookbackError, match=r"not converted weights of other; remove"):
        converted_weights(other)


def test_missing_torch_is_reported_before_the_download(
    small_network, pretrained, listed, monkeypatch
):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with serving(Served(b"content")) as served:
        listed(served.address, file="a.pth")
        with pytest.raises(LookbackError, match="pip install torch"):
            converted_weights(small_network)
    assert not served.asked


@pytest.mark.parametrize("there", [True, False])
def test_file_with_another_sha256_than_the_catalogue_s_is_refused(
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
def test_unchecked_file_is_reported_and_its_sha256_recorded(
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


@pytest.mark.parametrize(("licence", "announced"), [("CC-BY-NC-4.0", True), ("Apache-2.0", False)])
def test_non_commercial_license_is_announced(
    small_network, checkpoint, pretrained, listed, capsys, licence, announced
):
    listed("http://127.0.0.1:9/never", file="mine.safetensors", licence=licence)
    pretrained.mkdir(parents=True)
    checkpoint(400).rename(pretrained / "mine.safetensors")
    path = converted_weights(small_network)
    capsys.readouterr()
    for say in (lambda: converted_weights(small_network), lambda: announce_licence(path)):
        say()
        printed = capsys.readouterr().out
        assert printed.count("no commercial use") == announced
        assert printed.count("\n") == announced


def test_file_without_description_announces_no_license(tmp_path, capsys):
    announce_licence(tmp_path / "gone.weights.h5")
    assert not capsys.readouterr().out


def test_network_without_published_weights_is_a_usage_error(small_network, pretrained):
    with pytest.raises(UsageError, match=r"x3d_tiny: no Kinetics-400 weights are known"):
        converted_weights(small_network)


class TestCatalogue:
    def test_catalogue_has_every_network_with_published_weights(self):
        wanted = {n for n, spec in BACKBONES.items() if spec.published == "kinetics400"}
        assert {e.network for e in CATALOGUE if e.trained_on == KINETICS} == wanted

    def test_registry_and_catalogue_agree_on_licenses(self):
        for entry in CATALOGUE:
            assert entry.licence == BACKBONES[entry.network].licence

    def test_entries_are_unique(self):
        assert len({entry.file for entry in CATALOGUE}) == len(CATALOGUE)
        assert len({entry.address for entry in CATALOGUE}) == len(CATALOGUE)
        assert len({(e.network, e.classes) for e in CATALOGUE}) == len(CATALOGUE)

    def test_urls_are_https_and_end_in_the_file_name(self):
        for entry in CATALOGUE:
            assert urlsplit(entry.address).scheme == "https"
            assert entry.address.endswith(entry.file.rsplit("/", maxsplit=1)[-1])

    def test_sha256_agrees_with_the_file_name(self):
        for entry in CATALOGUE:
            named = re.search(r"-([0-9a-f]{8,})\.pth$", entry.file)
            assert entry.sha256.startswith(named.group(1) if named else "")
            assert re.fullmatch(r"[0-9a-f]{8,64}|", entry.sha256)

    def test_list_states_the_check_of_every_file(self, capsys):
        print_catalogue()
        printed = capsys.readouterr().out
        assert printed.count("    integrity   ") == len(CATALOGUE)
        assert printed.count("    integrity   checked against SHA-256 91a641e6...\n") == 1
        by_server = printed.count("    integrity   checked against the SHA-256 that the server")
        assert by_server == sum("huggingface.co" in entry.address for entry in CATALOGUE)
        unchecked = printed.count("    integrity   not checked: ")
        assert unchecked == len(CATALOGUE) - 1 - by_server

    def test_list_has_every_url_and_path(self, capsys):
        print_catalogue()
        lines = capsys.readouterr().out.splitlines()
        for entry in CATALOGUE:
            assert f"    download    {entry.address}" in lines
            assert f"    stored as   {catalogue.FOLDER / entry.file}" in lines
