"""Folders of frames: clips/<class>/**/<clip>/00001.jpg and so on."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from video.image_folder import IMAGE_SUFFIXES, with_rate

_MIN_FRAMES = 2
# Names of folders beside a video, as in UCF Sports (class/001/clip.avi, class/001/jpeg).
_OF_A_VIDEO = {"jpeg", "jpegs", "jpg", "png", "frames", "images", "img", "thumbs", "thumbnails"}


def frame_folders(root: Path, paths: Iterable[Path], clips: Iterable[Path]) -> list[Path]:
    """Return the folders that are clips themselves: of two numbered images or more, and no video.

    The class folders are none, nor folders with a video, which hold its thumbnails, nor folders
    such as `jpeg` beside a video, which hold its frames.

    Args:
        root: The folder of the class folders.
        paths: All files below it.
        clips: The videos among them.
    """
    counts: dict[Path, int] = defaultdict(int)
    for path in paths:
        if path.suffix.lower() in IMAGE_SUFFIXES and path.stem[-1:].isdecimal():
            counts[path.parent] += 1
    with_video = {clip.parent for clip in clips}
    return sorted(
        folder
        for folder, count in counts.items()
        if count >= _MIN_FRAMES
        and len(folder.relative_to(root).parts) > 1
        and folder not in with_video
        and not (folder.parent in with_video and folder.name.casefold() in _OF_A_VIDEO)
    )


def named(folder: Path, rate: float) -> Path:
    """Return the path that names a folder of frames with its rate."""
    return Path(with_rate(str(folder), rate))
