"""Hashes of weights files, which tell without Keras whether a file has the weights of model.yaml.

model.yaml names the hash of the weights' values, which only a loaded network shows, and that of
their file. Folders of earlier versions name the first only: once their weights were loaded and
compared, the hash of the file is kept beside the converted networks.
"""

import hashlib
import json
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from video.atomic_write import atomic_write

ENGINES = "engines"  # folder of the converted networks in a model folder
_NOTE = "weights_files.json"


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hex; empty if it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def is_known(path: Path, sha256: str, file: str) -> bool:
    """Return whether a weights file is known to have certain weights, without loading it.

    Args:
        path: Weights file in a model folder.
        sha256: Hash of the values of the weights, of model.yaml.
        file: Hash of the file, of model.yaml; empty in folders of earlier versions.
    """
    return (file != "" and file_sha256(path) == file) or remembered(path) == sha256 != ""


def remembered(path: Path) -> str:
    """Return the hash of the values of a weights file that was remembered and has not changed
    since; empty for another one."""
    noted, here = _noted(path.parent).get(path.name), file_sha256(path)
    if here and isinstance(noted, dict) and noted.get("file") == here:
        return str(noted.get("weights", ""))
    return ""


def remember(path: Path, sha256: str) -> None:
    """Note that a weights file has certain weights, after they were loaded and compared.

    A folder that cannot be written is not an error.

    Args:
        path: Weights file in a model folder.
        sha256: Hash of the values of its weights.
    """
    folder = path.parent
    noted = {**_noted(folder), path.name: {"weights": sha256, "file": file_sha256(path)}}
    with suppress(OSError):
        (folder / ENGINES).mkdir(exist_ok=True)
        with atomic_write(folder / ENGINES / _NOTE) as temporary:
            temporary.write_text(json.dumps(noted, indent=1), encoding="utf-8")


def copy_converted(folder: Path, to: Path) -> None:
    """Copy the converted networks of a model folder to another one with the same weights.

    A folder that cannot be written is not an error, as the networks are converted again then.
    """
    with suppress(OSError):
        shutil.copytree(folder / ENGINES, to / ENGINES, dirs_exist_ok=True)


def _noted(folder: Path) -> dict[str, Any]:
    try:
        noted = json.loads((folder / ENGINES / _NOTE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return noted if isinstance(noted, dict) else {}
