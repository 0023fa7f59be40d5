"""The file of cameras: what it may hold, and one line for what it may not."""

import os

import pytest

from live.cameras.config import CameraConfig, camera_of, load_cameras
from video.errors import UsageError


def write(tmp_path, text: str, mode: int = 0o600):
    path = tmp_path / "cameras.yaml"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_whole_file(tmp_path, monkeypatch):
    monkeypatch.setenv("DOOR_PASSWORD", "p@ss:w#rd/?")
    cameras = load_cameras(
        write(
            tmp_path,
            """
door:
  address: rtsp://10.0.0.7:554/stream
  user: admin
  password: ${DOOR_PASSWORD}
  fps: 12.5
  armed: [Mon-Fri 18:00-06:00, Sat]
  privacy: [[[0, 0], [0.5, 0], [0.5, 1]]]
  alarms: {threshold_on: 0.9}
  alarms_per_class: {fall: {hold_seconds: 3}}
hall: 1
yard: /dev/video2
""",
        )
    )
    door, hall, yard = cameras
    assert (door.kind, door.user, door.fps) == ("url", "admin", 12.5)
    assert door.full_address == "rtsp://admin:p%40ss%3Aw%23rd%2F%3F@10.0.0.7:554/stream"
    assert door.armed == ("Mon-Fri 18:00-06:00", "Sat")
    assert door.privacy == (((0, 0), (0.5, 0), (0.5, 1)),)
    assert door.alarms == {"threshold_on": 0.9}
    assert door.alarms_per_class == {"fall": {"hold_seconds": 3}}
    assert (hall.kind, hall.address) == ("webcam", 1)
    assert (yard.kind, yard.address) == ("webcam", "/dev/video2")


def test_a_password_is_in_no_text_of_a_camera():
    camera = CameraConfig("door", "url", "rtsp://h/1?token=geheim", "admin", "geheim")
    assert "geheim" not in f"{camera!r} {camera}"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "write a camera as NAME"),
        ("- 1", "write a camera as NAME"),
        ("door: [1]", r"door: write \{address"),
        ("door: {user: a}", r"door\.address: field required"),
        ("door: {address: rtsp://h, colour: 1}", r"door\.colour: extra"),
        ("door: {adress: rtsp://h}", r"door\.adress: extra .*; did you mean address\?"),
        ("door: 0\nhall: 1\ndoor: 2", r"a name or key is there twice \(line 3\)"),
        ("door: {address: rtsp://h, fps: 0}", r"door\.fps: "),
        ("door: {address: rtsp://h, privacy: [[[0, 0], [1, 1]]]}", r"door\.privacy\.0: "),
        ("door: {address: rtsp://h, privacy: [[[0, 0], [1, 1], [2, 0]]]}", r"door\.privacy\.0\.2"),
        ("door: {address: rtsp://h, alarms: {threshold_on: 2}}", r"door\.alarms\.threshold_on"),
        (
            "door: {address: rtsp://h, password: '${NONE_SUCH}'}",
            "door.password: .*NONE_SUCH is not",
        ),
        ("door: missing.mp4", r"door\.address: .*missing\.mp4: there is no such file"),
        ("door: {password: geheim", r"is not YAML \(line"),
        ('"front\\ndoor": 0', r"'front\\ndoor': a name is one line"),
        ('" ": 0', "' ': a name is one line of visible characters"),
    ],
)
def test_a_wrong_file_is_one_line_without_a_secret(text, problem, tmp_path):
    with pytest.raises(UsageError, match=problem) as raised:
        load_cameras(write(tmp_path, text))
    assert "\n" not in str(raised.value)
    assert "geheim" not in str(raised.value)


def test_a_missing_file_is_one_line(tmp_path):
    with pytest.raises(UsageError, match=r"--cameras .*none\.yaml: No such file"):
        load_cameras(tmp_path / "none.yaml")


@pytest.mark.skipif(os.name != "posix", reason="Windows has no modes")
def test_a_file_with_a_password_that_others_may_read_is_named(tmp_path, monkeypatch, caplog):
    text = "door: {address: rtsp://h/1, user: a, password: geheim}"
    load_cameras(write(tmp_path, text, 0o644))
    assert "chmod 600" in caplog.text
    assert "geheim" not in caplog.text
    caplog.clear()
    load_cameras(write(tmp_path, text, 0o600))
    load_cameras(write(tmp_path, "door: 0", 0o644))
    assert not caplog.text
    monkeypatch.setenv("DOOR_PASSWORD", "geheim")  # the file itself holds no secret
    text = "door: {address: rtsp://h/1, user: a, password: '${DOOR_PASSWORD}'}"
    load_cameras(write(tmp_path, text, 0o644))
    assert not caplog.text
    load_cameras(write(tmp_path, "door: rtsp://a:geheim@h/1", 0o644))
    assert "chmod 600" in caplog.text


def test_a_camera_of_the_command_line_is_named_without_its_secrets():
    assert camera_of("rtsp://a:geheim@h/1?token=geheim").name == "rtsp://h/1"
    assert camera_of(0).name == "camera 0"
