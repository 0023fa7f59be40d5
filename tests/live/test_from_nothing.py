"""The whole path without a terminal: classes, clips, Learn, and a model that tells them apart."""

import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import SHARED
from tests.live.mjpeg import MjpegCamera
from tests.live.page.browser import DESKTOP, chromium
from tests.rooms import ROOT

pytestmark = [pytest.mark.live_servers, pytest.mark.shared]

_WEIGHTS = SHARED / "weights" / "mobilenet_2_5_224_tf_no_top.h5"
_CLIPS = 10
_CLIP_SECONDS = 3.0


def square(speed: float, size: int = 24):
    """Return a scene: a bright square on a gray wall that moves to and fro, or stands still."""
    wall = np.random.default_rng(1).integers(90, 110, (240, 320, 3), dtype=np.uint8)

    def picture(seconds: float) -> np.ndarray:
        image = wall.copy()
        x = int(140 + 100 * np.sin(speed * seconds))
        image[100 : 100 + size, x : x + size] = (240, 220, 40)
        return image

    return picture


def line_of(process: subprocess.Popen, pattern: str, seconds: float = 60.0) -> re.Match:
    """Return the first line of a process's output that matches."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        line = process.stdout.readline()
        if found := re.search(pattern, line):
            return found
    raise AssertionError(f"no line like {pattern}")


def test_two_classes_filmed_from_a_camera_end_in_a_model_that_tells_them_apart(tmp_path: Path):
    if not _WEIGHTS.is_file():
        pytest.skip(f"needs {_WEIGHTS.name} of the shared test data")
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(f"backbone: {{name: mobilenet_025, weights: '{_WEIGHTS}'}}\n")
    places = ["--data", tmp_path / "data", "--weights", tmp_path / "weights"]
    places += ["--events", tmp_path / "events", "--recipe", recipe]
    still, moving = square(0.0), square(4.0)
    with MjpegCamera(still) as camera, chromium() as browser:
        command = [sys.executable, "run.py", "--url", camera.address, *places]
        process = subprocess.Popen(
            [*command, "--serve", "127.0.0.1:0"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            address = line_of(process, r"the page: (\S+)")[1]
            tab = browser.new_context(**DESKTOP).new_page()
            tab.goto(address)
            tab.locator("#teach:not([hidden])").wait_for()
            for name in ("rest", "move"):
                tab.get_by_label("New class").fill(name)
                tab.keyboard.press("Enter")
                tab.get_by_role("button", name=f"Hold to record {name}").wait_for()
            for part, session in enumerate(("morning", "evening"), 1):
                tab.get_by_label("Session").fill(session)
                for name, scene in (("rest", still), ("move", moving)):
                    camera.picture = scene
                    time.sleep(0.5)
                    tab.get_by_role("button", name=f"Hold to record {name}").hover()
                    tab.mouse.down()
                    wanted = _CLIPS // 2 * part
                    clips = tab.locator("#teach").get_by_text(re.compile(rf"^{wanted} clips"))
                    clips.nth(0 if name == "rest" or part == 1 else 1).wait_for(timeout=60_000)
                    tab.mouse.up()
            began = time.monotonic()
            tab.get_by_role("button", name="Learn", exact=True).click()
            tab.locator("#teach .bars li >> nth=1").wait_for(timeout=170_000)
            seconds = time.monotonic() - began
            print(f"\n{2 * _CLIPS} clips of {_CLIP_SECONDS:.0f} s | Learn took {seconds:.0f} s")
            tab.screenshot(path=str(tmp_path / "learned.png"), full_page=True)
            for name, scene in (("move", moving), ("rest", still), ("move", moving)):
                camera.picture = scene
                time.sleep(6)
                state = tab.evaluate("fetch('/api/state').then(answer => answer.json())")
                assert state["cameras"][0]["label"] == name
                assert state["cameras"][0]["probability"] > 0.7
            assert seconds < 120  # 60 s on an idle computer of two cores; the tests share theirs
        finally:
            process.terminate()
            rest, _ = process.communicate(timeout=20)
            print(rest[-2000:])
    assert (tmp_path / "weights" / "model.yaml").is_file()
