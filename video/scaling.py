"""The one resize. Every pixel that a network or a person sees has passed through here."""

import av
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter

# Area averaging, with full-resolution chroma and the C paths: the same bytes on every processor.
# On 720p -> 224 this lies 1.4/255 from an exact area resize where the flags' absence costs 3.8.
_FILTER = (
    Interpolation.AREA
    | Interpolation.ACCURATE_RND
    | Interpolation.BITEXACT
    | Interpolation.FULL_CHR_H_INT
    | Interpolation.FULL_CHR_H_INP  # of a camera's RGB, half the colour would be dropped
)

# Names the arithmetic above in every feature file: change it with the filter, and features of the
# old pixels are computed again.
PIXELS = "swscale-area-1"


class Scaler:
    """Converts decoded pictures of any pixel format to RGB of a given size, by swscale.

    Keeps one conversion context, so use one instance a thread.
    """

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()

    def rgb(self, picture: av.VideoFrame, width: int, height: int) -> np.ndarray:
        """Return `picture` as uint8 RGB of shape (height, width, 3), contiguous."""
        scaled = self._reformatter.reformat(
            picture, width, height, "rgb24", interpolation=_FILTER, threads=1
        )
        return scaled.to_ndarray()
