"""A feature store on S3 or other storage: what an extraction copies down before it begins."""

import json
from dataclasses import dataclass
from pathlib import Path

import h5py

from extract.feature_store.folder import INDEX, is_file, part_sha256, parts_folder, refuse_other
from extract.feature_store.spec import read_spec
from recipes.commands import command
from storage import remote, roles, trees
from storage.mirror import url_of
from video.errors import LookbackError, UsageError


def fetch_store(path: Path, spec: dict, manifest_sha256: str, shard: str = "") -> None:
    """Copy down the parts that an extraction needs, if the store's path is in a mirror.

    That are all parts. A shard needs its own and those of no shard, and looks into one of another
    shard only to see whether it belongs to it.

    Args:
        path: The store.
        spec: Spec of the features that are to be extracted.
        manifest_sha256: Hash of the manifest.
        shard: Shard to compute, such as 3/250; empty for all videos.

    Raises:
        LookbackError: The storage cannot be read, a part is damaged, or one of another shard has
            another spec or manifest.
    """
    url = url_of(path)
    if url is None:
        return
    if not shard:
        fetch_features(path)
        previous = path.with_name(f"{path.stem}.previous")
        parts = remote.find(f"{url_of(previous)}") if not trees.is_open(previous) else {}
        first = next((name for name in parts if name.startswith("part-")), None)
        back = first and _header(previous / first).spec == spec
        trees.open_tree(previous, parts if back else {})
        return
    if is_file(path):
        raise UsageError(f"--shard: {url} is one file; name a folder with --features")
    ending = f"-shard-{shard.replace('/', '-of-')}.h5"
    listing = remote.find(url)
    others = [name for name in listing if "-shard-" in name and not name.endswith(ending)]
    mine = {name: entry for name, entry in listing.items() if name not in others}
    if others:
        refuse_other(_header(path / others[0]), spec, manifest_sha256)
    trees.open_tree(path, mine)


@dataclass
class _Header:
    """What a part tells about itself, see `Part`."""

    path: Path
    spec: dict
    shard: str
    manifest_sha256: str


def _header(path: Path) -> _Header:
    """Return the attributes of a part of a mirror; only they are read."""
    url = str(url_of(path))
    with remote.opened(url) as content, h5py.File(content, "r") as file:
        marks = [str(file.attrs.get(name, "")) for name in ("shard", "manifest_sha256")]
        return _Header(path, read_spec(path, file), *marks)


def fetch_features(path: Path) -> None:
    """Copy a feature store down, if its path is in a mirror, and check new parts.

    Raises:
        LookbackError: The storage cannot be read, or a part is damaged.
    """
    folder = parts_folder(path)
    if url_of(path) is None or trees.is_open(path):
        return
    before = {each.name: each.stat().st_mtime for each in folder.glob("part-*.h5")}
    roles.features(path)
    try:
        listed = json.loads((path / INDEX).read_text(encoding="utf-8"))["parts"]
        stated = {each["name"]: each["sha256"] for each in listed}
    except (OSError, ValueError, KeyError, TypeError):  # there is none before the end
        return
    for name, sha256 in stated.items():
        file = path / name
        is_new = file.is_file() and before.get(name) != file.stat().st_mtime
        if is_new and part_sha256(file) != sha256:
            raise LookbackError(
                f"{file}: its SHA-256 differs from that in {INDEX}; remove it and run "
                + command("extract")
            )
