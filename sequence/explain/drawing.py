"""Drawing of maps over frames: panels side by side, and a legend with the color scale."""

from dataclasses import dataclass

import cv2
import numpy as np

from video.frame import Frame
from video.preprocessing import Preprocessing, Preprocessor, seen_part

_COLORS = cv2.COLORMAP_TURBO
_STRONGEST = 0.7  # opacity of the strongest place; the frame stays visible below it
_UNSEEN = 0.35  # brightness of what the network does not see
_LEGEND = 44  # height in pixels; with a scale of 2, of a picture that is shown small, 88
_PAPER, _INK = (22, 26, 32), (236, 240, 245)
_EDGE = (255, 255, 255)
_GAP = 4  # pixels between the frames of a strip


@dataclass(frozen=True)
class Panels:
    """Pictures of one frame, all of one size: uint8 RGB (H, W, 3).

    Attributes:
        frame: The frame, darker where the network does not see it.
        map: The same with its map.
        change: The change picture; None if the network sees frames.
    """

    frame: np.ndarray
    map: np.ndarray
    change: np.ndarray | None = None

    @property
    def all(self) -> list[np.ndarray]:
        """The pictures in order: frame, change picture if there is one, map."""
        return [self.frame, *([] if self.change is None else [self.change]), self.map]

    def named(self, seconds: float, first: bool = True) -> list[np.ndarray]:
        """Return the pictures with the time on the frame, and what the others are.

        Args:
            seconds: Time of the frame.
            first: Whether the others get their names too.
        """
        names = [f"{seconds:.1f} s", *([] if self.change is None else ["change"]), "map"]
        pairs = zip(self.all, names, strict=True)
        return [
            _stamped(picture, name) if first or place == 0 else picture
            for place, (picture, name) in enumerate(pairs)
        ]


class Layout:
    """Sizes of the panels of a video, and where in a frame the network looks."""

    def __init__(
        self,
        preprocessing: Preprocessing,
        size: tuple[int, int],
        box: tuple[int, int, int, int],
    ) -> None:
        """Lay out the panels.

        Args:
            preprocessing: Preprocessing of the network.
            size: Width and height of a panel in pixels.
            box: Left, top, right and lower edge of the seen part in a panel.
        """
        self._size, self._box = size, box
        self._preprocess = Preprocessor(preprocessing)

    @classmethod
    def of(cls, preprocessing: Preprocessing, frame: tuple[int, int], height: int) -> "Layout":
        """Return the layout for frames of a size, with panels of `height` pixels."""
        width, high = frame
        size = max(2, round(width * height / high / 2) * 2), height
        left, top, right, bottom = seen_part(preprocessing, frame)
        across, down = size
        box = round(left * across), round(top * down), round(right * across), round(bottom * down)
        return cls(preprocessing, size, box)

    def seen(self, frame: Frame) -> np.ndarray:
        """Return what the network sees of a frame: uint8 RGB (height, width, 3)."""
        return self._preprocess(frame)

    def panels(
        self, frame: Frame, heat: np.ndarray, change: tuple[np.ndarray, np.ndarray] | None = None
    ) -> Panels:
        """Return the panels of a frame.

        Args:
            frame: Frame.
            heat: Its map, 0 to 1: float32 (h, w).
            change: What the network sees of the earlier and the later frame of a change picture.
        """
        picture = frame.resized(*self._size)
        left, top, right, bottom = self._box
        plain = (picture * _UNSEEN).astype(np.uint8)
        plain[top:bottom, left:right] = picture[top:bottom, left:right]
        mapped = plain.copy()
        mapped[top:bottom, left:right] = overlaid(mapped[top:bottom, left:right], heat)
        shown = None
        if change is not None:
            earlier, later = (each.astype(np.float32) for each in change)
            pixels = np.clip(later - earlier + 127.5, 0, 255).astype(np.uint8)
            shown = np.zeros_like(plain)
            inside = (right - left, bottom - top)
            shown[top:bottom, left:right] = cv2.resize(pixels, inside)
        if (left, top, right, bottom) != (0, 0, *self._size):
            for each in (plain, mapped):
                cv2.rectangle(each, (left, top), (right - 1, bottom - 1), _EDGE, 1)
        return Panels(plain, mapped, shown)


