"""The files for services: they agree with the program, and systemd accepts the unit."""

import configparser
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from live.watching.watchdog import EXIT_CODE, TIMEOUT_SECONDS
from tests.running import ROOT
from tests.test_documents import _flags_of
from video.errors import UsageError

UNIT = (ROOT / "deploy/lookback.service").read_text(encoding="utf-8")
LINTER = Path(sys.executable).with_name("hadolint")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def _stages() -> dict[str, tuple[str, list[tuple[str, str]]]]:
    """Return base and instructions, a word and the rest, of every stage of the Dockerfile."""
    stages: dict[str, tuple[str, list[tuple[str, str]]]] = {}
    lines = [line for line in DOCKERFILE.splitlines() if not line.startswith("#")]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        word, _, rest = line.partition(" ")
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            stages[name] = (base, [])
        elif word:
            stages[list(stages)[-1]][1].append((word, rest))
    return stages


def _instructions(image: str) -> list[tuple[str, str]]:
    """Return the instructions of an image, those of its base stages first."""
    base, own = _stages()[image]
    return [*(_instructions(base) if base in _stages() else []), *own]


def _last(image: str, word: str) -> str:
    return [rest for each, rest in _instructions(image) if each == word][-1]


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
    for image in ("full", "worker"):
        assert _last(image, "USER") == "10001:10001"
    assert watch["cap_drop"] == ["ALL"]
    assert watch["security_opt"] == ["no-new-privileges:true"]
    assert watch["read_only"] is True
    assert "privileged" not in watch
    assert all(port.startswith("127.0.0.1:") for port in watch["ports"])
    volumes = {each.split(":")[0] for each in watch["volumes"] if not each.startswith(".")}
    assert volumes == set(compose["volumes"])
    declared = yaml.safe_load(_last("full", "VOLUME"))
    mounted = {each.split(":")[1] for each in watch["volumes"]} - {"/config"}
    assert mounted == set(declared)


def test_both_images_start_lookback_and_hold_no_more_than_they_need():
    assert list(_stages())[-1] == "full"  # what `docker build` makes by default
    for image in ("full", "worker"):
        assert yaml.safe_load(_last(image, "ENTRYPOINT")) == ["lookback"]
        copied = [rest for word, rest in _instructions(image) if word in ("COPY", "ADD")]
        assert copied == [f"--from={image}-packages /opt/lookback /opt/lookback"]
    for base, instructions in _stages().values():
        assert base in _stages() or re.fullmatch(r"python:3\.\d+-slim-\w+", base), base
        for word, rest in instructions:
            assert "apt-get install" not in rest or "rm -rf /var/lib/apt/lists/*" in rest
            assert word != "ADD"
            names = re.findall(r"[A-Z_]+(?==)", rest) if word in ("ENV", "ARG") else []
            assert not [name for name in names if re.search("KEY|SECRET|TOKEN|PASSWORD", name)]


def test_the_worker_needs_no_framework_and_agrees_with_the_other_requirements():
    def lines(name: str) -> dict[str, str]:
        found = re.findall(r"^([\w-]+)([^#\n]*)", (ROOT / name).read_text("utf-8"), re.MULTILINE)
        return {name: rest.strip() for name, rest in found}

    worker = lines("requirements-worker.txt")
    assert not {"tensorflow", "keras", "torch", "jax", "opencv-python"} & set(worker)
    others = {**lines("requirements-cluster.txt"), **lines("requirements.txt")}
    others["opencv-python-headless"] = others["opencv-python"]
    for name, version in worker.items():
        assert name in others
        assert name == "h5py" or version == others[name], name  # its upper bound is TensorFlow's


@pytest.mark.skipif(not (LINTER.is_file() or shutil.which(LINTER.name)), reason="no hadolint here")
def test_the_linter_accepts_the_dockerfile():
    linter = LINTER if LINTER.is_file() else LINTER.name
    done = subprocess.run(
        [linter, "--no-color", ROOT / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_no_secret_is_copied_into_the_image():
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {".git", "data", "weights", "**/*.env", "config"} <= set(ignored)


def test_the_flags_exist():
    known = _flags_of("lookback.commands.run")
    if "--cameras" not in known:
        pytest.skip("the command has no cameras yet")
    start = re.findall(r"^ExecStart=(.+)$", UNIT, re.MULTILINE)[0]
    for line in (start, _last("full", "CMD")):
        assert set(re.findall(r"--[a-z][a-z-]+", line)) <= known
    words = yaml.safe_load(_last("worker", "CMD"))
    assert words[0] == "extract"
    assert {each for each in words if each.startswith("-")} <= _flags_of(
        "lookback.commands.extract"
    )
