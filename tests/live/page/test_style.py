"""Contrast of the colors: 4.5 and more for text (WCAG 2, level AA), 3 for marks."""

import re

import pytest

from live.page.files import STATIC
from tests.running import ROOT

_CSS = (STATIC / "style.css").read_text(encoding="utf-8")


def _colors(scheme: str) -> dict[str, str]:
    blocks = re.findall(r":root \{(.*?)\}", _CSS, re.DOTALL)
    found = {}
    for block in blocks[: 1 if scheme == "light" else 2]:
        found |= dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))
    return found


def _luminance(color: str) -> float:
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read(scheme):
    colors = _colors(scheme)
    assert (colors["text"] == _colors("light")["text"]) == (scheme == "light")
    pairs = [
        *(
            (ink, ground)
            for ink in ("text", "muted", "accent", "bad")
            for ground in ("ground", "surface")
        ),
        ("text", "sunken"),
        ("muted", "sunken"),
        ("accent", "accent-soft"),
        ("on-accent", "accent"),
        ("bad", "bad-soft"),
        ("bad", "sunken"),
        ("good", "sunken"),
        ("warn", "warn-soft"),
        ("surface", "bad"),
        ("ground", "text"),
    ]
    low = {pair: _contrast(*(colors[name] for name in pair)) for pair in pairs}
    assert {pair: value for pair, value in low.items() if value < 4.5} == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_curves_and_bars_can_be_seen(scheme):
    colors = _colors(scheme)
    for number in range(1, 9):
        for ground in ("surface", "sunken"):
            assert _contrast(colors[f"series-{number}"], colors[ground]) >= 3, (number, ground)


def test_the_pictures_of_the_documents_are_small():
    for name in ("page.png", "page_phone.png"):
        assert (ROOT / "docs" / name).stat().st_size < 150_000, name
