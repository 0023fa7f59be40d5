"""Resumable downloads: range requests, broken connections, SHA-256 checks, one-line errors."""

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
def test_download_writes_the_whole_file(tmp_path, length):
    path = tmp_path / "deep" / "file.bin"
    with serving(Served(CONTENT, length=length)) as served:
        download(served.address, path)
    assert path.read_bytes() == CONTENT
    assert [found.name for found in path.parent.iterdir()] == ["file.bin"]


def test_only_the_missing_rest_is_requested(tmp_path):
    path = tmp_path / "file.bin"
    partial_of(path).write_bytes(CONTENT[:1_234_567])
    with serving(Served(CONTENT)) as served:
        download(served.address, path)
    assert served.asked == ["bytes=1234567-"]
    assert path.read_bytes() == CONTENT


def test_server_without_ranges_sends_everything_again(tmp_path):
    path = tmp_path / "file.bin"
    partial_of(path).write_bytes(b"x" * 1000)
    with serving(Served(CONTENT, ranges=False)) as served:
        download(served.address, path)
    assert path.read_bytes() == CONTENT


def test_broken_connection_is_resumed(tmp_path):
    path = tmp_path / "file.bin"
    with serving(Served(CONTENT, cut=[1_000_000, 500_000])) as served:
        download(served.address, path)
    assert served.asked == [None, "bytes=1000000-", "bytes=1500000-"]
    assert path.read_bytes() == CONTENT


def test_partial_download_survives_a_failed_server(tmp_path):
    path = tmp_path / "file.bin"
    with serving(Served(CONTENT, cut=[2_000_000, 0])) as served:
        assert "broke off after 2,000,000 bytes; run it again" in failure(served.address, path)
        assert partial_of(path).read_bytes() == CONTENT[:2_000_000]
        download(served.address, path)
    assert path.read_bytes() == CONTENT


def test_complete_partial_file_is_only_renamed(tmp_path):
    path = tmp_path / "file.bin"
    partial_of(path).write_bytes(CONTENT)
    with serving(Served(CONTENT)) as served:
        download(served.address, path)
    assert served.asked == [f"bytes={len(CONTENT)}-"]
    assert path.read_bytes() == CONTENT


def test_partial_file_longer_than_the_file_is_discarded(tmp_path):
    path = tmp_path / "file.bin"
    partial_of(path).write_bytes(CONTENT + b"more")
    with serving(Served(CONTENT)) as served:
        download(served.address, path)
    assert path.read_bytes() == CONTENT


def test_error_states_the_http_status(tmp_path):
    for status in (404, 403, 500):
        with serving(Served(CONTENT, status=status)) as served:
            assert f"the server answers {status}" in failure(served.address, tmp_path / "file.bin")
    assert not list(tmp_path.iterdir())


def test_web_page_instead_of_the_file_is_refused(tmp_path):
    with serving(Served(b"<html>log in", content_type="text/html; charset=utf-8")) as served:
        assert "a web page" in failure(served.address, tmp_path / "file.bin")
    assert not list(tmp_path.iterdir())


def test_unreachable_server_fails_with_one_line(tmp_path):
    with serving(Served(CONTENT)) as served:
        address = served.address
    assert "refused" in failure(address, tmp_path / "file.bin")


def test_redirect_away_from_https_is_refused():
    handler = module._StaysSecure()
    request = urllib.request.Request("https://example.org/a")
    with pytest.raises(urllib.error.URLError, match="redirects away from https"):
        handler.redirect_request(request, None, 302, "Found", {}, "http://example.org/a")
    followed = handler.redirect_request(request, None, 302, "Found", {}, "https://example.com/b")
    assert followed.full_url == "https://example.com/b"


def test_full_disk_is_not_reported_as_a_network_error(tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "_copy", full)
    with serving(Served(CONTENT)) as served, pytest.raises(OSError, match="No space left"):
        download(served.address, tmp_path / "file.bin")


@pytest.mark.parametrize("known", ["", SHA256, SHA256[:8]])
@pytest.mark.parametrize("stated", ["", SHA256])
def test_file_with_the_stated_sha256_is_accepted(tmp_path, known, stated):
    path = tmp_path / "file.bin"
    with serving(Served(CONTENT, sha256=stated, cut=[1_000_000])) as served:
        assert download(served.address, path, known) == bool(known or stated)
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("known", "stated"), [(OTHER, ""), (OTHER[:8], ""), ("", OTHER), (SHA256, OTHER)]
)
def test_file_with_another_sha256_is_removed(tmp_path, known, stated):
    path = tmp_path / "file.bin"
    with (
        serving(Served(CONTENT, sha256=stated)) as served,
        pytest.raises(LookbackError, match="its SHA-256 differs from the stated one"),
    ):
        download(served.address, path, known)
    assert not list(tmp_path.iterdir())


def test_partial_file_of_another_file_is_detected(tmp_path):
    path = tmp_path / "file.bin"
    partial_of(path).write_bytes(b"x" * 1_000_000)
    with serving(Served(CONTENT, sha256=SHA256)) as served:
        assert "its SHA-256" in failure(served.address, path)
        assert download(served.address, path)
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("header", ["", '"0123456789abcdef"', "W/" + SHA256, SHA256.upper()])
def test_etag_that_is_no_sha256_is_ignored(header):
    handler = module._StaysSecure()
    request = urllib.request.Request("https://example.org/a")
    headers = {"X-Linked-Etag": header}
    handler.redirect_request(request, None, 302, "Found", headers, "https://example.com/b")
    assert not handler.stated
