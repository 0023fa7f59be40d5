"""Sources of frames. A new source is one module here and one line in `SOURCES`."""

from video.sources.base import VideoSource
from video.sources.camera import CameraSource
from video.sources.file import FileSource
from video.sources.url import UrlSource

SOURCES = {
    "video": FileSource,
    "webcam": CameraSource,
    "url": UrlSource,
}

__all__ = ["SOURCES", "CameraSource", "FileSource", "UrlSource", "VideoSource"]
