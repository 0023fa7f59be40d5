"""Names of classes and of recorded files that every file system accepts."""

import re
import unicodedata

from clips.splitting.given_splits import split_of_folder
from video.errors import LookbackError

MAX_NAME = 60  # characters; in UTF-8 they still fit into the 255 bytes of a file name
_FORBIDDEN = '<>:"/\\|?*'
# Control characters, invisible ones, halves of surrogate pairs, ends of lines and paragraphs.
_INVISIBLE = ("Cc", "Cf", "Cs", "Zl", "Zp")
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|$)", re.IGNORECASE)


def class_name(typed: str) -> str:
    """Return the name of a class as its folder is called: without blanks at its ends, NFC.

    Raises:
        LookbackError: Some file system does not accept it, or it is the name of a split.

    >>> class_name("  Rückhand ")
    'Rückhand'
    """
    name = unicodedata.normalize("NFC", typed).strip()
    if reason := _fault(name):
        shown = "".join(each if each.isprintable() else "?" for each in name[:MAX_NAME])
        raise LookbackError(f"class {shown!r}: {reason}; choose another name")
    return name


def _fault(name: str) -> str:
    faults = {
        "the name is empty": not name,
        f"the name is longer than {MAX_NAME} characters": len(name) > MAX_NAME,
        f"{_FORBIDDEN} cannot be in the name of a folder on every system": any(
            each in _FORBIDDEN for each in name
        ),
        "the name has a character that cannot be seen": any(
            unicodedata.category(each) in _INVISIBLE for each in name
        ),
        "the name begins or ends with a period": name.startswith(".") or name.endswith("."),
        "Windows reserves this name": bool(_RESERVED.match(name)),
        "folders of this name are splits (train, val, test)": bool(split_of_folder(name)),
    }
    return next((reason for reason, found in faults.items() if found), "")


def file_part(text: str) -> str:
    """Return a text as a part of a file's name: letters, digits and hyphens, up to 40 characters.

    >>> file_part("Front door / 2")
    'Front-door-2'
    """
    kept = "".join(each if each.isalnum() else "-" for each in unicodedata.normalize("NFC", text))
    return re.sub("-+", "-", kept).strip("-")[:40].rstrip("-") or "camera"
