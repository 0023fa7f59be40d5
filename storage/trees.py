"""Folders of a mirror that a command works on.

They are copied down when the command begins; what it changed goes up when it ends.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from storage import copies, remote
from storage.mirror import url_of
from storage.remote import Entry
from video.console import logger
from video.errors import LookbackError

_LOG = logger(__name__)

_UNFINISHED = ("part.", "writing-", ".")  # names of files that are being written, or are hidden
_LAST = ("model.yaml", "index.json", "manifest.csv")  # go up after what they describe


@dataclass(eq=False)
class Tree:
    """A folder of a mirror, or one file, whose path relative to itself is empty.

    Attributes:
        path: The folder.
        listing: What the storage has, by the path relative to the folder.
        is_stub: Function that tells of a path relative to the folder whether only an empty file
            stands for it until it is read.
        is_left: Function that tells of such a path whether it is no part of this tree.
        may_remove: Function that tells of such a path whether a file that was removed here is
            removed on the storage.
        may_vanish: Whether a command may remove the whole folder.
        given_up: Such paths that do not go up.
    """

    path: Path
    listing: dict[str, Entry] = field(default_factory=dict)
    is_stub: Callable[[str], bool] = lambda name: False
    is_left: Callable[[str], bool] = lambda name: False
    may_remove: Callable[[str], bool] = lambda name: True
    may_vanish: bool = False
    given_up: set[str] = field(default_factory=set)

    def copy_down(self) -> None:
        """Make the folder what the storage has; files that are not there any more are removed."""
        there = set(_files(self.path))
        for name in there:
            if name not in self.listing and not self.is_left(name):
                (self.path / name).unlink()
        copies.fetch_all(
            {
                self.path / name: entry
                for name, entry in self.listing.items()
                if not self.is_stub(name)
            }
        )
        self._make_stubs(there)

    def _make_stubs(self, there: set[str]) -> None:
        """Let an empty file stand for each clip, also for one that has changed since."""
        folders: set[str] = set()
        for name, entry in self.listing.items():
            if not self.is_stub(name):
                continue
            path = os.path.join(self.path, name)
            if name in there:
                if os.path.getsize(path) and not copies.is_copy(Path(path), entry):
                    os.truncate(path, 0)
                continue
            folder = os.path.dirname(path)
            if folder not in folders:
                folders.add(folder)
                os.makedirs(folder, exist_ok=True)
            with open(path, "wb"):
                pass

    def copy_up(self) -> None:
        """Write what changed here to the storage, and remove there what was removed here.

        Raises:
            LookbackError: The storage cannot be written; the message says where the files are.
        """
        changed, there = [], set()
        for name in _files(self.path):
            entry, path = self.listing.get(name), self.path / name
            there.add(name)
            if self.is_left(name) or name in self.given_up:
                continue
            if entry and copies.is_copy(path, entry):
                continue
            if not (entry and self.is_stub(name) and not path.stat().st_size):
                changed.append(name)
        # An emptied mirror is no reason to remove what it was a copy of.
        gone = [name for name in self.listing if name not in there and self.may_remove(name)]
        gone = gone if there or self.may_vanish else []
        try:
            for name in sorted(changed, key=lambda each: each.rpartition("/")[2] in _LAST):
                if (entry := copies.send(self.path / name)) is not None:
                    self.listing[name] = entry
            for name in gone:
                remote.remove(str(url_of(self.path / name)))
                del self.listing[name]
        except LookbackError as error:
            if not changed:
                raise
            raise LookbackError(
                f"{error}; until the next run, the files are in {self.path}"
            ) from None


_open: dict[Path, Tree] = {}
_due: dict[Path, float] = {}  # when a file that only saves time is to be written again


def open_tree(
    path: Path,
    listing: Mapping[str, Entry],
    is_stub: Callable[[str], bool] = lambda name: False,
    is_left: Callable[[str], bool] = lambda name: False,
    may_remove: Callable[[str], bool] = lambda name: True,
    may_vanish: bool = False,
) -> Path:
    """Copy a folder down; what changes in it goes up with `copy_up`.

    Args:
        path: The folder in the mirror; or one file.
        listing: What the storage has, by the path relative to the folder.
        is_stub, is_left, may_remove, may_vanish: See `Tree`.

    Returns:
        The folder.

    Raises:
        LookbackError: The storage cannot be read.
    """
    kept = {name: entry for name, entry in listing.items() if not is_left(name)}
    tree = Tree(path, kept, is_stub, is_left, may_remove, may_vanish)
    tree.copy_down()
    _open[path] = tree
    return path


def is_open(path: Path) -> bool:
    """Return whether there is an open tree at a path."""
    return path in _open


def tree_of(path: Path) -> tuple[Tree, str] | None:
    """Return the open tree of a path, and the path relative to it; None if there is none."""
    if not _open:
        return None
    absolute, found = os.path.abspath(path), None
    for folder, tree in _open.items():
        start = str(folder)
        if not absolute.startswith(start) or (found and len(start) < len(str(found[0].path))):
            continue
        rest = absolute[len(start) :]
        if rest and rest[0] != os.sep:
            continue
        name = rest[1:].replace(os.sep, "/")
        if not tree.is_left(name):
            found = tree, name
    return found


def note(path: Path, entry: Entry) -> None:
    """Note what the storage has at a path of an open tree."""
    found = tree_of(path)
    if found:
        found[0].listing[found[1]] = entry


def copy_up(path: Path | None = None) -> None:
    """Write what changed to the storage.

    Args:
        path: The folder of an open tree, or a path in it; None for all open trees.

    Raises:
        LookbackError: The storage cannot be written.
    """
    found = tree_of(path) if path else None
    for tree in [found[0]] if found else [] if path else list(_open.values()):
        tree.copy_up()


def copy_up_if_possible(path: Path | None = None) -> None:
    """Write what changed to the storage as far as it can be reached; `copy_up` writes the rest.

    Args:
        path: As for `copy_up`.
    """
    try:
        copy_up(path)
    except LookbackError as error:
        _LOG.warning(f"note: {error}")


def copy_up_cache(path: Path) -> None:
    """Write a file that only saves time to the storage; where it cannot be written, it stays.

    A file that takes long is written less often; `copy_up` writes the rest.
    """
    found = tree_of(path)
    if not found or found[1] in found[0].given_up or not path.is_file():
        return
    tree, name = found
    started = time.monotonic()
    if started < _due.get(path, 0.0):
        return
    try:
        entry = copies.send(path)
    except LookbackError as error:
        tree.given_up.add(name)
        _LOG.info(f"note: {error}; {name} saves time only, so the command goes on")
    else:
        if entry:
            tree.listing[name] = entry
        now = time.monotonic()
        _due[path] = now + 20 * (now - started)


def leave(path: Path) -> None:
    """Let the changes of the open tree at a path stay here."""
    _open.pop(path, None)


def close() -> None:
    """Forget all trees; the mirrors stay."""
    _open.clear()


def _files(folder: Path) -> Iterator[str]:
    """Yield the finished files below a folder, by their path relative to it."""
    if folder.is_file():
        yield ""
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name[0] != "."]
        base = Path(place).relative_to(folder)
        yield from ((base / name).as_posix() for name in names if not name.startswith(_UNFINISHED))
