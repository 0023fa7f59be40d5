"""The page in Chromium: pictures move, everything works by keyboard, nothing leaves the page."""

import contextlib
import statistics
import time
from collections.abc import Iterator
from typing import Any

import pytest

from live.page.access import Access
from live.page.server import PageServer
from tests.live.page.browser import DESKTOP, PHONE, chromium
from tests.live.page.fakes import (
    LABELS,
    FakePage,
    Feeder,
    fill_history,
    make_hub,
    make_page,
    write_clip,
    write_still,
)

pytestmark = pytest.mark.live_servers


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


@contextlib.contextmanager
def served(page: FakePage, off: tuple[int, ...] = ()) -> Iterator[PageServer]:
    """Serve a page whose cameras move."""
    server = PageServer(("127.0.0.1", 0), page.app)
    server.start()
    try:
        with Feeder(page.hub, off=off):
            yield server
    finally:
        server.stop()


@contextlib.contextmanager
def opened(browser: Any, url: str, **options: Any) -> Iterator[Any]:
    """Yield a tab; at its end nothing was requested elsewhere and no error was written."""
    context = browser.new_context(**{**DESKTOP, **options})
    tab = context.new_page()
    asked: list[str] = []
    errors: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("pageerror", lambda error: errors.append(str(error)))
    tab.on("console", lambda line: line.type == "error" and errors.append(line.text))
    try:
        tab.goto(url)
        yield tab
    finally:
        context.close()
    home = url.partition("#")[0]
    assert [each for each in asked if not each.startswith((home, f"ws{home[4:]}", "blob:"))] == []
    # While the server is away, the browser itself writes that it cannot connect.
    own = [each for each in errors if "ERR_CONNECTION_REFUSED" not in each and "/ws" not in each]
    assert own == []


def moves(tab: Any, selector: str) -> bool:
    """Whether the picture in an element changes within two seconds."""
    element = tab.locator(selector)
    first = element.screenshot()
    for _ in range(10):
        tab.wait_for_timeout(200)
        if element.screenshot() != first:
            return True
    return False


def test_eight_cameras_move_while_a_fetch_is_quick(browser):
    page = make_page(make_hub(8))
    with served(page) as server, opened(browser, f"{server.url}#watch") as tab:
        tab.wait_for_selector(".card >> nth=7")
        tab.wait_for_timeout(1500)
        for camera in range(8):
            card = f".card >> nth={camera} >> .picture canvas"
            tab.locator(card).scroll_into_view_if_needed()
            assert moves(tab, card), camera
        measured = tab.evaluate(
            """async () => {
                const times = [];
                for (let i = 0; i < 20; i += 1) {
                    const begun = performance.now();
                    await (await fetch("/api/state")).json();
                    times.push(performance.now() - begun);
                    await new Promise((resolve) => setTimeout(resolve, 50));
                }
                return times;
            }"""
        )
        print("fetch: median", statistics.median(measured), "ms, slowest", max(measured), "ms")
        assert statistics.median(measured) < 200
        arrived = tab.evaluate(
            """async () => {
                const counts = Array(8).fill(0);
                const count = (event) => { counts[event.detail.camera] += 1; };
                page.link.addEventListener("picture", count);
                await new Promise((resolve) => setTimeout(resolve, 4000));
                return counts.map((count) => count / 4);
            }"""
        )
        print("pictures a second:", *arrived)
        assert min(arrived) > 2  # ten where the machine has nothing else to do
        assert "Connected" in tab.inner_text("#link")


def test_a_lost_camera_is_gray_crossed_out_and_dated(browser):
    page = make_page()
    page.hub.update(1, state="lost", reason="connection refused")
    with served(page, off=(1,)) as server, opened(browser, f"{server.url}#watch") as tab:
        lost = tab.locator(".card >> nth=1")
        lost.locator(".picture.off.drawn").wait_for()
        at = time.strftime("%H:%M", time.localtime())
        assert f"lost since {at[:3]}" in lost.locator(".veil").inner_text()
        assert "connection refused" in lost.locator(".veil").inner_text()
        style = lost.locator(".picture canvas").evaluate("each => getComputedStyle(each).filter")
        assert "grayscale(1)" in style
        tab.locator(".card >> nth=0 >> .picture:not(.off)").wait_for()
        page.hub.update(1, state="live", reason="")
        with Feeder(page.hub, off=(0,)):
            lost.locator(".picture:not(.off)").wait_for()


