"""A source after the wrong flag of run.py is refused with the right one, before anything loads."""

import pytest

from live.cameras.addresses import require_right_flag


@pytest.mark.parametrize(
    ("flag", "address", "right"),
    [
        ("--video", "rtsp://host/stream", "--url ADDRESS"),
        ("--webcam", "http://admin:secret@host/" + 300 * "x", "--url ADDRESS"),
        ("--url", "0", "--webcam 0"),
        ("--video", "1", "--webcam 1"),
        ("--url", "/dev/video2", "--webcam /dev/video2"),
        ("--video", "/dev/video2", "--webcam /dev/video2"),
        ("--webcam", "README.md", "--video README.md"),
    ],
)
def test_a_source_of_another_kind_names_the_right_flag(flag, address, right, end_of):
    ending = end_of("run.py", flag, address)
    ending.is_refusal(flag, f"python run.py {right}", code=2)
    assert "secret" not in ending.errors[0]


@pytest.mark.parametrize(
    ("flag", "address"),
    [("--video", "0"), ("--url", "0"), ("--webcam", "0"), ("--url", "a.mp4"), ("--video", "a.mp4")],
)
def test_a_file_of_any_name_is_taken_by_video_and_url(flag, address, tmp_path, monkeypatch):
    (tmp_path / address).touch()
    monkeypatch.chdir(tmp_path)
    require_right_flag(flag.removeprefix("--"), address)


@pytest.mark.parametrize(
    ("script", "flag", "value"),
    [("run.py", "--video", "-clip.mp4"), ("extract.py", "--data", "-d")],
)
def test_a_value_that_begins_with_a_dash_is_shown_how_to_write(script, flag, value, end_of):
    end_of(script, flag, value).is_refusal(
        f"write a value that begins with - as {flag}={value}", code=2
    )


def test_a_flag_without_its_value_is_only_that(end_of):
    ending = end_of("run.py", "--video", "--no-window")
    ending.is_refusal("--video: expected one argument", code=2)
    assert "begins with -" not in ending.errors[0]
