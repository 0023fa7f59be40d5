"""Failures of a storage are one line each, with the address and what helps."""

import errno
import sys

import pytest

from storage import remote
from storage.remote import Entry, MissingError, explained
from video.errors import LookbackError, UsageError


class NoCredentialsError(Exception):
    __module__ = "botocore.exceptions"


class EndpointConnectionError(Exception):
    __module__ = "botocore.exceptions"


@pytest.mark.parametrize(
    ("url", "error", "words"),
    [
        ("s3://b/x", ImportError("Install s3fs"), "needs the package s3fs; .*requirements-cluster"),
        ("gs://b/x", ImportError("gcsfs"), "needs the package gcsfs; .*cluster.txt gcsfs"),
        ("ab://b/x", ValueError("Protocol not known: ab"), "ab:// is no known storage; use s3://"),
        ("s3://b/x", FileNotFoundError("x"), "there is no such file, folder or bucket"),
        ("s3://b/x", PermissionError("x"), "no permission to write it; docs/scale.md lists"),
        ("https://b/x", NotImplementedError(), "https:// cannot write files; name another place"),
        ("s3://b/x", OSError(errno.ENOSPC, "full"), "the local disk is full; .* LOOKBACK_CACHE"),
        ("s3://b/x", OSError(errno.EIO, ""), "cannot write it"),
        ("s3://b/x", NoCredentialsError("Unable to"), "no credentials; log in"),
        ("s3://b/x", EndpointConnectionError("no\nroute"), r"cannot write it \(no\)"),
    ],
)
def test_failures_are_one_line(url, error, words):
    with pytest.raises(LookbackError, match=f"^{url}: .*{words}") as found, explained(url, "write"):
        raise error
    assert "\n" not in str(found.value)


@pytest.mark.parametrize("error", [TypeError("x"), ValueError("another"), ZeroDivisionError()])
def test_bugs_keep_their_traceback(error):
    with pytest.raises(type(error)), explained("s3://b/x"):
        raise error


def test_without_fsspec_only_addresses_fail(monkeypatch):
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(LookbackError, match="needs the package s3fs"):
        remote.find("s3://bucket/set")


def test_an_unknown_kind_of_address_is_an_error_of_the_user():
    with pytest.raises(UsageError, match="nothing:// is no known storage"):
        remote.find("nothing://bucket/set")


def test_a_new_file_does_not_replace_another(memory, tmp_path):
    (tmp_path / "a").write_text("one")
    assert remote.put(tmp_path / "a", f"{memory.url}/a", new=True)
    (tmp_path / "a").write_text("two")
    assert not remote.put(tmp_path / "a", f"{memory.url}/a", new=True)
    assert memory.read("a") == b"one"
    assert remote.put(tmp_path / "a", f"{memory.url}/a")
    assert memory.read("a") == b"two"


def test_a_listing_has_names_sizes_and_tags(memory):
    memory.put("set/a.csv", "abc")
    memory.put("set/clips/b.mp4", "abcde")
    memory.put("set-2/c", "c")
    found = remote.find(f"{memory.url}/set")
    assert {name: entry.size for name, entry in found.items()} == {"a.csv": 3, "clips/b.mp4": 5}
    assert remote.entry_of(f"{memory.url}/set/a.csv") == found["a.csv"] != Entry(3, "")
    memory.put("set/a.csv", "abd")
    assert remote.find(f"{memory.url}/set")["a.csv"].tag != found["a.csv"].tag
    assert remote.find(f"{memory.url}/nothing") == {}
    assert list(remote.find(f"{memory.url}/set/a.csv")) == [""]


def test_what_is_missing_is_told_apart(memory, tmp_path):
    with pytest.raises(MissingError):
        remote.get(f"{memory.url}/nothing", tmp_path / "a")
    with pytest.raises(MissingError):
        remote.entry_of(f"{memory.url}/nothing")
    remote.remove(f"{memory.url}/nothing")
