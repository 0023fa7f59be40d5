"""Drawing a decision on a frame. Annotators draw only; what to draw is decided elsewhere."""

import cv2
import numpy as np

from live.decision import Decision

_PANEL, _TEXT, _FAINT, _BAR = (18, 22, 28), (255, 255, 255), (170, 178, 186), (64, 156, 255)
_BARS, _LEAST_HEIGHT_FOR_BARS = 3, 160
_FONT = cv2.FontFace("sans") if hasattr(cv2, "FontFace") else None


def annotate(rgb: np.ndarray, decision: Decision | None) -> np.ndarray:
    """Return a copy of a frame, uint8 RGB (H, W, 3), with label, probabilities and time on it."""
    picture = rgb.copy()
    height, width = picture.shape[:2]
    # Readable from thumbnails to 4K: the text grows with the picture, down to ten pixels.
    size = int(np.clip(min(height / 20, width / 16), 10, 64))
    line = round(1.35 * size)
    # On a thumbnail the bars would hide the picture.
    best = decision.best(_BARS) if decision and height >= _LEAST_HEIGHT_FOR_BARS else []
    panel_height = min(height, round(line * (1.5 + 0.85 * len(best))))
    panel_width = min(width, 15 * size)
    panel = picture[:panel_height, :panel_width]
    shade = np.full_like(panel, _PANEL)
    picture[:panel_height, :panel_width] = cv2.addWeighted(panel, 0.3, shade, 0.7, 0)
    margin = max(3, size // 3)
    if decision is None:
        _text(picture, "...", (margin, line), size, _FAINT)
        return picture
    color = _TEXT if decision.decided else _FAINT
    title = decision.label if decision.decided else f"{decision.label} ?"
    _text(picture, f"{title}  {decision.probability:.0%}", (margin, line), size, color)
    small = max(8, round(0.7 * size))
    for number, (label, probability) in enumerate(best):
        bottom = round(line * (2.0 + 0.85 * number))
        top = bottom - small
        full = panel_width - 2 * margin
        end = margin + max(1, round(full * probability))
        cv2.rectangle(picture, (margin, top), (end, bottom), _BAR, -1)
        _text(picture, label, (margin + 2, bottom - max(1, small // 6)), small - 1, _TEXT)
    clock = f"{decision.seconds:.1f} s"
    _text(picture, clock, (margin, height - margin), small, _TEXT)
    return picture


def _text(picture: np.ndarray, text: str, place: tuple[int, int], size: int, color: tuple) -> None:
    """Write text with its lower left corner at `place`; `size` is its height in pixels."""
    for offset, shade in ((1, (0, 0, 0)), (0, color)):
        where = (place[0] + offset, place[1] + offset)
        if _FONT is not None:
            cv2.putText(picture, text, where, shade, _FONT, size)
        else:
            scale = size / 30
            cv2.putText(
                picture, text, where, cv2.FONT_HERSHEY_SIMPLEX, scale, shade, 1, cv2.LINE_AA
            )
