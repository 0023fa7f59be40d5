"""Which files are there: data/clips/<class>/**, or data/clips/<split>/<class>/**."""

import os
import re
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from clips.finding.file_kinds import AUDIO, CLIP, COMPANION, IMAGE, PLAYLIST, kind_of
from clips.finding.walking import Walk, walk
from clips.splitting.given_splits import GivenSplit, LayoutError, given_split, split_folders
from video.errors import LookbackError

_LISTED = 5


@dataclass(frozen=True)
class Found:
    """The clips below a folder.

    Attributes:
        clips: (path relative to the folder, class) of every clip, in alphabetical order.
        given: The split that the folders give.
        notes: Lines for the user about what is not taken.
        unreachable: Class folders that cannot be entered, each with the reason.
    """

    clips: list[tuple[str, str]]
    given: GivenSplit
    notes: list[str]
    unreachable: list[tuple[str, str]]

    @property
    def videos(self) -> set[str]:
        return {video for video, _ in self.clips}


def find_clips(folder: Path) -> Found:
    """Return all clips below `folder`/clips/<class>/ or `folder`/clips/<split>/<class>/.

    Raises:
        LayoutError: there is no clips folder, nothing in it, or a clip lies in no class folder.
        LookbackError: a name cannot be used.
    """
    root = folder / "clips"
    layout = f"put clips into {root / '<class>'}/, one folder a class"
    if os.path.islink(root) and not root.exists():
        raise LayoutError(f"{root}: the link leads nowhere; is a disk not mounted?")
    if not root.is_dir():
        raise LayoutError(f"{root}: there is no such folder; {layout}")
    walked = walk(root)
    paths = [path for path in walked.files if os.path.isfile(path)]
    clips = [path.relative_to(root) for path in paths if kind_of(path) == CLIP]
    for clip in clips:
        check_name(root, clip)
        if len(clip.parts) < 2:
            raise LayoutError(f"{root / clip}: lies in no class folder; {layout}")
    notes = [*_skipped(root, paths, clips), *_not_followed(folder, walked)]
    notes += _empty_classes(walked, paths)
    if not clips:
        raise LayoutError(f"{root}: holds no clips; {'; '.join([layout, *notes])}")
    return _found(folder, clips, notes, walked)


def _found(folder: Path, clips: list[Path], notes: list[str], walked: Walk) -> Found:
    names = [PurePosixPath(clip.as_posix()) for clip in clips]
    sides = split_folders(names)
    labelled, split_of = [], {}
    for name in names:
        label = name.parts[1 if name.parts[0] in sides else 0].strip()
        if "|" in label:
            raise LookbackError(
                f"{folder / 'clips' / name}: the class {label!r} has a | in its name, which stands "
                "between several labels; rename the folder"
            )
        labelled.append((f"clips/{name}", label))
        if name.parts[0] in sides:
            split_of[f"clips/{name}"] = name.parts[0]
    unreachable = [
        (path.relative_to(folder).as_posix(), reason)
        for path, reason in walked.unreachable
        if path.parent == folder / "clips"
    ]
    return Found(labelled, given_split(split_of), notes, unreachable)


def check_name(folder: Path, name: Path | str) -> None:
    """Refuse a file whose name cannot be written into a manifest or cannot be opened.

    Raises:
        LookbackError: the name is not UTF-8, or this Python does not read names as UTF-8.
    """
    text = str(name)
    if text.isascii():
        return
    encoding = sys.getfilesystemencoding()
    shown = _printable(folder / text)
    if encoding.lower().replace("-", "") != "utf8":
        raise LookbackError(
            f"{shown}: under this locale Python reads file names as {encoding}, not as UTF-8; set "
            "PYTHONUTF8=1 or LC_ALL=C.UTF-8 and run the command again"
        )
    try:
        text.encode()
    except UnicodeEncodeError:
        raise LookbackError(f"{shown}: the name is not UTF-8; rename the file") from None


def _printable(path: Path) -> str:
    """Return a path as text that every UTF-8 output takes."""
    return path.as_posix().encode(errors="backslashreplace").decode()


def _skipped(root: Path, paths: list[Path], clips: list[Path]) -> list[str]:
    """Return notes about files that are no clips though somebody may take them for some."""
    notes = []
    for kind in (COMPANION, PLAYLIST, AUDIO):
        of_kind = [path for path in paths if kind_of(path) == kind]
        if of_kind:
            suffixes = ", ".join(sorted({path.suffix.lower() for path in of_kind}))
            note = f"{kind} are no clips and are skipped: {len(of_kind)} ({suffixes})"
            if kind == PLAYLIST:
                note += "; the pieces of one video belong into one group (--group-by)"
            notes.append(note)
    pictures = [path.relative_to(root) for path in paths if kind_of(path) == IMAGE]
    if pictures:
        notes.append(_about_pictures(root, pictures, {clip.parts[0] for clip in clips}))
    return notes


def _about_pictures(root: Path, pictures: list[Path], with_clips: set[str]) -> str:
    frames = [path for path in pictures if len(path.parts) > 1 and path.parts[0] not in with_clips]
    if not frames:
        return (
            f"pictures are no clips and are skipped: {len(pictures)} (such as "
            f"clips/{_printable(pictures[0])})"
        )
    counts = Counter(_printable(Path(path.parts[0])) for path in frames)
    folders = ", ".join(
        f"{count} in clips/{name}" for name, count in sorted(counts.items())[:_LISTED]
    )
    return (
        f"pictures are no clips ({folders}): where they are frames, make a video of each folder "
        f"first: {_ffmpeg_command(Path(_printable(root / frames[0])))}"
    )


def _ffmpeg_command(frame: Path) -> str:
    """Return the command that makes a video of the folder in which the first frame lies."""
    numbered = re.fullmatch(r"(.*?)(\d+)", frame.stem)
    if numbered:
        prefix, digits = numbered.groups()
        names = f"{prefix}%0{len(digits)}d{frame.suffix}"
        # Without a number to start from, ffmpeg looks for 0 to 4.
        start = f"-start_number {int(digits)} " if int(digits) > 4 else ""
    else:
        names, start = f"*{frame.suffix}", "-pattern_type glob "
    folder = frame.parent
    in_class_folder = folder.parent.name == "clips"
    video = (
        folder / f"{folder.name}.mp4" if in_class_folder else folder.with_name(f"{folder.name}.mp4")
    )
    return f'ffmpeg -framerate 25 {start}-i "{folder / names}" "{video}"'


def _empty_classes(walked: Walk, paths: list[Path]) -> list[str]:
    """Return a note about folders beside the class folders in which nothing lies at all.

    A disk that is not mounted leaves such a folder.
    """
    empty = [path for path in walked.top if not any(path in each.parents for each in paths)]
    names = ", ".join(f"clips/{_printable(Path(path.name))}" for path in empty[:_LISTED])
    more = f" and {len(empty) - _LISTED} more" if len(empty) > _LISTED else ""
    return [f"{names}{more}: no files in it; is a disk not mounted?"] if empty else []


def _not_followed(folder: Path, walked: Walk) -> list[str]:
    def shown(path: Path) -> str:
        return _printable(path.relative_to(folder))

    notes = [
        f"{shown(link)} is skipped: it leads to {_printable(target)}, above or read already"
        for link, target in walked.repeated
    ]
    lost = walked.unreachable
    if lost:
        more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
        notes.append(
            f"{shown(lost[0][0])}{more}: cannot be read ({lost[0][1]}); is a disk not mounted?"
        )
    return notes
