"""The spec of a feature store: what its features are. Features of two specs are never mixed."""

import hashlib
import json
from pathlib import Path

import h5py

from recipes.commands import command
from video.errors import LookbackError

FORMAT, VERSION = "lookback-features", 2
# Backbone name in the spec of features that another program computed.
EXTERNAL = "external"

# Keys of a spec that the second stage needs; those of `sampling` with a dot.
_KEYS = ("backbone", "weights_sha256", "feature_size", "sampling.fps")
_OWN_KEYS = ("clip_length", "sampling.hop", "precision", "dtype")
_EXTERNAL_DEFAULTS = {"clip_length": 1, "precision": "f32", "dtype": "float32"}


def spec_sha256(spec: dict) -> str:
    """Return the SHA-256 of a spec in hex, independent of the order of its keys."""
    return hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()


def read_spec(path: Path, file: h5py.File, version: int = VERSION) -> dict:
    """Return the spec of an open file of features.

    The spec of another program may leave out keys that have a usual value.

    Raises:
        LookbackError: The file has another format or version, or its spec lacks a key.
    """
    if file.attrs.get("format") != FORMAT or file.attrs.get("version") != version:
        raise LookbackError(
            f"{path}: not a feature file of this version; move it away and run {command('extract')}"
        )
    try:
        spec = json.loads(file.attrs["spec"])
        given = {*spec, *(f"sampling.{key}" for key in spec.get("sampling", {}))}
    except (KeyError, TypeError, AttributeError, json.JSONDecodeError):
        raise LookbackError(
            f"{path}: its attribute spec is missing or not JSON; docs/files.md describes it"
        ) from None
    own = spec.get("backbone") != EXTERNAL
    if missing := [key for key in (*_KEYS, *(_OWN_KEYS if own else ())) if key not in given]:
        raise LookbackError(
            f"{path}: its spec lacks {', '.join(missing)}; docs/files.md describes the keys"
            + (f" (of features of another program, with the backbone {EXTERNAL!r})" if own else "")
        )
    if own:
        return spec
    return {**_EXTERNAL_DEFAULTS, **spec, "sampling": {"hop": 1, **spec["sampling"]}}


def differences(there: dict, wanted: dict) -> str:
    """Describe features by the settings that differ from those that are wanted.

    >>> differences({"precision": "bf16", "dtype": "float32"}, {"precision": "f32"})
    'features of other settings (precision bf16, dtype float32)'
    """
    others = [f"{key} {value}"[:80] for key, value in there.items() if wanted.get(key) != value]
    return f"features of other settings ({', '.join(others)})" if there else "unreadable content"
