"""Screenshots of the page for the documents, with drawn pictures.

python -m tests.live.page.screenshots           # docs/page.png and docs/page_phone.png
python -m tests.live.page.screenshots --all DIR # every view on desktop and phone, light and dark
"""

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2

from live.page.days import day_of
from live.page.server import PageServer
from tests.live.page.browser import DESKTOP, PHONE, chromium
from tests.live.page.fakes import (
    NAMES,
    FakePage,
    Feeder,
    fill_history,
    make_hub,
    make_page,
    write_clip,
    write_still,
)
from tests.running import ROOT

_LARGEST_BYTES = 150_000


@contextmanager
def shown_page(folder: Path, cameras: int, lost: int | None = None) -> Iterator[str]:
    """Yield the address of a page with pictures, events and clips.

    Args:
        folder: Folder for its files.
        cameras: Number of cameras.
        lost: Number of a camera that is lost; None for none.
    """
    page = make_page(make_hub(cameras))
    for camera in range(cameras):
        fill_history(page.hub, camera, 100.0)
    if lost is not None:
        page.hub.update(lost, state="lost", reason="connection refused")
        page.hub.statuses()[lost].state_since -= 2520
    _fill(page, folder, cameras)
    server = PageServer(("127.0.0.1", 0), page.app)
    server.start()
    try:
        with Feeder(page.hub, off=() if lost is None else (lost,)):
            yield server.url
    finally:
        server.stop()


def _fill(page: FakePage, folder: Path, cameras: int) -> None:
    clip = write_clip(folder / "clip.mp4")
    start = day_of(None, time.time()).start
    now = time.time()
    page.hub.count("events", 9)
    page.hub.count("messages_sent", 7)
    for number, hour in enumerate((0.4, 6.2, 7.1, 9.75, 11.0, 11.6, 13.4, 15.2, 16.9, 18.1)):
        begun = start + hour * 3600
        if begun > now - 120:
            begun = start + (now - start) * (number + 1) / 12
        camera = number * 5 % 8 % cameras
        still = write_still(folder / f"{number}.jpg", camera, 10.0 + 1.9 * number)
        label = "walk" if number % 3 == 1 else "fall"
        event = page.events.add(
            NAMES[camera], label, begun, 4.0 + 9 * number, still=still, parts=(clip,)
        )
        if number in (2, 5):
            page.teacher.correct(event, "right" if number == 2 else "wrong", None)
    page.teacher.clip = clip
    for label, count in (("still", 12), ("walk", 10), ("fall", 2)):
        for number in range(count):
            page.teacher.add_clip(0, label, "morning" if number % 2 else "evening")


def _shoot(browser, url: str, options: dict, view: str, path: Path, full: bool = False) -> None:
    context = browser.new_context(**options)
    try:
        tab = context.new_page()
        tab.goto(f"{url}#{view}")
        tab.wait_for_selector(f"#{view}:not([hidden])")
        tab.wait_for_timeout(2500)
        tab.screenshot(path=path, full_page=full)
    finally:
        context.close()


def _shoot_dialogs(browser, url: str, options: dict, folder: Path, name: str) -> None:
    """Take screenshots of what opens on a press."""
    context = browser.new_context(**options)
    try:
        tab = context.new_page()
        tab.goto(f"{url}#watch")
        tab.click("summary >> nth=0")
        tab.click("text=This was >> nth=0")
        tab.wait_for_timeout(500)
        tab.screenshot(path=folder / f"missed_{name}.png")
        tab.keyboard.press("Escape")
        tab.wait_for_timeout(300)
        tab.screenshot(path=folder / f"thresholds_{name}.png", full_page=True)
        tab.click(".tab[data-view=events]")
        tab.click(".still >> nth=0")
        tab.wait_for_timeout(1500)
        tab.screenshot(path=folder / f"event_{name}.png")
        tab.keyboard.press("Escape")
        tab.click(".tab[data-view=teach]")
        tab.focus(".record >> nth=1")
        tab.keyboard.down(" ")
        tab.wait_for_timeout(1800)
        tab.screenshot(path=folder / f"recording_{name}.png")
        tab.keyboard.up(" ")
        tab.click("button.big")
        tab.wait_for_timeout(1000)
        tab.screenshot(path=folder / f"learned_{name}.png")
    finally:
        context.close()


def _shrink(path: Path) -> None:
    """Compress a screenshot; one of a phone becomes smaller."""
    image = cv2.imread(str(path))
    if image.shape[1] == 2 * PHONE["viewport"]["width"]:
        image = cv2.resize(image, None, fx=0.75, fy=0.75, interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(path), image, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    assert path.stat().st_size < _LARGEST_BYTES, f"{path.stat().st_size} bytes"


def _evening() -> str:
    """Move this process to a time zone where it is evening, and return its name: the day then
    has events."""
    hours = (19 - time.gmtime().tm_hour + 11) % 24 - 11
    zone = f"Etc/GMT{-hours:+d}" if hours else "Etc/GMT"  # the sign is that of POSIX
    os.environ["TZ"] = zone
    time.tzset()
    return zone


def main() -> None:
    zone = _evening()
    light, dark = ({"color_scheme": each, "timezone_id": zone} for each in ("light", "dark"))
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--all", type=Path, metavar="DIR")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as made, chromium() as browser:
        folder = Path(made)
        if options.all is None:
            with shown_page(folder, 3, lost=2) as url:
                desktop, phone = ROOT / "docs/page.png", ROOT / "docs/page_phone.png"
                _shoot(
                    browser,
                    url,
                    DESKTOP | light,
                    "watch",
                    desktop,
                )
                _shoot(
                    browser,
                    url,
                    PHONE | dark,
                    "events",
                    phone,
                )
            _shrink(desktop)
            _shrink(phone)
            return
        options.all.mkdir(parents=True, exist_ok=True)
        with shown_page(folder, 3, lost=2) as url:
            _shoot_dialogs(
                browser,
                url,
                DESKTOP | light,
                options.all,
                "desktop",
            )
            _shoot_dialogs(browser, url, PHONE | dark, options.all, "phone")
            for device, size in (("desktop", DESKTOP), ("phone", PHONE)):
                for scheme, colors in (("light", light), ("dark", dark)):
                    for view in ("watch", "events", "teach"):
                        path = options.all / f"{view}_{device}_{scheme}.png"
                        _shoot(
                            browser,
                            url,
                            size | colors,
                            view,
                            path,
                        )


if __name__ == "__main__":
    main()
