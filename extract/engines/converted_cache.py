"""Converted networks, kept in the model folder so that only the first start pays for them.

    <model folder>/engines/<part>/<weights>/<runtime>-<version, shape>/    the runtime's own files

They are a cache: whoever removes them gets them back at the next start.
"""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

FOLDER = "engines"

# Changes with what the converting modules make of a network, so that older files are made anew.
_FORM = 3


@dataclass(frozen=True)
class NetworkId:
    """A network by its place in a model.

    Attributes:
        folder: the model folder, which keeps what is converted and holds what is quantised; None
            for none.
        sha256: of the network's weights.
        part: which of the model's networks it is.
    """

    folder: Path | None
    sha256: str
    part: str = "backbone"


class ConvertedNetwork:
    """The place of one converted network."""

    def __init__(self, network: "NetworkId", shape: tuple, runtime: str, version: str) -> None:
        """Name the place.

        Args:
            network: which.
            shape: of its input, without the batch.
            runtime, version: what it was converted for.
        """
        told = json.dumps([_FORM, shape, version])
        key = hashlib.sha256(told.encode()).hexdigest()[:12]
        folder, weights = network.folder, network.sha256[:16]
        self._place = folder and folder / FOLDER / network.part / weights / f"{runtime}-{key}"

    def find(self, name: str) -> Path | None:
        """Return the path of a file of the network, or None where it is not kept."""
        path = self._place and self._place / name
        return path if path and path.is_file() else None

    def keep(self, write: Callable[[Path], None]) -> None:
        """Let `write` fill the place, which then is there whole or not at all; networks of the
        other weights are removed. A folder that cannot be written is no reason to stop."""
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
