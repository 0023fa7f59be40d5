"""Ground floor: pixels in and out. Frames, sources, sampling, the one resize, H.264 writing."""

import os

# OpenCV and libav write warnings of their own to stderr. What a user needs to know reaches him as
# one line of ours; the variable has to stand before the first import of cv2.
os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

# OpenCV first: both wheels carry a libxcb, and with PyAV's loaded first the first window of OpenCV
# hangs on Linux, out of Ctrl-C's reach (PyAV issue 978, opencv issue 29195).
import cv2  # noqa: F401, I001
import av.logging

# None drops libav's messages in C. A level would take the GIL for each, also in decoding threads
# that a close() waits for while it holds the GIL: a deadlock.
av.logging.set_level(None)
