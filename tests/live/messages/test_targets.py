"""The file of targets: errors that name file and key, and no address anywhere."""

import os
from pathlib import Path

import pytest

from live.messages.targets import Target, load_targets
from video.errors import UsageError


def file_of(folder: Path, text: str) -> Path:
    path = folder / "targets.yaml"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return path


def test_a_password_from_the_environment_may_hold_any_characters(tmp_path: Path):
    path = file_of(tmp_path, "mail: mailtos://ann:${PW}@example.org?to=b@example.org\n")
    (target,) = load_targets(path, {"PW": "p@:/#$ß ?&"})
    assert target.name == "mail"
    assert target.service().password == "p@:/#$ß ?&"


def test_a_whole_address_from_the_environment(tmp_path: Path):
    (target,) = load_targets(file_of(tmp_path, "hook: ${HOOK}\n"), {"HOOK": "json://host/a?b=c"})
    assert target.address == "json://host/a?b=c"


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "lines such as"),
        ("- a\n", "lines such as"),
        ("a: [\n", "line 2"),
        ("mail: ${NOT_SET}\n", "mail: the environment variable NOT_SET is not set"),
        ("mail: 5\n", "mail: one address"),
        ("mail: json://h/hunter2\nmail: json://h/x\n", "line 2: this name is there twice"),
        ("mail: nosuch://hunter2\n", "mail: nosuch:// is not"),
        ("mail: hunter2\n", "mail: this text is not"),
        ("mailtos://ann:hunter2@example.org: x\n", "a name holds"),
        ("mail: mailto://a:hunter2@b.org?to=c@d.org,e@f.org\n", "2 recipients"),
    ],
)
def test_an_error_names_file_and_key_but_no_secret(tmp_path: Path, text: str, part: str):
    path = file_of(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        load_targets(path, {})
    assert str(path) in str(caught.value)
    assert part in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_missing_file(tmp_path: Path):
    with pytest.raises(UsageError, match=r"none\.yaml: the file cannot be read"):
        load_targets(tmp_path / "none.yaml")


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such modes")
@pytest.mark.parametrize(("mode", "warnings"), [(0o600, 0), (0o400, 0), (0o640, 1), (0o604, 1)])
def test_mode_600_is_asked_for(tmp_path: Path, capsys, mode: int, warnings: int):
    path = file_of(tmp_path, "a: json://host/x\n")
    path.chmod(mode)
    load_targets(path)
    assert capsys.readouterr().out.count("chmod 600") == warnings


def test_time_outs_are_added_where_there_are_none():
    service = Target("a", "json://host/x").service()
    assert (service.socket_connect_timeout, service.socket_read_timeout) == (10, 15)
    service = Target("a", "json://host/x?cto=3").service(20.0)
    assert (service.socket_connect_timeout, service.socket_read_timeout) == (3, 35)


@pytest.mark.parametrize(
    ("address", "secrets", "kept"),
    [
        ("mailtos://ann:hunter%402@smtp.org?to=b@c.org", ["hunter@2", "hunter%402"], "smtp.org"),
        ("tgram://123456789:abcdef-GHI/987654", ["123456789", "abcdef-GHI", "987654"], "POST"),
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdn/#alarms", ["T1JJ3T3L2", "TIiajkdn"], "POST"),
        ("ntfy://my-secret-topic", ["my-secret-topic"], "POST"),
        ("json://user:pass1@host/path/tok3n?+X-Key=header1", ["pass1", "tok3n", "header1"], "host"),
    ],
)
def test_reasons_hold_no_secret(tmp_path: Path, address: str, secrets: list[str], kept: str):
    (target,) = load_targets(file_of(tmp_path, f"a: {address}\n"))
    said = target.redact(f"POST smtp.org host\n {address} {' '.join(secrets)} failed")
    assert not [secret for secret in secrets if secret in said]
    assert kept in said
    assert "\n" not in said


def test_the_address_is_not_in_the_representation():
    assert "hunter2" not in repr(Target("a", "json://x:hunter2@host", ("hunter2",)))
