"""Folders of numbered images as videos: `FOLDER@25fps` names the images of FOLDER at 25 a second.

A folder does not know its frame rate, and the times of all features depend on it, so it is a part
of the name.
"""

import hashlib
import math
import os
import re
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from video.errors import VideoError
from video.staging import size_of, staged

IMAGE_SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
)

_NAME = re.compile(r"(?P<folder>.+)@(?P<rate>\d+(\.\d+)?)fps", re.DOTALL)
_NUMBERED = re.compile(r"(?P<series>.*?)(?P<number>\d+)")
# Data sets store the optical flow beside the frames: flow_x_00001.jpg, flow_y_00001.jpg.
_FLOW = re.compile(r"flow|[xy]_", re.IGNORECASE)
_MAX_RATE = 1000.0


def with_rate(folder: str, rate: float) -> str:
    """Return the name of a folder's images at a frame rate.

    >>> with_rate("clips/walk/a", 29.97)
    'clips/walk/a@29.97fps'
    """
    return f"{folder}@{rate:.10g}fps"


@dataclass(frozen=True)
class ImageFolder:
    """A folder of numbered images.

    Attributes:
        name: Folder and rate, as `with_rate` writes them.
        folder: The folder.
        rate: Images per second.
    """

    name: str
    folder: Path
    rate: float

    def images(self) -> list[tuple[int, Path]]:
        """Return each image with its place in time, in units of one image, from 0.

        The numbers in the names give the places: a missing number leaves its time empty. If all
        numbers are multiples of a step, such as 0, 5, 10, the step is one image.

        Raises:
            VideoError: The folder cannot be read, holds no numbered image, or several series.
        """
        numbered = self._series()
        first = min(numbered)
        step = math.gcd(*(number - first for number in numbered)) or 1
        return [((number - first) // step, numbered[number]) for number in sorted(numbered)]

    def missing(self) -> int:
        """Return how many numbers are missing between the first image and the last."""
        return sum(later - earlier - 1 for (earlier, _), (later, _) in pairwise(self.images()))

    def size(self) -> int:
        """Return the bytes of all images together."""
        return sum(size_of(path) for _, path in self.images())

    def sha256(self) -> str:
        """Return the SHA-256 of the rate and of each image with its place, in hexadecimal."""
        whole = hashlib.sha256(f"{self.rate:.10g}".encode())
        for place, path in self.images():
            with staged(path), path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
            whole.update(f" {place} {content}".encode())
        return whole.hexdigest()

    def _series(self) -> dict[int, Path]:
        """Return the images of the only series by their number."""
        found: dict[str, dict[int, Path]] = defaultdict(dict)
        for path in self._files():
            match = _NUMBERED.fullmatch(path.stem)
            if match and path.suffix.lower() in IMAGE_SUFFIXES:
                series, number = match["series"], int(match["number"])
                if number in found[series]:
                    raise VideoError(
                        f"{self.name}: {found[series][number].name} and {path.name} have the same "
                        "number; remove one of them"
                    )
                found[series][number] = path
        seen = {name: paths for name, paths in found.items() if not _FLOW.match(name)} or found
        if not seen:
            raise VideoError(
                f"{self.name}: contains no numbered images, such as 00001.jpg; number the frames"
            )
        if len(seen) > 1:
            names = ", ".join(f"{name}*" for name in sorted(seen)[:3])
            raise VideoError(
                f"{self.name}: contains several series of images ({names}); put each into a folder"
            )
        return next(iter(seen.values()))

    def _files(self) -> list[Path]:
        try:
            return sorted(path for path in self.folder.iterdir() if path.name[0] != ".")
        except OSError as error:
            raise VideoError(f"{self.name}: cannot be read ({error.strerror})") from None


def image_folder(path: str | Path) -> ImageFolder | None:
    """Return the folder of images that a path names, None if it names a file.

    >>> image_folder("clips/walk/a.mp4") is None, image_folder("clips/walk/a@25fps").rate
    (True, 25.0)
    """
    match = _NAME.fullmatch(str(path))
    if not match or os.path.isfile(path):
        return None
    rate = float(match["rate"])
    return ImageFolder(str(path), Path(match["folder"]), rate) if 0 < rate <= _MAX_RATE else None


def is_video(path: str | Path) -> bool:
    """Return whether there is a file at a path, or the folder of images that it names."""
    images = image_folder(path)
    return images.folder.is_dir() if images else os.path.isfile(path)
