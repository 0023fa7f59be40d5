"""Settings of the MQTT broker: the file of `live.messages.mqtt`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from live.messages.secrets_file import read_secrets_file, with_environment
from video.errors import UsageError, hint

EXAMPLE = "host: 192.168.1.10"


@dataclass(frozen=True)
class MqttSettings:
    """A broker and the names of topics.

    Attributes:
        host: Name or address of the broker.
        port: TCP port.
        user: User name; empty for none.
        password: Password.
        tls: Whether the connection is encrypted, with the system's certificates.
        certificate: File of the certificate authority, for a broker with its own; None for the
            system's.
        prefix: First level of all topics.
        discovery: First level of Home Assistant's discovery topics.
    """

    host: str
    port: int = 1883
    user: str = ""
    password: str = field(default="", repr=False)
    tls: bool = False
    certificate: str | None = None
    prefix: str = "lookback"
    discovery: str = "homeassistant"


_KINDS: dict[str, tuple[type, str]] = {
    "host": (str, "a name or address"),
    "port": (int, "a number from 1 to 65535"),
    "user": (str, "a text"),
    "password": (str, "a text; write it in quotes"),
    "tls": (bool, "true or false"),
    "certificate": (str, "a file"),
    "prefix": (str, "a text without '#', '+' and '/' at its ends"),
    "discovery": (str, "a text without '#', '+' and '/' at its ends"),
}


def load_mqtt_settings(path: Path, environment: Mapping[str, str] | None = None) -> MqttSettings:
    """Return the settings of a file.

    Args:
        path: YAML file with the attributes of `MqttSettings`; `${NAME}` stands for a variable of
            the environment.
        environment: The variables; None for those of the process.

    Raises:
        UsageError: The file or a key is not valid. The message repeats no value.
    """
    content = read_secrets_file(path, EXAMPLE)
    values: dict[str, Any] = {}
    for key, value in content.items():
        if key not in _KINDS:
            raise UsageError(f"{path}: there is no key {key}; {hint(str(key), list(_KINDS))}")
        given = value
        if isinstance(given, str):
            given = with_environment(given, f"{path}: {key}", environment)
        kind, wanted = _KINDS[key]
        if type(given) is not kind or not _valid(key, given):
            raise UsageError(f"{path}: {key} should be {wanted}")
        values[key] = given
    if "host" not in values:
        raise UsageError(f"{path}: host is missing; the file holds lines such as '{EXAMPLE}'")
    if values.get("certificate") is not None and not Path(values["certificate"]).is_file():
        raise UsageError(f"{path}: certificate: there is no such file")
    if values.get("password") and not values.get("user"):
        raise UsageError(f"{path}: user is missing beside password")
    return MqttSettings(**values)


def _valid(key: str, value: Any) -> bool:
    if key == "port":
        return bool(0 < value < 65536)
    if key in ("prefix", "discovery"):
        return bool(value) and not set(value) & set("#+ ") and value == value.strip("/")
    return key not in ("host", "certificate") or bool(value.strip())
