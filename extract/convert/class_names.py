"""Class names of a checkpoint's classifier."""

import json
from pathlib import Path

from extract.convert.kinetics import kinetics400
from video.errors import LookbackError

# Prefix of the placeholder names that Hugging Face writes.
_PLACEHOLDER = "LABEL_"


def find_labels(checkpoint: Path, classes: int, file: Path | None) -> tuple[str, ...] | None:
    """Return the class names in the classifier's order; None if they are unknown.

    Args:
        checkpoint: Checkpoint. A config.json of Hugging Face in its folder may name the classes.
        classes: Number of classes; 0 without a classifier.
        file: Text file with one name per line, which has priority; None without one. Without `file`
            and config.json, 400 classes get the names of Kinetics-400.

    Raises:
        LookbackError: A file of names does not fit the checkpoint; the message names it.
    """
    if not classes:
        return None
    if file:
        return _validate(_read_lines(file), classes, file)
    names = _read_config(checkpoint.with_name("config.json"))
    if names is not None:
        return _validate(names, classes, checkpoint.with_name("config.json"))
    return kinetics400() if classes == len(kinetics400()) else None


def _read_lines(path: Path) -> list[str]:
    try:
        return [line.strip() for line in path.read_text(encoding="utf-8").rstrip().splitlines()]
    except FileNotFoundError:
        raise LookbackError(f"{path}: there is no such file of labels") from None
    except (OSError, UnicodeDecodeError):
        raise LookbackError(f"{path}: cannot be read as text (UTF-8)") from None


def _read_config(path: Path) -> list[str] | None:
    """Return `id2label` of a Hugging Face config; None without it or with placeholders only."""
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        names = content["id2label"]
        ordered = [names[str(number)] for number in range(len(names))]
    except (ValueError, RecursionError):
        raise LookbackError(f"{path}: not JSON; download it again or use --labels") from None
    except (KeyError, TypeError):
        return None  # config.json of another program
    return None if all(str(name).startswith(_PLACEHOLDER) for name in ordered) else ordered


def _validate(names: list, classes: int, path: Path) -> tuple[str, ...]:
    if len(names) != classes:
        raise LookbackError(
            f"{path}: {len(names)} names, but the checkpoint has {classes} classes; --labels takes "
            "a file with one name per line"
        )
    seen = set()
    for number, name in enumerate(names, 1):
        if not isinstance(name, str) or not name.strip():
            raise LookbackError(f"{path}: name {number} is empty")
        if name in seen:
            raise LookbackError(f"{path}: name {number}, {name}, appears twice")
        seen.add(name)
    return tuple(names)