def test_it_says_when_the_program_is_gone_and_comes_back(browser):
    page = make_page()
    with served(page) as server, opened(browser, f"{server.url}#watch") as tab:
        tab.locator(".card >> nth=0 >> .picture:not(.off)").wait_for()
        server.stop()
        tab.locator("body.disconnected").wait_for()
        assert "Disconnected since" in tab.inner_text("#link")
        tab.locator(".card >> nth=0 >> .picture.off").wait_for()  # never an old picture as live
        again = make_page(page.hub)
        other = PageServer(("127.0.0.1", server.port), again.app)
        other.start()
        try:
            tab.locator("body:not(.disconnected)").wait_for(timeout=15000)
            tab.locator(".card >> nth=0 >> .picture:not(.off)").wait_for()
            assert moves(tab, ".card >> nth=0 >> .picture canvas")
        finally:
            other.stop()


def test_thresholds_by_keyboard_act_at_once(browser):
    page = make_page()
    with served(page) as server, opened(browser, f"{server.url}#watch") as tab:
        tab.wait_for_selector(".card >> nth=1")
        card = tab.locator(".card >> nth=0")
        card.locator("summary").focus()
        tab.keyboard.press("Enter")
        on = card.get_by_label("fall: begins at")
        on.focus()
        tab.keyboard.press("ArrowLeft")
        _until(lambda: ("rule", 0, "fall", 0.79, 0.5) in page.controls.calls)
        off = card.get_by_label("fall: ends below")
        off.focus()
        tab.keyboard.press("End")  # pushes the other one, up to the end
        _until(lambda: page.controls.calls[-1] == ("rule", 0, "fall", 1.0, 0.99))
        on.focus()
        tab.keyboard.press("Home")
        _until(lambda: page.controls.calls[-1] == ("rule", 0, "fall", 0.01, 0.0))
        card.get_by_label("For all cameras").check()
        on.focus()
        tab.keyboard.press("ArrowRight")
        _until(lambda: page.controls.calls[-1] == ("rule", None, "fall", 0.02, 0.0))
        tab.locator(".card >> nth=1 >> summary").click()
        assert tab.locator(".card >> nth=1").get_by_label("fall: begins at").input_value() == "0.02"
        card.get_by_role("switch").focus()
        tab.keyboard.press(" ")
        _until(lambda: page.controls.calls[-1] == ("armed", 0, False))
        card.get_by_text("Disarmed").wait_for()


def test_an_event_is_watched_corrected_and_deleted(browser, tmp_path):
    page = make_page()
    clip = write_clip(tmp_path / "clip.mp4")
    still = write_still(tmp_path / "still.jpg", 0, 1.0)
    number = page.events.add("Hall", "fall", time.time() - 1, 1.0, still=still, parts=(clip,))
    with served(page) as server, opened(browser, f"{server.url}#events") as tab:
        tab.locator(".lane .event").wait_for()
        tab.locator(".still").click()
        video = "document.querySelector('dialog video')"
        _until(lambda: tab.evaluate(f"{video}?.readyState >= 1"))
        assert 2.5 < tab.evaluate(f"{video}.duration") < 3.5
        tab.evaluate(f"{video}.muted = true; {video}.play()")
        _until(lambda: tab.evaluate(f"{video}.currentTime > 0.3"))
        tab.evaluate(f"{video}.pause(); {video}.currentTime = 2")
        there = f"!{video}.seeking && Math.abs({video}.currentTime - 2) < 0.1"
        _until(lambda: tab.evaluate(there))
        tab.get_by_role("button", name="Right").click()
        tab.get_by_text("Marked as right").wait_for()
        tab.get_by_label("It was another class").select_option("walk")
        tab.get_by_text("it was “walk”").wait_for()
        assert page.teacher.calls[-1] == ("correct", number, "wrong", "walk")
        tab.get_by_role("button", name="Delete").click()
        tab.get_by_role("button", name="Delete for good?").wait_for()
        assert page.controls.calls == []
        tab.get_by_role("button", name="Delete for good?").click()
        tab.get_by_text("No events so far today").wait_for()
        assert page.controls.calls == [("delete", number)]


