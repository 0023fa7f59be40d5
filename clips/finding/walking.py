"""All files below a folder, also behind links, each real folder once."""

import os
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Walk:
    """The outcome of a walk.

    Attributes:
        root: The folder that was walked.
        files: Everything in the folders that is no folder, in alphabetical order.
        top: The folders directly below the root that were walked, links included.
        repeated: Links that were not followed, as they lead to a folder above or to one that was
            walked already, each with the folder that it leads to.
        unreachable: Links that lead nowhere and folders that cannot be read, each with the reason.
    """

    root: Path
    files: list[Path] = field(default_factory=list)
    top: list[Path] = field(default_factory=list)
    repeated: list[tuple[Path, Path]] = field(default_factory=list)
    unreachable: list[tuple[Path, str]] = field(default_factory=list)


def walk(root: Path) -> Walk:
    """Return the files below `root`; hidden ones, whose names begin with a dot, are left out.

    Folders that lie below `root` itself are walked before links are followed: a file belongs to the
    folder in which it lies, not to a link that leads there.
    """
    found = Walk(root)
    real_root = Path(os.path.realpath(root))
    entered: set[str] = set()
    waiting = [root]
    while waiting:
        folder = waiting.pop(0)
        real = os.path.realpath(folder)
        if real in entered or (folder != root and real_root.is_relative_to(real)):
            found.repeated.append((folder, Path(real)))
        else:
            waiting += _walk_plain(folder, entered, found)
    found.files.sort()
    found.top.sort()
    return found


def _walk_plain(start: Path, entered: set[str], found: Walk) -> list[Path]:
    """Add a folder and what lies below it to `found`; return its links to folders, which wait."""
    links: list[Path] = []
    waiting = [start]
    while waiting:
        folder = waiting.pop()
        if folder.parent == found.root:
            found.top.append(folder)
        entered.add(os.path.realpath(folder))
        for path in _children(folder, found):
            if not os.path.isdir(path):
                _add_file(path, found)
            elif os.path.islink(path):
                links.append(path)
            elif (real := os.path.realpath(path)) in entered:
                found.repeated.append((path, Path(real)))
            else:
                waiting.append(path)
    return sorted(links)


def _add_file(path: Path, found: Walk) -> None:
    if os.path.islink(path) and not os.path.exists(path):
        found.unreachable.append((path, "the link leads nowhere"))
    else:
        found.files.append(path)


def _children(folder: Path, found: Walk) -> list[Path]:
    try:
        names = os.listdir(folder)
    except OSError as error:
        found.unreachable.append((folder, error.strerror or str(error)))
        return []
    return [folder / name for name in names if not name.startswith(".")]
