"""What was fetched is kept, what is missing is asked for, and a file has its name when whole."""

import hashlib
import urllib.error
import urllib.request

import numpy as np
import pytest

from extract.convert import download as module
from extract.convert.download import download
from tests.extract.convert.serving import Served, serving
from video.errors import LookbackError

OTHER = hashlib.sha256(b"another file").hexdigest()
CONTENT = np.random.default_rng(0).integers(0, 256, 3_000_000, "uint8").tobytes()
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def partial_of(path):
    return path.with_name(f"{path.name}.part")


def failure(address, path) -> str:
    with pytest.raises(LookbackError) as error:
        download(address, path)
    assert "\n" not in str(error.value)
    assert not path.exists()
    return str(error.value)


@pytest.mark.parametrize("length", [True, False])
def test_a_file_arrives_whole(tmp_path, length):
    path = tmp_path / "deep" / "file.bin"
    with serving(Served(CONTENT, length=length)) as served:
        download(served.address, path)
    assert path.read_bytes() == CONTENT
    assert [found.name for found in path.parent.iterdir()] == ["file.bin"]


def test_only_the_rest_is_asked_for(tmp_path):
    path = tmp_path / "file.bin"
    partial_of(path).write_bytes(CONTENT[:1_234_567])
    with serving(Served(CONTENT)) as served:
        download(served.address, path)
    assert served.asked == ["bytes=1234567-"]
    assert path.read_bytes() == CONTENT


def test_a_server_without_ranges_starts_again(tmp_path):
    path = tmp_path / "file.bin"
    partial_of(path).write_bytes(b"x" * 1000)
    with serving(Served(CONTENT, ranges=False)) as served:
        download(served.address, path)
    assert path.read_bytes() == CONTENT


def test_a_broken_connection_is_taken_up_again(tmp_path):
    path = tmp_path / "file.bin"
    with serving(Served(CONTENT, cut=[1_000_000, 500_000])) as served:
        download(served.address, path)
    assert served.asked == [None, "bytes=1000000-", "bytes=1500000-"]
    assert path.read_bytes() == CONTENT


def test_a_server_that_breaks_off_for_good_leaves_what_came(tmp_path):
    path = tmp_path / "file.bin"
    with serving(Served(CONTENT, cut=[2_000_000, 0])) as served:
        assert "broke off after 2,000,000 bytes; run it again" in failure(served.address, path)
        assert partial_of(path).read_bytes() == CONTENT[:2_000_000]
        download(served.address, path)
    assert path.read_bytes() == CONTENT


def test_a_whole_part_only_takes_its_name(tmp_path):
    path = tmp_path / "file.bin"
    partial_of(path).write_bytes(CONTENT)
    with serving(Served(CONTENT)) as served:
        download(served.address, path)
    assert served.asked == [f"bytes={len(CONTENT)}-"]
    assert path.read_bytes() == CONTENT


def test_a_part_that_is_longer_than_the_file_is_thrown_away(tmp_path):
    path = tmp_path / "file.bin"
    partial_of(path).write_bytes(CONTENT + b"more")
    with serving(Served(CONTENT)) as served:
        download(served.address, path)
    assert path.read_bytes() == CONTENT


def test_what_the_server_refuses_is_said(tmp_path):
    for status in (404, 403, 500):
        with serving(Served(CONTENT, status=status)) as served:
            assert f"the server answers {status}" in failure(served.address, tmp_path / "file.bin")
    assert not list(tmp_path.iterdir())


def test_a_web_page_is_not_the_file(tmp_path):
    with serving(Served(b"<html>log in", content_type="text/html; charset=utf-8")) as served:
        assert "a web page" in failure(served.address, tmp_path / "file.bin")
    assert not list(tmp_path.iterdir())


def test_without_a_network_one_line_says_so(tmp_path):
    with serving(Served(CONTENT)) as served:
        address = served.address
    assert "refused" in failure(address, tmp_path / "file.bin")


def test_nothing_leads_away_from_https():
    handler = module._StaysSecure()
    request = urllib.request.Request("https://example.org/a")
    with pytest.raises(urllib.error.URLError, match="leads away from https"):
        handler.redirect_request(request, None, 302, "Found", {}, "http://example.org/a")
    followed = handler.redirect_request(request, None, 302, "Found", {}, "https://example.com/b")
    assert followed.full_url == "https://example.com/b"


def test_a_full_disk_is_not_taken_for_the_network(tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "_copy", full)
    with serving(Served(CONTENT)) as served, pytest.raises(OSError, match="No space left"):
        download(served.address, tmp_path / "file.bin")


@pytest.mark.parametrize("known", ["", SHA256, SHA256[:8]])
@pytest.mark.parametrize("stated", ["", SHA256])
def test_a_file_with_the_stated_hash_arrives(tmp_path, known, stated):
    path = tmp_path / "file.bin"
    with serving(Served(CONTENT, sha256=stated, cut=[1_000_000])) as served:
        assert download(served.address, path, known) == bool(known or stated)
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("known", "stated"), [(OTHER, ""), (OTHER[:8], ""), ("", OTHER), (SHA256, OTHER)]
)
def test_a_file_with_another_hash_than_stated_is_removed(tmp_path, known, stated):
    path = tmp_path / "file.bin"
    with (
        serving(Served(CONTENT, sha256=stated)) as served,
        pytest.raises(LookbackError, match="its SHA-256 is not the one that is stated"),
    ):
        download(served.address, path, known)
    assert not list(tmp_path.iterdir())


def test_the_rest_of_another_file_is_noticed(tmp_path):
    path = tmp_path / "file.bin"
    partial_of(path).write_bytes(b"x" * 1_000_000)
    with serving(Served(CONTENT, sha256=SHA256)) as served:
        assert "its SHA-256" in failure(served.address, path)
        assert download(served.address, path)
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("header", ["", '"0123456789abcdef"', "W/" + SHA256, SHA256.upper()])
def test_what_is_no_sha256_is_not_taken_for_one(header):
    handler = module._StaysSecure()
    request = urllib.request.Request("https://example.org/a")
    headers = {"X-Linked-Etag": header}
    handler.redirect_request(request, None, 302, "Found", headers, "https://example.com/b")
    assert not handler.stated
