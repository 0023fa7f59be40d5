"""Listing of all files below a folder; links are followed, and every folder is read once."""

import os
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Walk:
    """The result of a walk.

    Attributes:
        root: The folder where the walk starts.
        files: All paths that are not folders, in alphabetical order.
        top: The folders directly below the root that were walked, links included.
        repeated: Links that were not followed because their target is a parent folder or was
            already walked, each with its target.
        unreachable: Links without a target and folders that cannot be read, each with the reason.
    """

    root: Path
    files: list[Path] = field(default_factory=list)
    top: list[Path] = field(default_factory=list)
    repeated: list[tuple[Path, Path]] = field(default_factory=list)
    unreachable: list[tuple[Path, str]] = field(default_factory=list)


def walk(root: Path) -> Walk:
    """Return the files below `root`, without hidden ones, whose names begin with a dot.

    Real folders below `root` are walked before links are followed, so that a file belongs to its
    own folder and not to a link to it.
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
    """Add a folder and its contents to `found`; return its links to folders, for a later walk."""
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
        found.unreachable.append((path, "the target of the link does not exist"))
    else:
        found.files.append(path)


def _children(folder: Path, found: Walk) -> list[Path]:
    try:
        names = os.listdir(folder)
    except OSError as error:
        found.unreachable.append((folder, error.strerror or str(error)))
        return []
    return [folder / name for name in names if not name.startswith(".")]
