"""The video files of a data folder, found by the paths and names that lists use."""

import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from clips.finding.clip_files import check_name
from clips.finding.file_kinds import CLIP, kind_of
from clips.finding.frame_folders import frame_folders, named
from clips.finding.walking import walk
from video.errors import LookbackError
from video.image_folder import image_folder


class ClipIndex:
    """The videos below `folder`/clips, or below `folder` if there is no folder `clips`.

    Attributes:
        root: The folder that is searched.
        videos: Paths relative to the data folder, in alphabetical order.
    """

    def __init__(self, folder: Path, frame_rate: float | None = None) -> None:
        """Search a folder.

        Args:
            folder: The data folder.
            frame_rate: Frames per second of folders of frames; None skips them.

        Raises:
            LookbackError: The folder does not exist, or holds no video.
        """
        self._folder = folder
        self.root = folder / "clips" if (folder / "clips").is_dir() else folder
        if not self.root.is_dir():
            raise LookbackError(f"{self.root}: there is no such folder; --data names it")
        paths = [path for path in walk(self.root).files if os.path.isfile(path)]
        files = [path for path in paths if kind_of(path) == CLIP]
        if frame_rate:
            frames = frame_folders(self.root, paths, files)
            files += [named(each, frame_rate) for each in frames]
        for path in files:
            check_name(folder, path.relative_to(folder))
        self.videos = sorted(path.relative_to(folder).as_posix() for path in files)
        if not self.videos:
            raise LookbackError(
                f"{self.root}: contains no videos; put those of the lists into it, in any folders"
                + ("" if frame_rate else " (folders of frames are found with --fps)")
            )
        self._folders = {part for video in self.videos for part in PurePosixPath(video).parts[:-1]}
        self._by_name: dict[str, list[str]] = defaultdict(list)
        for video in self.videos:
            for name in {PurePosixPath(video).name, stem_of(video)}:
                self._by_name[name].append(video)

    def find(self, names: Sequence[str], where: str = "") -> str | None:
        """Return the video of the first name that is found, relative to the data folder.

        A name may be a path from any folder above the file, with or without the file's suffix.

        Raises:
            LookbackError: Several files fit a name.
        """
        return next((video for name in names if (video := self._find(name, where))), None)

    def _find(self, name: str, where: str) -> str | None:
        if os.path.isabs(name):
            if os.path.isfile(name):
                return _relative(Path(name), self._folder)
            name = name.lstrip("/")
        wanted = tuple(part for part in name.replace("\\", "/").split("/") if part not in ("", "."))
        if not wanted:
            return None
        last = wanted[-1]
        # Another suffix is a video in another format, such as .webm in place of .mp4.
        candidates = self._by_name.get(last) or self._by_name.get(PurePosixPath(last).stem, [])
        common = {video: _common_parents(video, wanted) for video in candidates}
        if not any(common.values()) and len(wanted) > 1 and wanted[-2] in self._folders:
            return None  # walk/1.mp4 is not run/1.mp4
        if len(candidates) < 2:
            return candidates[0] if candidates else None
        best = [video for video in candidates if common[video] == max(common.values())]
        if len(best) > 1:
            raise LookbackError(
                f"{where}: {name} may be {best[0]} or {best[1]}; list its path from "
                f"{self._folder}, or remove one of the two"
            )
        return best[0]


def stem_of(video: str) -> str:
    """Return the last part of a video's path without its suffix or rate.

    >>> stem_of("clips/walk/a.b.mp4"), stem_of("clips/walk/a.b@25fps")
    ('a.b', 'a.b')
    """
    images = image_folder(video)
    return images.folder.name if images else PurePosixPath(video).stem


def _common_parents(video: str, wanted: tuple[str, ...]) -> int:
    """Return how many folders above the file are those of a listed path, the nearest first."""
    count = 0
    parents = PurePosixPath(video).parts[:-1]
    for there, listed in zip(reversed(parents), reversed(wanted[:-1]), strict=False):
        if there != listed:
            break
        count += 1
    return count


def _relative(path: Path, folder: Path) -> str:
    absolute = folder.absolute()
    inside = path.is_relative_to(absolute)
    return path.relative_to(absolute).as_posix() if inside else path.as_posix()
