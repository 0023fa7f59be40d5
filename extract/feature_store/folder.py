"""The folder of a feature store: names of parts, `index.json`, and features of earlier settings.

`data/features/` holds `part-*.h5` and `index.json`, which lists them for other programs. A store
may also be one file, `FILE.h5`, for sharing: it is a single part, and `FILE.h5.parts/` beside it
has the newer parts of an extraction that has not ended. Of several parts with a video, the last by
name counts.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from extract.feature_store.part import Part, VideoRows, write_part
from extract.feature_store.spec import EXTERNAL, FORMAT, VERSION, differences
from recipes.commands import command
from storage.mirror import url_of
from storage.parts import commit as commit_file
from video.atomic_write import atomic_write
from video.console import logger
from video.errors import LookbackError

_LOG = logger(__name__)

INDEX = "index.json"
PARTS, WRITING = "part-*.h5", "writing-*.h5"  # files that are complete, and others


def is_file(path: Path) -> bool:
    """Return whether a store is one file, by its name.

    >>> is_file(Path("data/features")), is_file(Path("shared.h5"))
    (False, True)
    """
    return path.suffix in (".h5", ".hdf5")


def parts_folder(path: Path) -> Path:
    """Return the folder in which the parts of a store are written."""
    return path.with_name(path.name + ".parts") if is_file(path) else path


def part_paths(path: Path) -> list[Path]:
    """Return the files of a store, oldest first."""
    whole = [path] if is_file(path) and path.is_file() else []
    return [*whole, *sorted(parts_folder(path).glob(PARTS))]


def read_parts(path: Path) -> list[Part]:
    """Open the parts of a store, oldest first.

    Raises:
        LookbackError: A part is damaged.
    """
    while True:
        paths = part_paths(path)
        try:
            return [Part(each) for each in paths]
        except LookbackError:
            if part_paths(path) == paths:  # otherwise another program has joined some
                raise


def add_part(
    path: Path, spec: dict, videos: list[VideoRows], marks: Mapping[str, str] | None = None
) -> Path:
    """Write videos as the newest part of a store, clear the list, and return the part's path.

    Raises:
        OSError: The disk is full or failed.
    """
    parts_folder(path).mkdir(parents=True, exist_ok=True)
    temporary = parts_folder(path) / WRITING.replace("*", secrets.token_hex(8))
    try:
        write_part(temporary, spec, videos, marks)
        videos.clear()
        return commit(temporary, path, (marks or {}).get("shard", ""))
    finally:
        temporary.unlink(missing_ok=True)


def commit(file: Path, path: Path, shard: str = "") -> Path:
    """Make a whole file the newest part of a store, and return its new path.

    The name has a number, which orders the parts, and the start of the file's SHA-256. On S3 and
    other storage, a shard's part has the shard instead, so that two attempts of a task meet at one
    name. The first counts: its part is returned.
    """
    whose = part_sha256(file)[:16]
    there = [each.stem.split("-") for each in parts_folder(path).glob(PARTS)]
    if shard and url_of(path):
        whose = f"shard-{shard.replace('/', '-of-')}"
        there = [each for each in there if each[2] != "shard" or "-".join(each[2:]) == whose]
    number = max((int(each[1]) for each in there if each[1].isdecimal()), default=0) + 1
    return commit_file(file, parts_folder(path) / f"part-{number:06d}-{whose}.h5")


def write_index(path: Path, parts: list[Part], manifest_sha256: str) -> None:
    """Write `index.json`: the spec, the hash of the manifest, and size and hash of every part."""
    known = {}
    with suppress(OSError, ValueError, KeyError, TypeError):  # damaged: made anew
        before = json.loads((path / INDEX).read_text(encoding="utf-8"))["parts"]
        known = {(each["name"], each["bytes"]): each["sha256"] for each in before}
    listed = []
    for each in parts:
        name, size = each.path.name, each.path.stat().st_size
        found = {"name": name, "videos": len(each.videos), "rows": int(each.first[-1])}
        sha256 = known.get((name, size)) or part_sha256(each.path)
        listed.append({**found, "bytes": size, "sha256": sha256})
    content = {"format": FORMAT, "version": VERSION, "spec": parts[0].spec}
    content |= {"manifest_sha256": manifest_sha256, "parts": listed}
    with atomic_write(path / INDEX) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def refuse_others(path: Path, spec: dict, manifest_sha256: str) -> None:
    """Refuse parts that do not belong to the shards of this spec and this manifest.

    Raises:
        LookbackError: There is a part of another spec, or of shards of another manifest.
    """
    for part in read_parts(path):
        refuse_other(part, spec, manifest_sha256)


def refuse_other(part: Part, spec: dict, manifest_sha256: str) -> None:
    """Refuse one part, as `refuse_others` does."""
    if part.spec != spec:
        raise LookbackError(
            f"{part.path}: has {differences(part.spec, spec)}; all shards need the same model "
            "folder and flags. Move the part away, or name another folder with --features"
        )
    if part.shard and part.manifest_sha256 != manifest_sha256:
        raise LookbackError(
            f"{part.path}: was written by shard {part.shard} of another manifest; all shards need "
            f"the same one. {command('extract')} without --shard completes the features of a "
            "changed manifest"
        )


def set_aside_other_spec(path: Path, spec: dict) -> None:
    """Move parts of other specs to `<stem>.previous`, and those of this spec back.

    Raises:
        LookbackError: The features are those of another program.
        OSError: A part cannot be moved.
    """
    previous = path.with_name(f"{path.stem}.previous")
    others = {each: there for each in part_paths(path) if (there := _spec_of(each)) != spec}
    back = [each for each in part_paths(previous) if _spec_of(each) == spec]
    for part, there in others.items():
        if there.get("backbone") == EXTERNAL:
            raise LookbackError(
                f"{path}: holds features of another program, which are not replaced; use another "
                "--features, or move this one away"
            )
        previous.mkdir(exist_ok=True)
        commit(part, previous)
    for part in back:
        commit(part, path)
    if others:
        _LOG.warning(
            f"note: {path}: had {differences(there, spec)}; they are now in {previous}, which may "
            "be deleted"
        )
    if back:
        _LOG.warning(f"note: {path}: restored from {previous}")


def part_sha256(file: Path) -> str:
    """Return the SHA-256 of a part, as index.json states it."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _spec_of(part: Path) -> dict:
    """Return the spec of a part; {} if it is unreadable."""
    try:
        return Part(part).spec
    except LookbackError:
        return {}
