"""Addresses, the token, its session values, limited tries."""

import os
import stat

import pytest

from live.page.access import (
    SESSION_SECONDS,
    Access,
    Tries,
    is_loopback,
    parse_address,
    read_token,
)
from video.errors import LookbackError, UsageError

TOKEN = "a-token-of-24-characters"


@pytest.mark.parametrize("text", ["", "localhost", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536"])
def test_a_wrong_address_is_a_usage_error(text):
    with pytest.raises(UsageError, match=r"127\.0\.0\.1:8000"):
        parse_address(text)


def test_another_address_demands_a_token():
    with pytest.raises(UsageError, match="token"):
        Access("0.0.0.0", 8000)
    with pytest.raises(UsageError, match="token"):
        Access("192.168.1.4", 8000)
    assert Access("192.168.1.4", 8000, token=TOKEN).needs_token
    assert not Access("127.0.0.1", 8000).needs_token
    assert is_loopback("localhost")
    assert is_loopback("::1")
    assert not is_loopback("example.org")


def test_a_missing_token_file_is_created_for_the_owner_only(tmp_path):
    path = tmp_path / "secret" / "token"
    token = read_token(path)
    assert len(token) >= 32
    assert read_token(path) == token
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such modes")
def test_a_token_file_that_others_can_read_is_refused(tmp_path):
    path = tmp_path / "token"
    read_token(path)
    path.chmod(0o644)
    with pytest.raises(LookbackError, match="chmod 600"):
        read_token(path)


def test_a_short_token_and_a_missing_folder_are_refused(tmp_path):
    path = tmp_path / "token"
    path.touch(0o600)
    path.write_text("tiny-secret\n")
    with pytest.raises(LookbackError, match="16 characters") as error:
        read_token(path)
    assert "tiny-secret" not in str(error.value)
    (tmp_path / "file").touch()
    with pytest.raises(LookbackError, match="token"):
        read_token(tmp_path / "file" / "token")


def test_hosts_are_those_of_the_page():
    access = Access("127.0.0.1", 8000, names=["cam.example.org"])
    known = "127.0.0.1:8000 localhost:8000 LOCALHOST:8000 [::1]:8000 cam.example.org"
    for host in [*known.split(), "cam.example.org:8000"]:
        assert access.knows_host(host, "127.0.0.1"), host
    for host in ("", "evil.example", "evil.example:8000", "127.0.0.1", "127.0.0.1:8001", "?"):
        assert not access.knows_host(host, "127.0.0.1"), host
    access.bound(9000)
    assert access.knows_host("localhost:9000", None)
    assert not access.knows_host("localhost:8000", None)
    assert Access("127.0.0.1", 80).knows_host("localhost", None)


def test_where_every_address_is_bound_only_the_own_address_is_a_name():
    access = Access("0.0.0.0", 8000, token=TOKEN)
    assert access.knows_host("192.168.1.4:8000", "192.168.1.4")
    assert not access.knows_host("192.168.1.5:8000", "192.168.1.4")
    assert not access.knows_host("evil.example:8000", "evil.example")
    assert not access.knows_host("0.0.0.0:8000", "192.168.1.4")


def test_origins_are_those_of_the_page():
    access = Access("127.0.0.1", 8000)
    assert access.knows_origin("http://localhost:8000", None)
    for origin in ("null", "", "http://evil.example", "file://127.0.0.1:8000", "localhost:8000"):
        assert not access.knows_origin(origin, None), origin


def test_a_session_is_not_the_token_and_ends():
    access = Access("0.0.0.0", 8000, token=TOKEN)
    value = access.new_session(now=1000)
    assert TOKEN not in value
    assert value != access.new_session(now=1000)
    assert access.is_session(value, now=1000 + SESSION_SECONDS - 1)
    assert not access.is_session(value, now=1000 + SESSION_SECONDS)
    ends, rest = value.split(".", 1)
    assert not access.is_session(f"{int(ends) + 1}.{rest}", now=1000)
    assert not access.is_session(value[:-1] + ("0" if value[-1] != "0" else "1"), now=1000)
    other = Access("0.0.0.0", 8000, token=TOKEN + "x")
    assert not other.is_session(value, now=1000)
    for wrong in ("", ".", "..", "é", "1." + "0" * 64):
        assert not access.is_session(wrong)


def test_five_wrong_tokens_make_an_address_wait():
    now = 0.0
    tries = Tries(clock=lambda: now)
    for number in range(5):
        assert tries.wait("10.0.0.1") == 0, number
        tries.failed("10.0.0.1")
    assert tries.wait("10.0.0.1") == 300
    assert tries.wait("10.0.0.2") == 0
    now = 299.0
    assert tries.wait("10.0.0.1") == 1
    now = 300.0
    assert tries.wait("10.0.0.1") == 0
    tries.succeeded("10.0.0.1")
    assert tries.wait("10.0.0.1") == 0


def test_a_network_of_ipv6_addresses_is_one_address():
    tries = Tries(clock=lambda: 0.0)
    for number in range(5):
        tries.failed(f"2001:db8::{number}")
    assert tries.wait("2001:db8::ffff") > 0
    assert tries.wait("2001:db8:0:1::1") == 0


def test_the_memory_of_tries_is_bounded():
    tries = Tries(clock=lambda: 0.0)
    for number in range(5000):
        tries.failed(f"10.{number // 250}.0.{number % 250}")
    assert len(tries._failed) == 1000