def test_new_events_appear_by_themselves(browser, tmp_path):
    page = make_page()
    with served(page) as server, opened(browser, f"{server.url}#events") as tab:
        tab.get_by_text("No events so far today").wait_for()
        tab.wait_for_timeout(600)
        page.events.add("Hall", "fall", time.time(), 1.0)
        page.hub.count("events")
        tab.locator(".still").wait_for(timeout=5000)


def test_a_missed_event_is_kept(browser):
    page = make_page()
    with served(page) as server, opened(browser, f"{server.url}#watch") as tab:
        tab.locator(".card >> nth=1 >> text=This was").click()
        tab.get_by_label("This was", exact=True).select_option("fall")
        tab.get_by_label("In the last").fill("25")
        tab.get_by_role("button", name="Keep for training").click()
        _until(lambda: page.teacher.calls == [("missed", 1, "fall", 25)])
        tab.locator("dialog").wait_for(state="detached")


def test_teaching_from_nothing(browser, tmp_path):
    page = make_page(make_hub(1, labels=()))
    page.teacher.clip = write_clip(tmp_path / "clip.mp4")
    with served(page) as server, opened(browser, server.url) as tab:
        tab.locator("#teach:not([hidden])").wait_for()  # as there is no model
        assert tab.get_by_role("button", name="Learn", exact=True).is_disabled()
        for name in ("sit", "stand"):
            tab.get_by_label("New class").fill(name)
            tab.keyboard.press("Enter")
            tab.get_by_role("button", name=f"Hold to record {name}").wait_for()
        tab.get_by_label("Session").fill("morning")
        button = tab.get_by_role("button", name="Hold to record sit")
        button.focus()
        tab.keyboard.down(" ")
        tab.get_by_text("Recording · 3").wait_for()
        tab.get_by_text("1 clip", exact=True).wait_for(timeout=6000)  # the next one runs already
        tab.keyboard.up(" ")
        tab.get_by_role("button", name="Hold to record stand").hover()
        tab.mouse.down()
        tab.get_by_text("Recording · 1").wait_for(timeout=5000)
        tab.mouse.up()  # too early: nothing is kept
        tab.wait_for_timeout(800)
        kept = {each["name"]: each["count"] for each in page.teacher.classes()}
        assert kept == {"sit": 1, "stand": 0}
        assert ("begin", 0, "sit", "morning") in page.teacher.calls
        for name, count in (("sit", 2), ("stand", 3)):
            for _ in range(count):
                page.teacher.add_clip(0, name, "evening")
        tab.get_by_role("button", name="Watch").click()
        tab.get_by_role("button", name="Teach").click()
        tab.get_by_label("Clip of sit").first.click()
        tab.get_by_role("button", name="Delete").wait_for()
        tab.keyboard.press("Escape")
        tab.get_by_role("button", name="Learn", exact=True).click()
        tab.get_by_text("92 %").wait_for()
        tab.get_by_text("Only 2 sessions").wait_for()
        tab.locator("#teach .bars li >> nth=2").wait_for()  # the new model's answer
        assert tab.locator("#teach .bars .name").all_inner_texts() == list(LABELS)


