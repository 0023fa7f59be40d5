"""What a file's header says: codec, bit rate, sound, when and with what it was recorded."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from av.container import InputContainer

from video.image_folder import image_folder
from video.libav import address_of, fault_of, open_input
from video.staging import size_of

# Tags of a container or a stream that name the device. Programs that encode name themselves in
# others (encoder, major_brand), which tell nothing about a camera.
_DEVICE_TAGS = (
    "com.apple.quicktime.make",
    "com.apple.quicktime.model",
    "com.android.manufacturer",
    "com.android.model",
    "make",
    "model",
    "camera_serial_number",
    "device",
    "author-device",
    "firmware",
)
# Cameras that name themselves as the handler of the stream; the handlers of programs tell nothing.
_CAMERA_HANDLER = re.compile(r"gopro|dji|ambarella|insta360|garmin", re.IGNORECASE)
_DATE_TAGS = ("com.apple.quicktime.creationdate", "creation_time", "date")


@dataclass(frozen=True)
class Media:
    """Properties of a file that are not in its pixels.

    Attributes:
        codec: Name of the video codec; "" if unknown.
        rate: Mean frames per second by the header; 0 if unknown.
        bytes: Size of the file.
        sound: Whether the file has a sound track.
        recorded: When it was recorded, in UTC; None if the file does not say.
        device: Camera or phone, by the file's tags; "" if the file does not say.
    """

    codec: str = ""
    rate: float = 0.0
    bytes: int = 0
    sound: bool = False
    recorded: datetime | None = None
    device: str = ""


def media_of(path: Path, opened: InputContainer | None = None) -> Media:
    """Return the properties of a file; those that cannot be read have their defaults.

    Args:
        path: The file, or a folder of images.
        opened: The file, if it is open; None to open it.
    """
    images = image_folder(path)
    if images:
        return Media(rate=images.rate, bytes=images.size())
    size = size_of(path) if path.is_file() else 0
    if not size:
        return Media()
    try:
        if opened:
            return _media_in(opened, size)
        with open_input(address_of(path)) as container:
            return _media_in(container, size)
    except Exception as error:  # the check of the pixels decides whether the file can be used
        fault_of(str(path), error)
        return Media(bytes=size)


def _media_in(container: InputContainer, size: int) -> Media:
    streams = container.streams.video
    if not streams:
        return Media(bytes=size)
    tags = _lower({**streams[0].metadata, **container.metadata})
    return Media(
        codec=streams[0].codec_context.name or "",
        rate=float(streams[0].average_rate or 0),
        bytes=size,
        sound=bool(container.streams.audio),
        recorded=recorded_at(tags),
        device=device_of(tags),
    )


def device_of(tags: dict[str, str]) -> str:
    """Return the name of the camera or phone; "" if the tags have none.

    >>> device_of({"make": "Apple", "model": "iPhone 15", "encoder": "Lavf60"})
    'Apple iPhone 15'
    """
    handler = tags.get("handler_name", "")
    names = [tags.get(name, "") for name in _DEVICE_TAGS]
    names += [handler] if _CAMERA_HANDLER.search(handler) else []
    return " ".join(dict.fromkeys(filter(None, names)))


def _lower(tags: dict[str, Any]) -> dict[str, str]:
    return {str(name).strip().lower(): str(value).strip() for name, value in tags.items()}


def recorded_at(tags: dict[str, str]) -> datetime | None:
    """Return the time of recording in UTC; None if the tags have none, or a placeholder.

    >>> recorded_at({"creation_time": "2024-05-01T12:30:00.000000Z"})
    datetime.datetime(2024, 5, 1, 12, 30, tzinfo=datetime.timezone.utc)
    >>> recorded_at({"creation_time": "1904-01-01T00:00:00Z", "date": "2019"})
    """
    for name in _DATE_TAGS:
        text = tags.get(name, "")
        if len(text) < len("2024-05-01T12:30"):  # a year or a day tells no session
            continue
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            continue
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        if moment.year > 1980:  # clocks that were never set: 1904, 1970, 1980
            return moment.astimezone(UTC)
    return None
