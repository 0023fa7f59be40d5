"""Names of stills and recordings."""

import re
import unicodedata
from datetime import datetime, tzinfo

_LONGEST = 40


def file_name(
    camera: str, event_id: int, utc: float, part: int = 1, zone: tzinfo | None = None
) -> str:
    """Return a file's path without its suffix: a folder for each local day, then camera, local time
    and number of the event. The number makes it unique, the time also in a new database.

    >>> from zoneinfo import ZoneInfo
    >>> file_name("Straße/2", 17, 1_800_000_000.0, 2, ZoneInfo("Asia/Tokyo"))
    '2027-01-15/Stra-e-2-170000-17-2'

    Args:
        camera: Name of the camera.
        event_id: Number of the event.
        utc: Time of the first frame, seconds since 1970.
        part: Number of the file within the event, from 1.
        zone: Time zone; None for that of the system.
    """
    plain = unicodedata.normalize("NFKD", camera)
    plain = "".join(each for each in plain if not unicodedata.combining(each))
    slug = re.sub(r"[^A-Za-z0-9]+", "-", plain).strip("-")[:_LONGEST] or "camera"
    time = datetime.fromtimestamp(utc, zone)
    more = "" if part == 1 else f"-{part}"
    return f"{time:%Y-%m-%d}/{slug}-{time:%H%M%S}-{event_id}{more}"
