"""Which names belong to a checkpoint's classes."""

import json
from pathlib import Path

from extract.convert.kinetics import kinetics400
from video.errors import LookbackError

# What Hugging Face writes where names were never given.
_PLACEHOLDER = "LABEL_"


def labels_for(checkpoint: Path, classes: int, file: Path | None) -> tuple[str, ...] | None:
    """Return the names of the classes in order: of `file`, of the config.json beside a Hugging Face
    checkpoint, or Kinetics-400's where there are 400; None where nobody says.

    Raises:
        LookbackError: a file of names does not fit the checkpoint; the message names it.
    """
    if not classes:
        return None
    if file:
        return _checked(_lines(file), classes, file)
    names = _configured(checkpoint.with_name("config.json"))
    if names is not None:
        return _checked(names, classes, checkpoint.with_name("config.json"))
    return kinetics400() if classes == len(kinetics400()) else None


def _lines(path: Path) -> list[str]:
    try:
        return [line.strip() for line in path.read_text(encoding="utf-8").rstrip().splitlines()]
    except FileNotFoundError:
        raise LookbackError(f"{path}: there is no such file of labels") from None
    except (OSError, UnicodeDecodeError):
        raise LookbackError(f"{path}: cannot be read as text (UTF-8)") from None


def _configured(path: Path) -> list[str] | None:
    """Return `id2label` of a Hugging Face config; None without it, or with placeholders alone."""
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        names = content["id2label"]
        ordered = [names[str(number)] for number in range(len(names))]
    except (ValueError, RecursionError):
        raise LookbackError(f"{path}: not JSON; fetch it again or give --labels") from None
    except (KeyError, TypeError):
        return None  # some other program's config.json
    return None if all(str(name).startswith(_PLACEHOLDER) for name in ordered) else ordered


def _checked(names: list, classes: int, path: Path) -> tuple[str, ...]:
    if len(names) != classes:
        raise LookbackError(
            f"{path}: {len(names)} names, but the checkpoint has {classes} classes; --labels takes "
            "a file with one name a line"
        )
    seen = set()
    for number, name in enumerate(names, 1):
        if not isinstance(name, str) or not name.strip():
            raise LookbackError(f"{path}: name {number} is empty")
        if name in seen:
            raise LookbackError(f"{path}: name {number}, {name}, stands there twice")
        seen.add(name)
    return tuple(names)
