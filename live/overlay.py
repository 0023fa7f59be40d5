"""Overlay: a decision drawn on a frame."""

import cv2
import numpy as np

from live.decision import Decision

_PANEL, _TEXT, _FAINT, _BAR = (18, 22, 28), (255, 255, 255), (170, 178, 186), (30, 98, 190)
# On a thumbnail the bars would hide the image; a very short bar would look like a longer one.
_MIN_HEIGHT_FOR_BARS, _MIN_BAR = 160, 0.01
_FONT = cv2.FontFace("sans") if hasattr(cv2, "FontFace") else None


def annotate(rgb: np.ndarray, decision: Decision | None, bars: int = 3) -> np.ndarray:
    """Return a copy of a frame with label, time and bars of probability on it: uint8 RGB (H, W, 3).

    Args:
        rgb: The frame, uint8 RGB (H, W, 3).
        decision: The decision to show; None before the first.
        bars: The number of most probable labels that have a bar.
    """
    image = rgb.copy()
    height, width = image.shape[:2]
    # Readable from thumbnails to 4K: the text grows with the image, and has ten pixels or more.
    size = int(np.clip(min(height / 22, width / 18), 10, 96))
    line, margin = round(1.35 * size), max(3, size // 3)
    best = decision.best(bars) if decision and height >= _MIN_HEIGHT_FOR_BARS else []
    title, clock = _title(decision), f"{decision.seconds:.1f} s" if decision else ""
    small = max(8, round(0.7 * size))
    # The panel is only as wide as its text, to cover little of the image.
    inner = max(
        _width(title, size) + size + _width(clock, small),
        *(_width(f"{label}  100%", small) for label, _ in best),
        0,
    )
    panel_width = min(width, inner + 2 * margin)
    _shade(image[: round(line * (1.5 + 0.85 * len(best))), :panel_width])
    color = _TEXT if decision and decision.above_threshold else _FAINT
    _text(image, title, (margin, line), size, color)
    _text(image, clock, (panel_width - margin - _width(clock, small), line), small, _FAINT)
    for number, (label, probability) in enumerate(best):
        bottom = round(line * (2.0 + 0.85 * number))
        if probability >= _MIN_BAR:
            end = margin + round((panel_width - 2 * margin) * probability)
            cv2.rectangle(image, (margin, bottom - small), (end, bottom), _BAR, -1)
        base = bottom - max(1, small // 6)
        _text(image, label, (margin + 2, base), small, _TEXT)
        share = f"{probability:.0%}"
        right = panel_width - margin - 2 - _width(share, small)
        _text(image, share, (right, base), small, _TEXT)
    return image


def _title(decision: Decision | None) -> str:
    if decision is None:
        return "..."
    doubt = "" if decision.above_threshold else "?"
    return f"{decision.label}{doubt}  {decision.probability:.0%}"


def _shade(panel: np.ndarray) -> None:
    panel[:] = cv2.addWeighted(panel, 0.15, np.full_like(panel, _PANEL), 0.85, 0)


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
