"""What the folders of a command hold, and so which of their files are copied down."""

import fnmatch
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from storage import copies, remote, trees
from storage.mirror import is_url, local_path, url_of
from storage.remote import MissingError

# Small files beside the clips, such as the manifest and lists.
_TEXTS = frozenset((".csv", ".json", ".txt", ".tsv", ".yaml", ".yml"))
_NAMED_FOLDERS = ("clips", "augmented", "probed")  # of which only the names are needed at first
_SHARD_HASHES = "hashes.*-of-*.json"


def data_folder(url: str, others: Sequence[str] = ()) -> Path:
    """Open a data folder: texts are copied down, an empty file stands for each clip.

    Features are left to `features`.

    Args:
        url: Its address.
        others: Addresses of folders and files that are opened for themselves.

    Returns:
        The folder in the mirror.

    Raises:
        LookbackError: The storage cannot be read.
    """
    path, start = local_path(url), f"{url.rstrip('/')}/"
    if trees.tree_of(path):  # a part of a folder that is open
        return path
    inner = [each.removeprefix(start).strip("/") for each in others if each.startswith(start)]

    def is_left(name: str) -> bool:
        return name.startswith(("features", *(f"{each}/" for each in inner))) or any(
            name == each or name.startswith(f"{each}.parts/") for each in inner
        )

    return trees.open_tree(path, remote.find(url), _is_stub, is_left, _is_made)


def _is_made(name: str) -> bool:
    """Return whether a file is one that a command makes, and may remove."""
    return name.startswith(("augmented/", "probed/")) or fnmatch.fnmatchcase(name, _SHARD_HASHES)


def _is_stub(name: str) -> bool:
    place = PurePosixPath(name)
    if place.parts[0] in _NAMED_FOLDERS or fnmatch.fnmatchcase(name, _SHARD_HASHES):
        return True
    return place.suffix.lower() not in _TEXTS


def model_folder(url: str) -> Path:
    """Open a model folder: all files are copied down."""
    path = local_path(url)
    return path if trees.is_open(path) else trees.open_tree(path, remote.find(url))


def out_folder(text: str) -> Path:
    """Return the folder for results that a flag names; that of an address goes up at the end."""
    if not is_url(text):
        return Path(text)
    path = local_path(text)
    return path if trees.is_open(path) else trees.open_tree(path, {})


def file_or_folder(url: str) -> Path:
    """Copy a file down, or a folder of texts such as lists; what changes stays here.

    Raises:
        LookbackError: There is no such file or folder.
    """
    path, found = local_path(url), remote.find(url)
    if not found:
        raise MissingError(f"{url}: there is no such file or folder")
    if not trees.tree_of(path):
        copies.fetch_all({path / name: entry for name, entry in found.items()})
    return path


def features(path: Path) -> None:
    """Copy a feature store down, if its path is in a mirror; what changes goes up at the end.

    Args:
        path: A folder of parts, or one file with the parts of an unfinished extraction beside it.
    """
    for place in (path, path.with_name(f"{path.name}.parts")):
        url = url_of(place)
        if url and not trees.is_open(place) and (place == path or path.suffix in (".h5", ".hdf5")):
            trees.open_tree(place, remote.find(url), may_vanish=place != path)
