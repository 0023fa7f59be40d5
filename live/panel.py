"""The panel: label, time and bars of a decision, drawn once and then laid over any frame."""

import av
import cv2
import numpy as np
from av.video.reformatter import VideoReformatter

from live.decision import Decision
from video.planar import Colors, planes

_PANEL, _TEXT, _FAINT, _BAR = (18, 22, 28), (255, 255, 255), (170, 178, 186), (30, 98, 190)
_NOT_FOUND = (74, 82, 92)  # the bar of a label below its threshold, where several can hold
# On a thumbnail the bars would hide the image; a very short bar would look like a longer one.
_MIN_HEIGHT_FOR_BARS, _MIN_BAR = 160, 0.01
_FONT = cv2.FontFace("sans") if hasattr(cv2, "FontFace") else None


class Panel:
    """The panel of a decision for frames of one size.

    Drawing makes every pixel of a picture p into `share * p + added`. Both are found by drawing on
    a black and on a white picture, so a frame costs one multiplication and one addition.

    Args:
        decision: The decision to show; None before the first.
        size: Width and height of the frames in pixels.
        bars: The number of most probable labels that have a bar.
    """

    def __init__(self, decision: Decision | None, size: tuple[int, int], bars: int) -> None:
        self.decision, self.size = decision, size
        self._layout = _Layout(decision, size, bars)
        shape = (*reversed(self._layout.size), 3)
        self._added = self._layout.drawn_on(np.zeros(shape, np.uint8))
        self._share = self._layout.drawn_on(np.full(shape, 255, np.uint8)) - self._added
        self._planar: dict[Colors, list[tuple[np.ndarray, np.ndarray]]] = {}
        self._reformatter = VideoReformatter()

    def draw_on(self, pixels: np.ndarray) -> None:
        """Draw the panel on uint8 RGB (H, W, 3), in place."""
        height, width = self._added.shape[:2]
        _blend(pixels[:height, :width], self._share, self._added)

    def draw_on_planes(self, image: av.VideoFrame) -> None:
        """Draw the panel on a yuv420p image of even sides, in place."""
        for plane, (share, added) in zip(planes(image), self._for(Colors.of(image)), strict=True):
            height, width = added.shape
            _blend(plane[:height, :width], share, added)

    def _for(self, colors: Colors) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return share and added part of each plane of an image with these colors."""
        if colors not in self._planar:
            whole = av.VideoFrame.from_ndarray(self._added, format="rgb24")
            share = self._share[..., 1]
            half = cv2.resize(share, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
            self._planar[colors] = [
                # Black is not 0 in these planes: what the share takes of it has to go.
                (part, np.clip(plane - np.round(part / 255 * black), 0, 255).astype(np.uint8))
                for plane, part, black in zip(
                    planes(colors.converted(whole, self._reformatter)),
                    (share, half, half),
                    (0 if colors.range == 2 else 16, 128, 128),
                    strict=True,
                )
            ]
        return self._planar[colors]


def _blend(region: np.ndarray, share: np.ndarray, added: np.ndarray) -> None:
    region[:] = cv2.add(cv2.multiply(region, share, scale=1 / 255), added)


class _Layout:
    """Texts and places of a panel, from its decision and the size of the frames."""

    def __init__(self, decision: Decision | None, size: tuple[int, int], bars: int) -> None:
        width, height = size
        # Readable from thumbnails to 4K: the text grows with the image, and has ten pixels or more.
        self._text_size = int(np.clip(min(height / 22, width / 18), 10, 96))
        self._small = max(8, round(0.7 * self._text_size))
        self._line, self._margin = round(1.35 * self._text_size), max(3, self._text_size // 3)
        shows_bars = decision is not None and height >= _MIN_HEIGHT_FOR_BARS
        self._best = _shown(decision, bars) if decision and shows_bars else []
        self._found = _found(decision)
        room = width - 2 * self._margin
        self._title = _title(decision, self._text_size, room)
        self._clock = f"{decision.seconds:.1f} s" if decision else ""
        if _width(self._title, self._text_size) + self._small + self._clock_width > room:
            self._clock = ""  # a long label on a narrow picture: the label counts
        self._best = [
            (_shortened(label, "  100%", self._small, room), p, label in self._found)
            for label, p in self._best
        ]
        self._color = _TEXT if decision and decision.above_threshold else _FAINT
        # The panel is only as wide as its text, to cover little of the image.
        inner = max(
            _width(self._title, self._text_size) + self._text_size + self._clock_width,
            *(_width(f"{label}  100%", self._small) for label, _, _ in self._best),
            0,
        )
        bottom = round(self._line * (1.5 + 0.85 * len(self._best)))
        # Even sides: in yuv420p two by two pixels share their color.
        self._inner_width = min(width, inner + 2 * self._margin)
        self.size = (
            min(width, self._inner_width + self._inner_width % 2),
            min(height, bottom + bottom % 2),
        )

    @property
    def _clock_width(self) -> int:
        return _width(self._clock, self._small)

    def drawn_on(self, picture: np.ndarray) -> np.ndarray:
        """Return the panel on a picture of its size: uint8 RGB (h, w, 3)."""
        image = cv2.addWeighted(picture, 0.15, np.full_like(picture, _PANEL), 0.85, 0)
        margin, small, right = self._margin, self._small, self._inner_width - self._margin
        _text(image, self._title, (margin, self._line), self._text_size, self._color)
        _text(image, self._clock, (right - self._clock_width, self._line), small, _FAINT)
        for number, (label, probability, found) in enumerate(self._best):
            bottom = round(self._line * (2.0 + 0.85 * number))
            if probability >= _MIN_BAR:
                end = margin + round((right - margin) * probability)
                color = _BAR if found else _NOT_FOUND
                cv2.rectangle(image, (margin, bottom - small), (end, bottom), color, -1)
            base = bottom - max(1, small // 6)
            _text(image, label, (margin + 2, base), small, _TEXT)
            share = f"{probability:.0%}"
            _text(image, share, (right - 2 - _width(share, small), base), small, _TEXT)
        return image


def _title(decision: Decision | None, size: int, room: int) -> str:
    if decision is None:
        return "..."
    if decision.several:  # the bars have the probabilities
        names = " + ".join(label for label, _ in decision.found) or "-"
        return _shortened(names, "", size, room)
    share = f"{'' if decision.above_threshold else '?'}  {decision.probability:.0%}"
    return _shortened(decision.label, share, size, room) + share


def _shown(decision: Decision, bars: int) -> list[tuple[str, float]]:
    """Return the labels that have a bar: the most probable ones, and all that are found."""
    best, found = decision.best(len(decision.labels)), _found(decision)
    if not decision.several:
        return best[:bars]
    return [(label, p) for place, (label, p) in enumerate(best) if place < bars or label in found]


def _found(decision: Decision | None) -> set[str]:
    """Return the labels whose bar is bright: those found, or all where one holds at a time."""
    if decision is None:
        return set()
    return {label for label, _ in decision.found} if decision.several else set(decision.labels)


def _shortened(label: str, end: str, size: int, room: int) -> str:
    """Return a label, cut so that it fits into `room` pixels together with the text after it."""
    if _width(label + end, size) <= room:
        return label
    while label and _width(f"{label}...{end}", size) > room:
        label = label[:-1]
    return f"{label}..."


def _width(text: str, size: int) -> int:
    """Return the width in pixels of a text of that height."""
    if _FONT is not None:
        left, _, width, _ = cv2.getTextSize((0, 0), text, (0, 0), _FONT, size)
        return left + width
    return cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, size / 30, 1)[0][0]


def _text(image: np.ndarray, text: str, place: tuple[int, int], size: int, color: tuple) -> None:
    """Write text with its lower left corner at `place`; `size` is its height in pixels."""
    for offset, shade in ((1, (0, 0, 0)), (0, color)):
        where = (place[0] + offset, place[1] + offset)
        if _FONT is not None:
            cv2.putText(image, text, where, shade, _FONT, size)
        else:
            font, scale = cv2.FONT_HERSHEY_SIMPLEX, size / 30
            cv2.putText(image, text, where, font, scale, shade, 1, cv2.LINE_AA)
