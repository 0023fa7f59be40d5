"""Overlay: a decision drawn on a frame."""

from functools import cached_property

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from live.decision import Decision
from live.panel import Panel
from video.frame import Frame
from video.planar import planar_copy


def annotate(rgb: np.ndarray, decision: Decision | None, bars: int = 3) -> np.ndarray:
    """Return a copy of a frame with label, time and bars of probability on it: uint8 RGB (H, W, 3).

    Args:
        rgb: The frame, uint8 RGB (H, W, 3).
        decision: The decision to show; None before the first.
        bars: The number of most probable labels that have a bar.
    """
    image = rgb.copy()
    Panel(decision, (rgb.shape[1], rgb.shape[0]), bars).draw_on(image)
    return image


class AnnotatedFrame:
    """A frame with a decision on it; drawn when a sink asks for it, once in each format.

    Args:
        frame: The frame.
        panel: The panel of the decision, for the frame's size.
        reformatter: The conversion context of the calling thread.
    """

    def __init__(self, frame: Frame, panel: Panel, reformatter: VideoReformatter) -> None:
        self.frame, self.panel = frame, panel
        self._reformatter = reformatter

    @cached_property
    def rgb(self) -> np.ndarray:
        """The annotated frame, uint8 RGB (H, W, 3); it must not be changed."""
        pixels = self.frame.rgb
        if self.frame.image.format.name == "rgb24":  # these are the frame's own pixels
            pixels = pixels.copy()
        self.panel.draw_on(pixels)
        return pixels

    @cached_property
    def planar(self) -> av.VideoFrame | None:
        """The annotated frame in yuv420p; None where the frame has to go through RGB."""
        image = planar_copy(self.frame, self._reformatter)
        if image is not None:
            self.panel.draw_on_planes(image)
        return image


class Overlay:
    """Annotates the frames of a video. The panel is drawn once per decision and frame size.

    Args:
        bars: The number of most probable labels that have a bar.
    """

    def __init__(self, bars: int = 3) -> None:
        self._bars = bars
        self._panel: Panel | None = None
        self._reformatter = VideoReformatter()

    def on(self, frame: Frame, decision: Decision | None) -> AnnotatedFrame:
        """Return a frame with a decision on it; None before the first decision."""
        panel = self._panel
        if panel is None or panel.decision is not decision or panel.size != frame.size:
            panel = self._panel = Panel(decision, frame.size, self._bars)
        return AnnotatedFrame(frame, panel, self._reformatter)
