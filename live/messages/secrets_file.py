"""Settings files with secrets: `${NAME}` from the environment, and the mode of the file."""

import os
import re
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from recipes.unique_keys import RepeatedKeyError, load_unique
from video.console import logger
from video.errors import UsageError

_LOG = logger(__name__)
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def read_secrets_file(path: Path, example: str) -> dict[str, Any]:
    """Return the keys and values of a YAML file. One warning is logged if others can read it.

    Args:
        path: The file.
        example: A line of it, for messages.

    Raises:
        UsageError: It cannot be read, or contains no keys and values. No message repeats a value.
    """
    try:
        content = load_unique(path.read_text(encoding="utf-8"))
        mode = path.stat().st_mode
    except OSError as error:
        raise UsageError(f"{path}: the file cannot be read ({error.strerror})") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        where = getattr(error, "problem_mark", None)
        line = f", line {where.line + 1}" if where else ""
        if isinstance(error, RepeatedKeyError):
            raise UsageError(f"{path}{line}: this name is there twice; rename one") from None
        raise UsageError(
            f"{path}{line}: this is not YAML; it holds lines such as '{example}'"
        ) from None
    if not isinstance(content, dict) or not content:
        raise UsageError(f"{path}: the file holds lines such as '{example}'")
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        _LOG.warning("%s: other users can read this file with secrets: chmod 600 %s", path, path)
    return content


def with_environment(
    value: str,
    where: str,
    environment: Mapping[str, str] | None = None,
    encode: Callable[[str], str] = str,
) -> str:
    """Return a value with each `${NAME}` replaced by that variable of the environment.

    >>> with_environment("${USER_NAME}@host", "f: key", {"USER_NAME": "ann"})
    'ann@host'

    Args:
        value: The value.
        where: File and key, for messages.
        environment: The variables; None for those of the process.
        encode: Function that each variable within a longer text passes through.

    Raises:
        UsageError: A variable is not set.
    """
    known = os.environ if environment is None else environment

    def replaced(found: re.Match[str]) -> str:
        name = found[1]
        if name not in known:
            raise UsageError(f"{where}: the environment variable {name} is not set")
        return known[name] if found[0] == value else encode(known[name])

    return _VARIABLE.sub(replaced, value)
