"""The files for services: they agree with the program, and systemd accepts the unit."""

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from live.watching.watchdog import EXIT_CODE, TIMEOUT_SECONDS
from tests.running import ROOT
from tests.test_documents import _flags_of
from video.errors import UsageError

UNIT = (ROOT / "deploy/lookback.service").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


@pytest.fixture
def service() -> configparser.SectionProxy:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[method-assign, assignment]
    unit.read_string(UNIT)
    return unit["Service"]


def test_systemd_restarts_after_the_watchdog_and_not_after_a_wrong_command(service):
    assert service["Type"] == "notify"
    assert service["Restart"] == "always"
    spared = [int(code) for code in service["RestartPreventExitStatus"].split()]
    assert spared == [UsageError.exit_code]
    assert EXIT_CODE not in spared
    # The program's own watchdog acts first, and its timer for stuck libraries second.
    assert int(service["WatchdogSec"]) > 2 * TIMEOUT_SECONDS


def test_the_service_has_no_rights(service):
    assert service["User"] not in ("", "root")
    assert service["NoNewPrivileges"] == "yes"
    assert service["CapabilityBoundingSet"] == ""
    assert service["ProtectSystem"] == "strict"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_systemd_accepts_the_unit(tmp_path: Path):
    # The program need not be installed where the tests run.
    unit = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", UNIT, flags=re.MULTILINE)
    path = tmp_path / "lookback.service"
    path.write_text(unit, encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", str(path)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_container_runs_as_a_user_without_rights():
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    (watch,) = compose["services"].values()
    assert re.findall(r"^USER (.+)$", DOCKERFILE, re.MULTILINE) == ["10001:10001"]
    assert watch["cap_drop"] == ["ALL"]
    assert watch["security_opt"] == ["no-new-privileges:true"]
    assert watch["read_only"] is True
    assert "privileged" not in watch
    assert all(port.startswith("127.0.0.1:") for port in watch["ports"])
    volumes = {each.split(":")[0] for each in watch["volumes"] if not each.startswith(".")}
    assert volumes == set(compose["volumes"])
    declared = yaml.safe_load(re.findall(r"^VOLUME (.+)$", DOCKERFILE, re.MULTILINE)[0])
    mounted = {each.split(":")[1] for each in watch["volumes"]} - {"/config"}
    assert mounted == set(declared)


def test_no_secret_is_copied_into_the_image():
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {".git", "data", "weights", "**/*.env", "config"} <= set(ignored)


def test_the_flags_exist():
    known = _flags_of("lookback.commands.run")
    if "--cameras" not in known:
        pytest.skip("the command has no cameras yet")
    start = re.findall(r"^ExecStart=(.+)$", UNIT, re.MULTILINE)[0]
    command = re.findall(r"^CMD (.+)$", DOCKERFILE, re.MULTILINE)[0]
    for line in (start, command):
        assert set(re.findall(r"--[a-z][a-z-]+", line)) <= known
