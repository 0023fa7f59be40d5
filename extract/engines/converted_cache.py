"""Converted-model cache in the model folder, so that only the first start converts a network.

    <model folder>/engines/<part>/<weights>/<runtime>-<hash of version and shape>/    runtime files

Removing the cache is safe: the next start converts again.
"""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

FOLDER = "engines"

# Format of the cache. Increase it when a converter's output changes, so that old files are ignored.
_FORM = 3


@dataclass(frozen=True)
class NetworkId:
    """Identity of a network, the key of the cache.

    Attributes:
        folder: Model folder, with the cache and the quantized network; None to cache nothing.
        sha256: SHA-256 of the network's weights.
        part: Name of the network within the model.
    """

    folder: Path | None
    sha256: str
    part: str = "backbone"


class ConvertedNetwork:
    """Cache entry of one converted network."""

    def __init__(self, network: "NetworkId", shape: tuple, runtime: str, version: str) -> None:
        """Create the entry's path.

        Args:
            network: Identity under which the converted form is cached.
            shape: Input shape without the batch axis.
            runtime: Name of the runtime that the network is converted for.
            version: Version of the runtime.
        """
        content = json.dumps([_FORM, shape, version])
        key = hashlib.sha256(content.encode()).hexdigest()[:12]
        folder, weights = network.folder, network.sha256[:16]
        self._place = folder and folder / FOLDER / network.part / weights / f"{runtime}-{key}"

    def find(self, name: str) -> Path | None:
        """Return the path of a file of the entry, or None if it is not cached."""
        path = self._place and self._place / name
        return path if path and path.is_file() else None

    def store(self, write: Callable[[Path], None]) -> None:
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
            for older in self._place.parent.parent.iterdir():
                if older != self._place.parent:
                    shutil.rmtree(older, ignore_errors=True)
            shutil.rmtree(self._place, ignore_errors=True)
            partial.rename(self._place)
        except (OSError, RuntimeError):
            shutil.rmtree(partial, ignore_errors=True)
