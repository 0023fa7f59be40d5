"""Result files of the benchmarks, with machine, package versions and commit."""

import contextlib
import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
_PACKAGES = ("tensorflow", "keras", "numpy", "av", "opencv-python", "h5py")
_OPTIONAL = ("openvino", "onnxruntime", "torch")

# Load average of the last minute. Other processes distort the measurements. Windows has none.
LOAD_AT_START = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0


def write_result(name: str, content: dict) -> Path:
    """Write results/<name>.json and return its path.

    Args:
        name: Name of the benchmark.
        content: Measurements and settings, as JSON-ready values.
    """
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    record = {
        "benchmark": name,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit or "unknown",
        "machine": {
            "system": platform.platform(),
            "processor": platform.machine(),
            "cores": os.cpu_count(),
            "load_at_start": LOAD_AT_START,
        },
        "versions": _versions(),
        **content,
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return path


def _versions() -> dict[str, str]:
    versions = {package: version(package) for package in _PACKAGES}
    for package in _OPTIONAL:
        with contextlib.suppress(PackageNotFoundError):
            versions[package] = version(package)
    return versions
