"""Names of columns in foreign lists, and the values in them."""

import math
import re
from collections.abc import Mapping, Sequence

from clips.splitting.given_splits import split_of_folder
from video.errors import LookbackError

_NAMES = {
    "video": (
        "video path file filename file_name filepath file_path video_path video_file video_name "
        "clip clip_path clip_name clip_id video_id videoid youtube_id name id"
    ),
    "label": "label class category action class_name label_name action_name activity event tag",
    "split": "split subset partition set",
    "group": "group group_id",
    "start": "start start_time time_start t_start start_seconds start_sec begin from",
    "end": "end end_time time_end t_end end_seconds end_sec stop to",
}
_CLOCK = re.compile(r"(?:(\d+):)?(\d+):(\d+(?:[.,]\d+)?)")
_OTHER_SPLITS = {"dev": "val", "eval": "test", "evaluation": "test"}


def known_columns(header: Sequence[str]) -> dict[str, str]:
    """Return the manifest's column of each name of a header that stands for one.

    Of several names for one column, the first in the order of the table counts.

    >>> sorted(known_columns(["YouTube ID", "label", "id", "time_start", "camera"]).items())
    [('YouTube ID', 'video'), ('label', 'label'), ('time_start', 'start')]
    """
    folded = {re.sub(r"[\s-]+", "_", name.strip().casefold()): name for name in header}
    found = {}
    for column, names in _NAMES.items():
        name = next((folded[each] for each in names.split() if each in folded), None)
        if name is not None:
            found[name] = column
    return {name: found[name] for name in header if name in found}


def is_header(cells: Sequence[str]) -> bool:
    """Return whether the first line of a table names its columns."""
    return {"video", "label"} <= set(known_columns(cells).values())


def seconds(where: str, name: str, text: str) -> float | None:
    """Return a time in seconds, None for an empty text.

    Args:
        where: The place in the list, for messages.
        name: The column.
        text: Seconds, with a point or a comma, or minutes and seconds with a colon.

    >>> seconds("", "start", "2,5"), seconds("", "end", "1:02:03.5"), seconds("", "end", " ")
    (2.5, 3723.5, None)
    """
    text = text.strip()
    if not text:
        return None
    clock = _CLOCK.fullmatch(text)
    try:
        if clock:
            hours, minutes, rest = clock.groups()
            value = 3600 * int(hours or 0) + 60 * int(minutes) + float(rest.replace(",", "."))
        else:
            value = float(text.replace(",", ".", 1))
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise LookbackError(
            f"{where}: {name} is {text!r}; write seconds, such as 2.5, or minutes:seconds"
        )
    return value


def split_named(where: str, text: str) -> str:
    """Return the split that a value of a list means, "" for an empty one.

    Raises:
        LookbackError: It is no name of a split.
    """
    name = text.strip()
    split = split_of_folder(name) or _OTHER_SPLITS.get(name.casefold(), "")
    if name and not split:
        raise LookbackError(f"{where}: split is {name!r}; write train, val or test")
    return split


def is_number(text: str) -> bool:
    """Return whether a cell is a number or a time.

    >>> is_number("1,5"), is_number("0:12"), is_number("walk")
    (True, True, False)
    """
    return bool(re.fullmatch(r"\d+([.,]\d+)?", text.strip()) or _CLOCK.fullmatch(text.strip()))


def texts(row: Mapping[str, object]) -> dict[str, str]:
    """Return the values of a row as texts without blanks around them; None becomes empty."""
    return {
        str(name): "" if value is None else str(value).strip()
        for name, value in row.items()
        if name is not None
    }
