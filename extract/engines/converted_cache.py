"""Converted networks, kept in the model folder: only the first start converts a network.

    <model folder>/engines/<part>/<weights>/<runtime>-<key>/    runtime files, network.json

The key is a hash of everything that decides the converted network: weights, settings of the graph,
input shape, runtime and version. network.json has the same in words, and the hash of every file.
All of it is known without Keras, so a network that is kept starts without it. A file that differs
from its hash is never used. Removing the folder is safe: the next start converts again.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from model_folder.weights_files import ENGINES as FOLDER
from model_folder.weights_files import file_sha256
from video.console import logger

_LOG = logger(__name__)

REFERENCE = "reference.npy"  # features (1, D) of Keras for a random clip
_NOTE = "network.json"  # what a kept network is, and the hashes of its files

# Format of the cache. Increase it when a converter's output or the graph of a network changes, so
# that old files are ignored.
_FORM = 4


@dataclass(frozen=True)
class NetworkId:
    """Identity of a network, the key of the cache.

    Attributes:
        folder: Model folder, with the cache and the quantized network; None to cache nothing.
        sha256: SHA-256 of the network's weights.
        part: Name of the network within the model.
        settings: Settings that decide the graph around these weights, as plain values; empty if
            the weights and the input shape decide it.
    """

    folder: Path | None
    sha256: str
    part: str = "backbone"
    settings: Mapping[str, Any] = field(default_factory=dict, hash=False)


class ConvertedNetwork:
    """Cache entry of one converted network."""

    def __init__(self, network: NetworkId, shape: tuple, runtime: str, version: str) -> None:
        """Create the entry's path.

        Args:
            network: Identity under which the converted form is cached.
            shape: Input shape without the batch axis.
            runtime: Name of the runtime that the network is converted for.
            version: Version of the runtime.
        """
        content = {
            "form": _FORM,
            "weights": network.sha256,
            "part": network.part,
            "settings": dict(network.settings),
            "input": list(shape),
            "runtime": f"{runtime} {version}",
        }
        self._text = json.dumps(content, sort_keys=True)
        key = hashlib.sha256(self._text.encode()).hexdigest()[:12]
        folder, weights = network.folder, network.sha256[:16]
        self._place = folder and folder / FOLDER / network.part / weights / f"{runtime}-{key}"

    def find(self, name: str) -> Path | None:
        """Return the path of a file of the entry; None if the entry is not there, or damaged."""
        note = self._place and _read_note(self._place)
        if not note or json.dumps(note.get("network"), sort_keys=True) != self._text:
            return None
        files = note.get("files")
        if not isinstance(files, dict) or name not in files:
            return None
        if any(file_sha256(self._place / each) != sha256 for each, sha256 in files.items()):
            _LOG.warning(f"note: {self._place} is damaged; the network is converted again.")
            return None
        return self._place / name

    def store(self, write: Callable[[Path], object]) -> None:
        """Create the entry atomically and remove the entries of other weights.

        A folder that cannot be written is not an error: the network stays uncached.

        Args:
            write: Function that writes the runtime's files into a folder.
        """
        if not self._place:
            return
        partial = self._place.with_name(f"part.{self._place.name}")
        try:
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
            write(partial)
            files = {path.name: file_sha256(path) for path in sorted(partial.iterdir())}
            note = {"network": json.loads(self._text), "files": files}
            (partial / _NOTE).write_text(json.dumps(note, indent=1), encoding="utf-8")
            for older in self._place.parent.parent.iterdir():
                if older != self._place.parent:
                    shutil.rmtree(older, ignore_errors=True)
            for older in self._place.parent.iterdir():
                if older != partial and not (older / _NOTE).is_file():  # of an earlier version
                    shutil.rmtree(older, ignore_errors=True)
            shutil.rmtree(self._place, ignore_errors=True)
            partial.rename(self._place)
        except (OSError, RuntimeError):
            shutil.rmtree(partial, ignore_errors=True)


def _read_note(place: Path) -> dict[str, Any] | None:
    try:
        note = json.loads((place / _NOTE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return note if isinstance(note, dict) else None