def overlaid(picture: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """Return a picture with a map over it, the more opaque the stronger: uint8 RGB (H, W, 3).

    Args:
        picture: uint8 RGB (H, W, 3).
        heat: Map, 0 to 1, of any size: float32 (h, w).
    """
    height, width = picture.shape[:2]
    large = cv2.resize(heat, (width, height), interpolation=cv2.INTER_LINEAR)
    values = np.clip(large, 0.0, 1.0)
    colors = _colored(values)
    opacity = (_STRONGEST * np.sqrt(values))[..., None]
    mixed: np.ndarray = picture * (1 - opacity) + colors * opacity
    return mixed.round().astype(np.uint8)


def spaced(columns: list[np.ndarray]) -> np.ndarray:
    """Return pictures of one height side by side with gaps: uint8 RGB (H, W, 3)."""
    gap = np.full((columns[0].shape[0], _GAP, 3), _PAPER, np.uint8)
    return np.concatenate([part for each in columns for part in (gap, each)][1:], axis=1)


def legend(title: str, width: int, scale: float = 1.0) -> np.ndarray:
    """Return a strip with a title and the color scale: uint8 RGB (44 scale, width, 3).

    Args:
        title: Text; the end of one that is too long is left out.
        width: Width in pixels.
        scale: Factor on the size of the text.
    """
    from matplotlib.figure import Figure  # letters of all languages; loaded late, as it is slow

    dpi, height = 100, round(_LEGEND * scale)
    figure = Figure(figsize=(width / dpi, height / dpi), dpi=dpi)
    paper, ink = (tuple(part / 255 for part in color) for color in (_PAPER, _INK))
    figure.set_facecolor(paper)
    edge, bar = 10 * scale, min(150 * scale, width / 3)
    room = max(4, int((width - bar - 3 * edge) / (7 * scale)))
    shown = title if len(title) <= room else f"{title[: room - 3]}..."
    figure.text(edge / width, 0.5, shown, color=ink, fontsize=8.5 * scale, va="center")
    left, right = (width - bar - edge) / width, (width - edge) / width
    axes = figure.add_axes((left, 0.52, bar / width, 0.3))
    axes.imshow(_colored(np.linspace(0, 1, 256)[None]), aspect="auto")
    axes.set_axis_off()
    for place, text, side in ((left, "0", "left"), (right, "strongest", "right")):
        figure.text(place, 0.25, text, color=ink, fontsize=7 * scale, va="center", ha=side)
    return rgb_of(figure)[:height, :width]


def rgb_of(figure) -> np.ndarray:
    """Return a matplotlib figure as uint8 RGB (H, W, 3)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _stamped(picture: np.ndarray, text: str) -> np.ndarray:
    """Return a picture with a text on a dark ground in its upper left corner."""
    image, font, size = picture.copy(), cv2.FONT_HERSHEY_SIMPLEX, 0.45
    width = cv2.getTextSize(text, font, size, 1)[0][0]
    cv2.rectangle(image, (0, 0), (width + 8, 18), _PAPER, cv2.FILLED)
    cv2.putText(image, text, (4, 14), font, size, _INK, 1, cv2.LINE_AA)
    return image


def _colored(values: np.ndarray) -> np.ndarray:
    """Return the colors of values 0 to 1, (H, W): uint8 RGB (H, W, 3)."""
    colors = cv2.applyColorMap((values * 255).round().astype(np.uint8), _COLORS)
    return cv2.cvtColor(colors, cv2.COLOR_BGR2RGB)
