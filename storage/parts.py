"""Parts of a feature store that lies elsewhere: each goes up whole, and its name only once."""

from pathlib import Path

from storage import remote, trees
from storage.copies import fetch, mark
from storage.mirror import url_of


def commit(file: Path, target: Path) -> Path:
    """Rename a whole file to `target`, and return its new path.

    In a mirror, the file goes up first. If the storage has a file of this name already, which
    another attempt of the same task wrote, that one is copied down instead of `file`.

    Raises:
        OSError: The file cannot be renamed.
        LookbackError: The storage cannot be read or written.
    """
    url = url_of(target)
    if url is None:
        return file.replace(target)
    mine = remote.put(file, url, new=True)
    entry = remote.entry_of(url)
    if mine:
        file.replace(target)
        mark(target, entry)
    else:
        fetch(target, entry)
        file.unlink()
    trees.note(target, entry)
    return target
