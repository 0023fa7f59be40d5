"""Kinds of files by their suffix. A file with an unknown suffix may be a clip."""

from pathlib import PurePath

CLIP = "clip"
IMAGE = "image files"
# Cameras write a small copy and a thumbnail of each video: duplicates of the same scene.
COMPANION = "companion files of cameras"
PLAYLIST = "playlists"
AUDIO = "audio files"
OTHER = "other"

_SUFFIXES = {
    # A GIF counts as a video.
    IMAGE: (
        ".jpg .jpeg .jpe .jfif .png .apng .bmp .webp .tif .tiff .heic .heif .avif .jxl .jp2 .ppm "
        ".pgm .exr .dng .gpr .cr2 .cr3 .nef .arw .psd .svg"
    ),
    COMPANION: ".thm .lrv .lrf",
    PLAYLIST: ".m3u8 .m3u .mpd .pls .xspf .asx .ffconcat",
    AUDIO: ".wav .mp3 .m4a .aac .flac .ogg .oga .opus .wma .aif .aiff .amr .mka .ac3",
    OTHER: (
        ".txt .md .csv .tsv .json .xml .yaml .yml .srt .vtt .ini .db .html .py .npy .npz .h5"
        " .zip .part"
    ),
}
# Suffixes that mark the end of a path in a line of text.
_VIDEO = (
    ".mp4 .m4v .mov .avi .mkv .webm .mpg .mpeg .mp2 .mts .m2ts .ts .wmv .flv .3gp .ogv .gif .vob "
    ".asf .mjpeg .mjpg .h264 .264 .hevc .265"
)
VIDEO_SUFFIXES = frozenset(_VIDEO.split())
_KINDS = {suffix: kind for kind, suffixes in _SUFFIXES.items() for suffix in suffixes.split()}


def kind_of(path: PurePath) -> str:
    """Return the kind of a file: `CLIP` unless its suffix is of another kind.

    >>> kind_of(PurePath("GL010042.LRV"))
    'companion files of cameras'
    """
    return _KINDS.get(path.suffix.lower(), CLIP)
