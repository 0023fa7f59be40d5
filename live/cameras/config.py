"""Configuration of cameras: the file of `--cameras`, and cameras of the command line."""

import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import yaml
from pydantic import Field, ValidationError

from live.cameras.addresses import source_kind
from recipes.schema import AlarmRule, Rate, Section, Share
from recipes.unique_keys import RepeatedKeyError, load_unique
from video.console import logger
from video.errors import UsageError, hint
from video.sources.url import without_secrets

_LOG = logger(__name__)

Polygon = tuple[tuple[float, float], ...]
_VARIABLE = re.compile(r"\$\{(\w+)\}")


@dataclass(frozen=True)
class CameraConfig:
    """A camera to watch.

    Attributes:
        name: Name in messages, files and the page; unique.
        kind: `webcam`, `url`, or `video` for a file that is played at its own pace, again and
            again.
        address: Index or device of a webcam, address of a stream without user and password, or
            path of a file.
        user: User name; empty for none.
        password: Password; never logged.
        fps: Maximum frames per second that are read; None for all.
        armed: Armed hours, such as `Mon-Fri 18:00-06:00`; empty for always.
        privacy: Polygons that are black everywhere; x and y from 0 to 1 of width and height.
        alarms: Keys of the recipe's `alarms` that differ for this camera.
        alarms_per_class: Keys that differ for a class of this camera.
    """

    name: str
    kind: str
    address: str | int
    user: str = ""
    password: str = ""
    fps: float | None = None
    armed: tuple[str, ...] = ()
    privacy: tuple[Polygon, ...] = ()
    alarms: dict[str, Any] = field(default_factory=dict)
    alarms_per_class: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"CameraConfig({self.name!r})"  # an address may hold a password

    @property
    def full_address(self) -> str | int:
        """The address with user and password; never to be logged."""
        if not self.user or not isinstance(self.address, str):
            return self.address
        scheme, mark, place = self.address.partition("://")
        secret = quote(self.user, safe="") + ":" + quote(self.password, safe="")
        return f"{scheme}{mark}{secret}@{place}"


_Corner = tuple[Share, Share]


class _CameraRow(Section):
    """A camera in the file of `--cameras`."""

    address: str | int
    user: str = ""
    password: str | int = ""
    fps: Rate | None = None
    armed: str | tuple[str, ...] = ()
    privacy: tuple[Annotated[tuple[_Corner, ...], Field(min_length=3)], ...] = ()
    alarms: AlarmRule | None = None
    alarms_per_class: dict[str, AlarmRule] = Field(default_factory=dict)


def camera_of(address: int | str, name: str = "") -> CameraConfig:
    """Return the camera of an address of the command line.

    Args:
        address: The index or device of a camera, the address of a stream, or the path of a file.
        name: Name; empty for one from the address.
    """
    kind = source_kind(address)
    shown = f"camera {address}" if kind == "webcam" else without_secrets(str(address))
    return CameraConfig(name or shown, kind, address)


def load_cameras(path: Path) -> list[CameraConfig]:
    """Return the cameras of a YAML file that maps names to their settings.

    `${NAME}` stands for an environment variable. A relative path of a file belongs to the folder
    of the YAML file. If others may read the file and a password is in it, a warning asks for mode
    600.

    Raises:
        UsageError: The file cannot be read, or a key or value is wrong; the message names it.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--cameras {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"--cameras {path}: is not a text file in UTF-8") from None
    try:
        tree = load_unique(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" (line {mark.line + 1})" if mark else ""  # the line itself may hold a password
        if isinstance(error, RepeatedKeyError):
            raise UsageError(f"--cameras {path}: a name or key is there twice{place}") from None
        raise UsageError(f"--cameras {path}: is not YAML{place}") from None
    rows = tree.get("cameras", tree) if isinstance(tree, dict) else None
    if not isinstance(rows, dict) or not rows:
        raise UsageError(f"--cameras {path}: write a camera as NAME: {{address: rtsp://...}}")
    cameras = [_camera(path, str(name), row) for name, row in rows.items()]
    if any(_holds_secret(row) for row in rows.values()):
        _ask_for_mode_600(path)
    return cameras


def _camera(path: Path, name: str, row: object) -> CameraConfig:
    where = f"--cameras {path}: {name}"
    if not name.strip() or not name.isprintable():
        raise UsageError(f"--cameras {path}: {name!r}: a name is one line of visible characters")
    if isinstance(row, str | int):
        row = {"address": row}
    if not isinstance(row, dict):
        raise UsageError(f"{where}: write {{address: rtsp://...}}")
    row = {key: _filled(value, f"{where}.{key}") for key, value in row.items()}
    try:
        parsed = _CameraRow.model_validate(row)
    except ValidationError as error:
        raise UsageError(f"{where}.{_first_problem(error)}") from None
    address = parsed.address
    if isinstance(address, str) and address.isdigit():
        address = int(address)
    kind = source_kind(address)
    if kind == "video":
        address = str(path.parent / str(address))
        if not Path(address).is_file():
            raise UsageError(f"{where}.address: {address}: there is no such file")
    rules = parsed.alarms.model_dump(exclude_none=True) if parsed.alarms else {}
    per_class = {
        label: rule.model_dump(exclude_none=True) for label, rule in parsed.alarms_per_class.items()
    }
    armed = (parsed.armed,) if isinstance(parsed.armed, str) else parsed.armed
    return CameraConfig(
        name,
        kind,
        address,
        parsed.user,
        str(parsed.password),
        parsed.fps,
        tuple(each for each in armed if each),
        parsed.privacy,
        rules,
        per_class,
    )


def _first_problem(error: ValidationError) -> str:
    """Return the key and its problem: an unknown key first, for `adress` is also a missing one."""
    problems = error.errors(include_input=False)
    unknown = [each for each in problems if each["type"] == "extra_forbidden"]
    problem = (unknown or problems)[0]
    key = ".".join(str(each) for each in problem["loc"])
    text = f"{key}: {problem['msg'].lower()}"
    if unknown and len(problem["loc"]) == 1:
        text += f"; {hint(key, list(_CameraRow.model_fields))}"
    return text


def _filled(value: object, where: str) -> object:
    """Return a value with the environment variables that it names."""
    if not isinstance(value, str):
        return value

    def variable(found: re.Match) -> str:
        if found[1] not in os.environ:
            raise UsageError(f"{where}: the environment variable {found[1]} is not set")
        return os.environ[found[1]]

    return _VARIABLE.sub(variable, value)


def _holds_secret(row: object) -> bool:
    """Return whether a row of the file itself holds a secret; a variable's name is none."""
    if not isinstance(row, dict):
        row = {"address": row}
    password = _VARIABLE.sub("", str(row.get("password", "")))
    address = _VARIABLE.sub("", str(row.get("address", "")))
    return bool(password) or "@" in address or "?" in address


def _ask_for_mode_600(path: Path) -> None:
    if os.name == "posix" and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        _LOG.warning(f"note: {path}: others may read its passwords: chmod 600 {path}")
