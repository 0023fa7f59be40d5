"""Loader of recipes: default.yaml, overridden by a recipe file, overridden by flags."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from recipes.renamed_keys import refuse_renamed_keys
from recipes.schema import Recipe
from recipes.unique_keys import load_unique
from video.errors import UsageError, hint

DEFAULT = Path(__file__).with_name("default.yaml")


@dataclass(frozen=True)
class Settings:
    """A recipe, and the keys that the user set.

    Attributes:
        recipe: All values.
        given: Dotted keys that were set in the user's recipe or by flags.
        flags: Dotted keys that were set by flags.
        source: Name of the recipe file, for the model folder.
    """

    recipe: Recipe
    given: frozenset[str]
    source: str
    flags: frozenset[str] = frozenset()


def load(
    path: Path | None = None,
    flags: Mapping[str, Any] | None = None,
    given_by: str = "the command line",
) -> Settings:
    """Merge default.yaml, the recipe at `path` and `flags` (dotted key to value), and check it.

    Args:
        path: A recipe file, or a name that `recipe_file` accepts.
        flags: Values by dotted key.
        given_by: Source of the flags, for messages.

    Raises:
        UsageError: A key is unknown or was renamed, or a value is not valid; the message names the
            key.
    """
    path = recipe_file(path) if path else None
    chosen = _read(path) if path else {}
    # Check the recipe without the flags first, so that the message names the right source.
    _checked(chosen, str(path or DEFAULT))
    for key, value in (flags or {}).items():
        _place(chosen, key, value)
    recipe = _checked(chosen, given_by)
    given = frozenset(_dotted(chosen))
    return Settings(recipe, given, path.name if path else DEFAULT.name, frozenset(flags or ()))


def recipe_file(path: Path) -> Path:
    """Return the file of a recipe, independent of the working directory.

    Args:
        path: A file, or a recipe of this project as `demo`, `demo.yaml` or `recipes/demo.yaml`.

    Raises:
        UsageError: It is a name without a folder or suffix, and there is no such recipe.
    """
    own = DEFAULT.with_name(path.name).with_suffix(".yaml")
    if path.is_file() or path.parent.name not in ("", DEFAULT.parent.name):
        return path
    if own.is_file() and path.suffix in ("", ".yaml"):
        return own
    if path.suffix or path.parent.name:
        return path  # reading it raises the error
    known = sorted(each.stem for each in DEFAULT.parent.glob("*.yaml"))
    raise UsageError(f"--recipe {path}: there is no such file or recipe; {hint(path.name, known)}")


def default_value(key: str) -> Any:
    """Return the value of a dotted key in default.yaml."""
    value: Any = _defaults()
    for part in key.split("."):
        value = value[part]
    return value


@cache
def _defaults() -> dict:
    """Return the content of default.yaml. A command's parser asks for a key of it per flag."""
    return _read(DEFAULT)


def _read(path: Path) -> dict:
    try:
        content = load_unique(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: the recipe cannot be read ({error.strerror})") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        where = getattr(error, "problem_mark", None)
        line = f", line {where.line + 1}" if where else ""
        what = getattr(error, "problem", None) or "no text"
        raise UsageError(f"{path}{line}: not a recipe in YAML ({what})") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise UsageError(f"{path}: a recipe holds keys and values, such as 'seed: 0'")
    return content


def _merged(below: dict, above: dict) -> dict:
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merged(merged[key], value) if both else value
    return merged


def _place(tree: dict, dotted: str, value: Any) -> None:
    *sections, key = dotted.split(".")
    for section in sections:
        tree = tree.setdefault(section, {})
        if not isinstance(tree, dict):
            raise UsageError(f"{dotted}: {section} is a value and has no keys")
    tree[key] = value


def _dotted(tree: dict, prefix: str = "") -> list[str]:
    keys = []
    for key, value in tree.items():
        keys += _dotted(value, f"{prefix}{key}.") if isinstance(value, dict) else [f"{prefix}{key}"]
    return keys


def _checked(chosen: dict, source: str) -> Recipe:
    """Return the recipe of chosen keys over default.yaml."""
    refuse_renamed_keys(chosen, source)
    try:
        return Recipe.model_validate(_merged(_defaults(), chosen))
    except ValidationError as error:
        raise UsageError(f"{source}: {_first_problem(error)}") from None


def _first_problem(error: ValidationError) -> str:
    # Unknown keys first: a misspelled key often causes a missing one as well.
    problems = sorted(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")
    first = problems[0]
    path = _key_path(first["loc"])
    key = ".".join(path)
    if first["type"] == "extra_forbidden":
        return f"there is no key {key}; {_closest(path)}"
    if first["type"] == "missing":
        return f"{key} is missing"
    wanted = " or ".join(
        each["msg"].removeprefix("Input should be ").removeprefix("a valid ").split(", unable")[0]
        for each in problems
        if _key_path(each["loc"]) == path
    )
    return f"{key} is {first['input']!r}, and should be {wanted}"


def _key_path(location: tuple) -> list[str]:
    """Return the keys of an error's location, without the union branch that pydantic appends."""
    path: list[str] = []
    section: Any = Recipe
    for part in location:
        if isinstance(part, int):
            path.append(str(part))
        elif section is None or part not in section.model_fields:
            # The last part is either an unknown key, or a branch of a union. A branch comes after
            # a field, where `section` is already None.
            return [*path, part] if section is not None else path
        else:
            path.append(part)
            section = _section_type(section.model_fields[part].annotation)
    return path


def _closest(path: list[str]) -> str:
    section: Any = Recipe
    for part in path[:-1]:
        if not part.isdigit():
            section = _section_type(section.model_fields[part].annotation)
    return hint(path[-1], section.model_fields, "".join(f"{part}." for part in path[:-1]))


def _section_type(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in getattr(annotation, "__args__", ()):
        if found := _section_type(inner):
            return found
    return None
