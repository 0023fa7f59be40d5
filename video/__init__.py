"""Ground floor: pixels in and out. Frames, sources, sampling, the one resize, H.264 writing."""

import os

# OpenCV and libav write warnings of their own to stderr. What a user needs to know reaches him as
# one line of ours; the variable has to stand before the first import of cv2.
os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

import av.logging

av.logging.set_level(av.logging.PANIC)
