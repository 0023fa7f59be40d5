"""Sources of frames. A new source is one module here and one line in `SOURCES`."""

from collections.abc import Callable
from pathlib import Path

from video.errors import VideoError
from video.image_folder import image_folder
from video.sampling import Sampling
from video.sources.base import VideoSource
from video.sources.camera import CameraSource
from video.sources.file import FileSource
from video.sources.images import ImageSource
from video.sources.url import UrlSource


def open_video(
    path: str | Path, threads: int | None = None, sampling: Sampling | None = None
) -> VideoSource:
    """Open what a row of a manifest names: a video file, or a folder of images `FOLDER@25fps`.

    Args:
        path: The file, or the folder with its rate.
        threads: Number of decoder threads, as for `FileSource`.
        sampling: Sampling of the reader, as for `FileSource`.

    Raises:
        VideoError: It cannot be read as a video.
    """
    if image_folder(path):
        return ImageSource(path, threads, sampling)
    if Path(path).is_dir():
        raise VideoError(
            f"{path}: is a folder; if it holds the frames of a video, add their rate: {path}@25fps"
        )
    return FileSource(path, threads, sampling)


SOURCES: dict[str, Callable[..., VideoSource]] = {
    "video": open_video,
    "images": ImageSource,
    "webcam": CameraSource,
    "url": UrlSource,
}

__all__ = [
    "SOURCES",
    "CameraSource",
    "FileSource",
    "ImageSource",
    "UrlSource",
    "VideoSource",
    "open_video",
]
