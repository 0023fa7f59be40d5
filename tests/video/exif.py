"""Videos of JPEGs with EXIF: FFmpeg gives it on as side data that PyAV has no name for."""

import struct
from pathlib import Path

import av
import numpy as np


def _exif(orientation: int) -> bytes:
    """Return a JPEG segment with EXIF that holds the orientation alone."""
    entry = struct.pack("<HHIHH", 0x0112, 3, 1, orientation, 0)
    tiff = b"II*\0" + struct.pack("<IH", 8, 1) + entry + struct.pack("<I", 0)
    content = b"Exif\0\0" + tiff
    return b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content


def write_exif_video(path: Path, orientation: int, images: list[np.ndarray]) -> Path:
    """Write JPEGs with EXIF; `orientation` as TIFF 6.0 numbers it."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        for image in images:
            for packet in stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")):
                jpeg = bytes(packet)
                made = av.Packet(jpeg[:2] + _exif(orientation) + jpeg[2:])
                made.stream, made.pts, made.dts = stream, packet.pts, packet.dts
                made.time_base, made.is_keyframe = packet.time_base, True
                container.mux(made)
    return path