def test_progress_and_its_end_are_shown(browser):
    page = make_page()
    with served(page) as server, opened(browser, f"{server.url}#teach") as tab:
        page.teacher.state = {"state": "running", "message": "Reading the clips", "fraction": 0.4}
        tab.get_by_text("Reading the clips · 40 %").wait_for()
        assert abs(tab.locator("progress").evaluate("each => each.value") - 0.4) < 0.01
        tab.get_by_role("button", name="Cancel").click()
        _until(lambda: ("cancel",) in page.teacher.calls)
        page.teacher.state = {"state": "refused", "message": "worse than before", "fraction": 1.0}
        tab.locator(".error", has_text="worse than before").wait_for()


def test_the_token_is_asked_for(browser):
    token = "a-token-of-24-characters"
    access = Access("0.0.0.0", 0, token=token)
    page = make_page(access=access)
    with served(page) as server:
        context = browser.new_context(**PHONE)
        tab = context.new_page()
        tab.goto(server.url)
        tab.get_by_label("Token").fill("wrong")
        tab.keyboard.press("Enter")
        tab.get_by_text("this is not the token").wait_for()
        tab.get_by_label("Token").fill(token)
        tab.get_by_role("button", name="Log in").click()
        tab.locator(".card >> nth=0 >> .picture:not(.off)").wait_for()
        assert token not in tab.content()
        assert tab.evaluate("document.cookie") == ""
        tab.get_by_role("button", name="Log out").click()
        tab.get_by_label("Token").wait_for()
        context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_nothing_is_wider_than_the_screen_and_everything_has_a_name(
    browser, tmp_path, device, scheme
):
    page = make_page(make_hub(3))
    fill_history(page.hub, 0, 100.0)
    page.hub.statuses()[2].name = "A very long name of a camera behind the second storage hall"
    page.hub.update(2, state="lost", reason="401 Unauthorized: wrong user or password " * 3)
    page.teacher.clip = write_clip(tmp_path / "clip.mp4", seconds=1)
    for name in ("a" * 60, "fall"):
        page.teacher.add_clip(0, name, "a session with a long name " * 2)
    page.events.add("Hall", "fall", time.time() - 1, 1.0)
    with (
        served(page, off=(2,)) as server,
        opened(browser, f"{server.url}#watch", **device, color_scheme=scheme) as tab,
    ):
        tab.locator(".card >> nth=2 >> .veil").wait_for()
        for view in ("watch", "events", "teach"):
            tab.click(f".tab[data-view={view}]")
            tab.wait_for_timeout(400)
            wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            assert tab.evaluate(wide) <= 0, view
            unnamed = tab.evaluate(
                """() => [...document.querySelectorAll("button, input, select, summary")]
                    .filter((each) => each.offsetParent && !each.ariaLabel && !each.labels?.length
                        && !each.textContent.trim())
                    .map((each) => each.outerHTML)"""
            )
            assert unnamed == [], view
        background = tab.evaluate("getComputedStyle(document.body).backgroundColor")
        assert background == {"light": "rgb(245, 246, 248)", "dark": "rgb(15, 19, 24)"}[scheme]


def test_the_focus_is_visible_and_reaches_everything(browser):
    page = make_page(make_hub(1))
    with served(page) as server, opened(browser, f"{server.url}#watch") as tab:
        tab.wait_for_selector(".card")
        reached = []
        for _ in range(14):
            tab.keyboard.press("Tab")
            seen = tab.evaluate(
                """() => {
                    const at = document.activeElement;
                    const style = getComputedStyle(at);
                    return [at.textContent.trim() || at.ariaLabel || at.role || at.tagName,
                            style.outlineStyle, parseFloat(style.outlineWidth)];
                }"""
            )
            if seen[0] != "" and tab.evaluate("document.activeElement !== document.body"):
                reached.append(seen[0])
                assert seen[1] != "none", seen
                assert seen[2] >= 2, seen
        for name in ("Skip to content", "Watch", "Events", "Teach", "switch", "⤢", "This was…"):
            assert name in reached
        assert "Alarm thresholds" in reached


def _until(true: Any, seconds: float = 5.0) -> None:
    """Wait until a condition holds."""
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends, "it did not happen in time"
        time.sleep(0.05)
