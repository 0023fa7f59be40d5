"""The flags of cameras: those that do not fit together, each refused in one line."""

import re
from types import SimpleNamespace

import pytest

from live.watching import service
from lookback.commands.run import main
from video.errors import UsageError

CAMERAS = "hall: 0\n"

REFUSED = {
    "--webcam --video match.mp4": "goes with no camera",
    "--video match.mp4 --alarm fight": "--alarm is for cameras",
    "--video match.mp4 --serve": "--serve is for cameras",
    "--video match.mp4 --once": "--once is for cameras",
    "--video match.mp4 --events here": "--events is for cameras",
    "--video match.mp4 --notify targets.yaml": "--notify is for cameras",
    "--video match.mp4 --mqtt mqtt.yaml": "--mqtt is for cameras",
    "--no-window": "is required",
    "--webcam --no-window --serve-name hall": "--serve-name is for the page",
    "--webcam --no-window --token FILE": "--token is for the page",
    "--webcam --no-window --notify-when end": "--notify-when: name the file",
    "--notify-test": "--notify-test: name the file",
    "--webcam 0 --webcam 1": "one window shows one camera",
    "--webcam 0 --webcam 1 --no-window --save a.mp4": "--save writes one camera",
    "--webcam 0 --webcam 0 --no-window": "camera 0: two cameras",
    "--webcam --no-window --save a.avi": "name it .mp4",
    "--webcam --no-window --csv a.mp4 --save a.mp4": "is the file of --csv as well",
    "--url 0": "that is for --webcam",
    "--webcam rtsp://ann:geheim@host/1": "that is for --url",
    "--webcam --no-window --notify-when never": "live.messages.when",
    "--cameras nowhere.yaml --no-window": "nowhere.yaml",
}


@pytest.mark.parametrize("flags", REFUSED)
def test_flags_that_do_not_fit_together(flags, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "match.mp4").touch()
    with pytest.raises(UsageError if "nowhere" not in flags else Exception) as refused:
        main(flags.split())
    line = str(refused.value)
    assert re.search(re.escape(REFUSED[flags]), line), line
    assert "\n" not in line
    assert "geheim" not in line


@pytest.fixture
def watched(monkeypatch):
    """Return the options with which cameras would be watched."""
    made = SimpleNamespace(options=None)

    def watch(options, settings) -> None:
        made.options, made.settings = options, settings

    monkeypatch.setattr(service, "watch", watch)
    return made


def names(watched, *flags: str) -> list[str]:
    assert main([*flags, "--no-window"]) == 0
    return [camera.name for camera in watched.options.cameras]


def test_streams_that_differ_in_what_is_not_shown_have_numbers(watched):
    first, second = "rtsp://a:geheim@host/cam?channel=1", "rtsp://a:geheim@host/cam?channel=2"
    assert names(watched, "--url", first, "--url", second) == [
        "rtsp://host/cam",
        "rtsp://host/cam (2)",
    ]
    assert [camera.address for camera in watched.options.cameras] == [first, second]


def test_cameras_of_a_file_and_of_flags_together(watched, tmp_path):
    file = tmp_path / "cameras.yaml"
    file.write_text(CAMERAS)
    made = names(watched, "--cameras", str(file), "--webcam", "1", "--url", "rtsp://h/1")
    assert made == ["hall", "camera 1", "rtsp://h/1"]


def test_the_page_alone_watches_the_first_webcam(watched):
    assert names(watched, "--serve") == ["camera 0"]
    assert not watched.options.outputs.window


@pytest.mark.parametrize(
    "flags", [["--alarm", "fight"], ["--events", "here"], ["--notify", "f"], ["--mqtt", "f"]]
)
def test_what_acts_on_events(watched, flags):
    names(watched, "--webcam", *flags)
    assert watched.options.acts
    names(watched, "--webcam")
    assert not watched.options.acts


def test_classes_of_the_command_line_replace_those_of_the_recipe(watched):
    names(watched, "--webcam", "--alarm", "fight", "--alarm", "fall")
    assert watched.settings.recipe.alarms.classes == ("fight", "fall")
