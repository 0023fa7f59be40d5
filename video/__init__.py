"""Video input and output: sources, frames, sampling, resizing, and writing H.264."""

import os

# OpenCV and libav print their own warnings on stderr. Lookback's messages replace them.
# The variables must be set before the first import of cv2.
os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

# Import OpenCV before PyAV: both wheels carry a libxcb. With PyAV's loaded first, OpenCV's first
# window hangs on Linux and ignores Ctrl-C (PyAV issue 978, opencv issue 29195).
import cv2  # noqa: F401, I001
import av.logging

# None drops libav's messages in C. A level would take the GIL for every message, also in decoding
# threads. close() waits for those threads while it holds the GIL: a deadlock.
av.logging.set_level(None)
