"""lookback doctor: every line says ok, note or problem, and what mends it; no check ends the rest.

The checks themselves see a machine that the tests describe: no GPU, webcam or network is needed.
"""

import json
import subprocess
import sys
from types import SimpleNamespace

import pytest

from lookback.doctor import __main__ as doctor
from lookback.doctor import machine, software
from lookback.doctor.finding import Finding, findings
from video.errors import UsageError, VideoError


def fail() -> Finding:
    raise RuntimeError("broken\nsecond line")


FINDINGS = {
    "Python": lambda: Finding("Python", "ok", "3.11"),
    "GPU": lambda: Finding("GPU", "note", "none", "wait"),
    "disk": fail,
}


def test_a_line_per_check_and_exit_code_1_with_a_problem(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "CHECKS", FINDINGS)
    assert doctor.main([]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "ok       Python         3.11"
    assert lines[1] == "note     GPU            none; wait"
    assert lines[2].startswith("problem  disk           the check failed (RuntimeError: broken); ")
    assert lines[-1] == "1 problem"
    monkeypatch.setattr(doctor, "CHECKS", dict(list(FINDINGS.items())[:2]))
    assert doctor.main([]) == 0
    assert capsys.readouterr().out.endswith("\nno problems\n")


def test_json_has_the_same_findings(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "CHECKS", FINDINGS)
    assert doctor.main(["--json"]) == 1
    content = json.loads(capsys.readouterr().out)
    assert content["problems"] == 1
    note = {"name": "GPU", "state": "note", "text": "none", "mend": "wait"}
    assert content["findings"][1] == note
    with pytest.raises(UsageError):
        doctor.main(["--jsno"])


def test_checks_of_this_machine_have_names_states_and_remedies(monkeypatch):
    monkeypatch.setattr(machine, "webcam", lambda: Finding("webcam", "ok", ""))
    slow = {"GPU", "cuDNN", "OpenVINO", "webcam", "screen", "package index"}
    checks = {name: check for name, check in doctor.CHECKS.items() if name not in slow}
    for each in findings(checks):
        assert each.name in checks
        assert each.text
        assert each.mend or each.state == "ok"
    assert software.video_library().state == "ok"
    assert software.packages().state == "ok"


def test_packages_that_do_not_fit_the_requirements_are_named(monkeypatch, tmp_path):
    wanted = tmp_path / "requirements.txt"
    wanted.write_text("numpy>=2.0  # arrays\nno-such-package>=1\n\nh5py<1\n")
    monkeypatch.setattr(software, "_REQUIREMENTS", wanted)
    found = software.packages()
    assert found.state == "problem"
    assert "required: no-such-package>=1 (found: none), h5py<1 (found: 3" in found.text
    assert "numpy>=2.0" not in found.text


@pytest.mark.parametrize(
    ("version", "state"), [((3, 10), "problem"), ((3, 11), "ok"), ((3, 14), "problem")]
)
def test_another_python_is_a_problem(version, state, monkeypatch):
    monkeypatch.setattr(software.sys, "version_info", (*version, 0))
    monkeypatch.setattr(software.sys, "base_prefix", "/usr")
    assert software.python().state == state


@pytest.mark.parametrize(
    ("system", "names", "hidden", "wanted"),
    [
        ("linux", "", None, (False, "no NVIDIA driver")),
        ("linux", "H200, 570", "-1", (False, "hidden by CUDA_VISIBLE_DEVICES=-1")),
        ("linux", "H200, 570", None, (True, "CUDA's libraries or the driver do not fit")),
        ("darwin", "", None, (False, "macOS")),
    ],
)
def test_why_there_is_no_gpu(system, names, hidden, wanted, monkeypatch):
    monkeypatch.setattr(software.sys, "platform", system)
    monkeypatch.setattr(software, "_nvidia_names", lambda: names)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if hidden is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
    is_problem, reason, _ = software._why_no_gpu()
    assert (is_problem, wanted[1] in reason) == (wanted[0], True)


@pytest.mark.parametrize(
    ("flags", "state", "said"),
    [
        ({"avx", "avx2", "avx512f", "amx_tile", "amx_bf16"}, "ok", "AVX-512, AMX, AMX bf16"),
        ({"sse2"}, "problem", "without AVX"),
    ],
)
def test_instructions_of_the_processor(flags, state, said, monkeypatch):
    monkeypatch.setattr(machine, "_cpu_flags", lambda: flags)
    monkeypatch.setattr(machine.platform, "machine", lambda: "x86_64")
    found = machine.instructions()
    assert (found.state, said in found.text) == (state, True)


def test_a_containers_quota_limits_the_cores(tmp_path, monkeypatch):
    quota = tmp_path / "cpu.max"
    monkeypatch.setattr(machine.os, "sched_getaffinity", lambda _: range(8), raising=False)
    assert machine.usable_cores(16, quota) == 8
    quota.write_text("max 100000\n")
    assert machine.usable_cores(16, quota) == 8
    quota.write_text("150000 100000\n")
    assert machine.usable_cores(16, quota) == 1.5


@pytest.mark.parametrize(("free", "state"), [(0.5, "problem"), (5, "note"), (50, "ok")])
def test_little_disk_space_is_told(free, state, monkeypatch):
    monkeypatch.setattr(
        machine.shutil, "disk_usage", lambda _: SimpleNamespace(free=int(free * 2**30))
    )
    assert machine.disk().state == state


def test_a_folder_that_cannot_be_written_is_a_problem(tmp_path):
    assert machine.write_access(tmp_path).state == "ok"
    found = machine.write_access(tmp_path / "missing")
    assert found.state == "problem"
    assert f"refused in {tmp_path / 'missing'} (this folder)" in found.text


def test_a_webcam_that_cannot_be_opened_is_a_note(monkeypatch):
    def refuse(_):
        raise VideoError("webcam 0: cannot be opened")

    monkeypatch.setattr(machine, "glob", lambda _: [sys.executable])
    monkeypatch.setattr("video.sources.CameraSource", refuse)
    found = machine.webcam()
    assert (found.state, found.text) == ("note", "webcam 0: cannot be opened")
    assert "--webcam 1" in found.mend
    monkeypatch.setattr(machine.sys, "platform", "linux")
    monkeypatch.setattr(machine, "glob", lambda _: [])
    assert machine.webcam().text == "none"


@pytest.mark.parametrize(("code", "state"), [(0, "ok"), (1, "note")])
def test_the_package_index_is_asked_by_pip(code, state, monkeypatch):
    asked = []

    def run(command, **_):
        asked.append(command)
        return SimpleNamespace(returncode=code)

    monkeypatch.setattr(machine.subprocess, "run", run)
    assert machine.package_index().state == state
    assert asked[0][1:3] == ["-m", "pip"]

    def hang(command, timeout, **_):
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(machine.subprocess, "run", hang)
    assert machine.package_index().text == "no answer within 30 seconds"
