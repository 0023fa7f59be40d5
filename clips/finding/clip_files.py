"""Search for clips in data/clips/<class>/** or data/clips/<split>/<class>/**."""

import os
import re
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from clips.finding.file_kinds import AUDIO, CLIP, COMPANION, IMAGE, PLAYLIST, kind_of
from clips.finding.frame_folders import frame_folders, named
from clips.finding.walking import Walk, walk
from clips.splitting.given_splits import GivenSplit, LayoutError, given_split, split_folders
from recipes.commands import command
from video.errors import LookbackError

_LISTED = 5


@dataclass(frozen=True)
class Found:
    """The clips below a folder.

    Attributes:
        clips: (path relative to the folder, class) of every clip, in alphabetical order.
        given: The split that the folders give.
        notes: Lines for the user about skipped files and folders.
        unreachable: Class folders that cannot be read, each with the reason.
    """

    clips: list[tuple[str, str]]
    given: GivenSplit
    notes: list[str]
    unreachable: list[tuple[str, str]]

    @property
    def videos(self) -> set[str]:
        return {video for video, _ in self.clips}


def find_clips(folder: Path, frame_rate: float | None = None) -> Found:
    """Return all clips below `folder`/clips/<class>/ or `folder`/clips/<split>/<class>/.

    Args:
        folder: The data folder.
        frame_rate: Frames per second of folders of frames, which are clips then; None skips them.

    Raises:
        LayoutError: There is no clips folder, it holds no clips, or a clip is in no class folder.
        LookbackError: A file or class name cannot be used.
    """
    root = folder / "clips"
    layout = f"put clips into {root / '<class>'}/, one folder per class"
    if os.path.islink(root) and not root.exists():
        raise LayoutError(f"{root}: the target of the link does not exist; is a disk not mounted?")
    if not root.is_dir():
        raise LayoutError(f"{root}: there is no such folder; {layout}")
    walked = walk(root)
    paths = [path for path in walked.files if os.path.isfile(path)]
    files = [path for path in paths if kind_of(path) == CLIP]
    frames = set(frame_folders(root, paths, files)) if frame_rate else set()
    skipped = [path for path in paths if path.parent not in frames]
    files = sorted([*files, *(named(each, frame_rate or 0.0) for each in frames)])
    clips = [path.relative_to(root) for path in files]
    for clip in clips:
        check_name(root, clip)
        if len(clip.parts) < 2:
            raise LayoutError(f"{root / clip}: is not in a class folder; {layout}")
    notes = [*_skipped(root, skipped, clips), *_not_followed(folder, walked)]
    notes += _empty_classes(walked, paths)
    if not clips:
        raise LayoutError(f"{root}: contains no clips; {'; '.join([layout, *notes])}")
    return _found(folder, clips, notes, walked)


def _found(folder: Path, clips: list[Path], notes: list[str], walked: Walk) -> Found:
    names = [PurePosixPath(clip.as_posix()) for clip in clips]
    splits = split_folders(names)
    labelled, split_of = [], {}
    for name in names:
        label = name.parts[1 if name.parts[0] in splits else 0].strip()
        if "|" in label:
            raise LookbackError(
                f"{folder / 'clips' / name}: the class {label!r} has a | in its name, which "
                "separates several labels; rename the folder"
            )
        labelled.append((f"clips/{name}", label))
        if name.parts[0] in splits:
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
        LookbackError: The name is not UTF-8, or Python does not read file names as UTF-8.
    """
    text = str(name)
    if text.isascii():
        return
    encoding = sys.getfilesystemencoding()
    shown = _printable(folder / text)
    if encoding.lower().replace("-", "") != "utf8":
        raise LookbackError(
            f"{shown}: Python reads file names as {encoding} in this locale, not as UTF-8; set "
            "PYTHONUTF8=1 or LC_ALL=C.UTF-8 and run the command again"
        )
    try:
        text.encode()
    except UnicodeEncodeError:
        raise LookbackError(f"{shown}: the name is not UTF-8; rename the file") from None


def _printable(path: Path) -> str:
    """Return a path as text that can be printed as UTF-8."""
    return path.as_posix().encode(errors="backslashreplace").decode()


def _skipped(root: Path, paths: list[Path], clips: list[Path]) -> list[str]:
    """Return notes about skipped files that a user may take for clips."""
    notes = []
    for kind in (COMPANION, PLAYLIST, AUDIO):
        of_kind = [path for path in paths if kind_of(path) == kind]
        if of_kind:
            suffixes = ", ".join(sorted({path.suffix.lower() for path in of_kind}))
            note = f"{len(of_kind)} {kind} ({suffixes}) are skipped: they are not clips"
            if kind == PLAYLIST:
                note += "; give the segments of one video the same group (--group-by)"
            notes.append(note)
    images = [path.relative_to(root) for path in paths if kind_of(path) == IMAGE]
    if images:
        notes.append(_image_note(root, images, {clip.parts[0] for clip in clips}))
    return notes


def _image_note(root: Path, images: list[Path], with_clips: set[str]) -> str:
    frames = [path for path in images if len(path.parts) > 1 and path.parts[0] not in with_clips]
    if not frames:
        return (
            f"{len(images)} image files are skipped: they are not clips (such as "
            f"clips/{_printable(images[0])})"
        )
    counts = Counter(_printable(Path(path.parts[0])) for path in frames)
    folders = ", ".join(
        f"{count} in clips/{name}" for name, count in sorted(counts.items())[:_LISTED]
    )
    return (
        f"image files are not clips ({folders}); if they are the frames of a video, make a video "
        f"of each folder first: {_ffmpeg_command(Path(_printable(root / frames[0])))}; or take "
        f"each folder as a clip, with its frame rate: {command('prepare')} --fps 25"
    )


def _ffmpeg_command(frame: Path) -> str:
    """Return the command that makes a video of the folder of the first frame."""
    numbered = re.fullmatch(r"(.*?)(\d+)", frame.stem)
    if numbered:
        prefix, digits = numbered.groups()
        names = f"{prefix}%0{len(digits)}d{frame.suffix}"
        # Without a start number, ffmpeg tries only 0 to 4.
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
    """Return a note about empty folders next to the class folders.

    A disk that is not mounted leaves an empty folder.
    """
    folders = {path.parent for path in paths}
    full = folders.union(*(folder.parents for folder in folders))
    empty = [path for path in walked.top if path not in full]
    names = ", ".join(f"clips/{_printable(Path(path.name))}" for path in empty[:_LISTED])
    more = f" and {len(empty) - _LISTED} more" if len(empty) > _LISTED else ""
    return [f"{names}{more}: contains no files; is a disk not mounted?"] if empty else []


def _not_followed(folder: Path, walked: Walk) -> list[str]:
    def shown(path: Path) -> str:
        return _printable(path.relative_to(folder))

    notes = [
        f"{shown(link)} is skipped: its target {_printable(target)} is a parent or already read"
        for link, target in walked.repeated
    ]
    lost = walked.unreachable
    if lost:
        more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
        notes.append(
            f"{shown(lost[0][0])}{more}: cannot be read ({lost[0][1]}); is a disk not mounted?"
        )
    return notes
