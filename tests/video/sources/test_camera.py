"""Cameras: never an old frame, and a note on why it ended."""

import time

import cv2
import pytest

from tests.conftest import coded_frame, read_code
from video.errors import VideoError
from video.sampling import Sampling
from video.sources import CameraSource, newest
from video.steps import Preprocessing, Stepper


def test_a_reader_that_keeps_up_gets_every_frame(device):
    device.give(coded_frame(0))  # the first is looked at for its size
    with CameraSource(0) as camera:
        frames = iter(camera)
        for number in range(1, 6):
            device.give(coded_frame(number))
            frame = next(frames)
            assert (read_code(frame.rgb), frame.index) == (number, number - 1)
        device.give(None)


def test_a_slow_reader_gets_the_newest_frame(device):
    device.give(coded_frame(0), coded_frame(1))
    with CameraSource(0) as camera:
        frames = iter(camera)
        assert read_code(next(frames).rgb) == 1
        device.give(*(coded_frame(number) for number in range(2, 21)))
        device.wait_until_asked(22)
        late = next(frames)
        assert read_code(late.rgb) == 20
        device.give(coded_frame(21))
        assert read_code(next(frames).rgb) == 21
        device.give(None)


def test_time_and_steps_start_with_the_first_frame_that_is_read(device):
    device.give(*(coded_frame(number) for number in range(8)))
    with CameraSource(0) as camera:
        device.wait_until_asked(9)  # a window opens, a model warms up: frames go by
        stepper = Stepper(Sampling(None, stride=2), Preprocessing(32, 24), 1)
        frames = iter(camera)
        first = next(frames)
        assert (first.index, first.seconds, read_code(first.rgb)) == (0, 0.0, 7)
        assert len(list(stepper.push(first))) == 1
        device.give(coded_frame(8))
        second = next(frames)
        assert list(stepper.push(second)) == []
        device.give(coded_frame(9))
        assert [read_code(step.clip[0]) for step in stepper.push(next(frames))] == [9]
        device.give(None)


def test_colors_are_not_swapped(device):
    red = coded_frame(0)
    red[:] = (250, 20, 10)
    device.give(red, red, None)
    with CameraSource(0) as camera:
        assert next(iter(camera)).rgb[0, 0].tolist() == [250, 20, 10]


def test_a_disconnected_camera_ends_the_frames_with_a_note(device):
    device.give(coded_frame(0), coded_frame(1), None)
    with CameraSource(0) as camera:
        assert [read_code(frame.rgb) for frame in camera] == [1]
        assert "disconnected" in camera.note
    assert device.released == 1


@pytest.mark.parametrize("times", [1, 3])
def test_a_camera_that_fails_to_read_now_and_then_goes_on(device, times):
    device.give(coded_frame(0), coded_frame(1))
    with CameraSource(0) as camera:
        frames = iter(camera)
        assert read_code(next(frames).rgb) == 1
        device.lose(times)
        device.give(coded_frame(2))
        assert read_code(next(frames).rgb) == 2
        assert camera.note == ""
        device.give(None)


def test_no_step_is_made_of_the_time_in_which_a_camera_was_silent(device, monkeypatch):
    monkeypatch.setattr(newest, "LIVE_GAP_SECONDS", 0.2)
    device.give(coded_frame(0), coded_frame(1))
    stepper = Stepper(Sampling(10.0), Preprocessing(32, 24), 1)
    with CameraSource(0) as camera:
        frames, steps = iter(camera), []
        steps += stepper.push(next(frames))
        time.sleep(1.0)
        device.give(coded_frame(2))
        steps += stepper.push(next(frames))
        device.give(None)
    assert [step.index for step in steps] == [0, 1]
    assert [read_code(step.clip[0]) for step in steps] == [1, 2]
    assert steps[1].seconds > 0.9


def test_a_reader_that_is_slow_makes_no_gap(device, monkeypatch):
    monkeypatch.setattr(newest, "LIVE_GAP_SECONDS", 0.2)
    device.give(coded_frame(0), coded_frame(1))
    with CameraSource(0) as camera:
        frames = iter(camera)
        assert not next(frames).after_gap
        for number in range(2, 10):
            device.give(coded_frame(number))
            time.sleep(0.05)
        assert not next(frames).after_gap
        device.give(None)


def test_a_gap_is_kept_though_the_frame_after_it_is_dropped(device, monkeypatch):
    monkeypatch.setattr(newest, "LIVE_GAP_SECONDS", 0.2)
    device.give(coded_frame(0), coded_frame(1))
    with CameraSource(0) as camera:
        frames = iter(camera)
        next(frames)
        time.sleep(0.3)
        device.give(*(coded_frame(number) for number in range(2, 6)))
        device.wait_until_asked(7)
        frame = next(frames)
        assert (read_code(frame.rgb), frame.after_gap) == (5, True)
        device.give(None)


def test_a_camera_that_is_closed_by_the_reader_has_no_note(device):
    device.give(coded_frame(0), coded_frame(1), coded_frame(2))
    camera = CameraSource(0)
    next(iter(camera))
    device.wait_until_asked(4)
    device.give(coded_frame(3))
    camera.close()
    assert camera.note == ""
    assert device.released == 1


def test_an_error_while_reading_ends_the_frames_with_a_note(device):
    device.give(coded_frame(0), coded_frame(1))
    device.fail(RuntimeError("the driver is gone"))
    with CameraSource(0) as camera:
        assert len(list(camera)) <= 1
        assert camera.note == "reading failed (the driver is gone)"
    assert device.released == 1


def test_a_camera_that_falls_silent_is_given_up(device, monkeypatch):
    monkeypatch.setattr(newest, "SILENCE_SECONDS", 0.1)
    device.give(coded_frame(0), coded_frame(1))
    camera = CameraSource(0)
    assert [read_code(frame.rgb) for frame in camera] == [1]
    assert camera.note.startswith("gave no frame for")
    device.give(None)
    camera.close()


def test_a_camera_that_cannot_be_opened_says_what_to_look_at(device):
    device.plugged_in = False
    with pytest.raises(VideoError, match="camera 3: cannot be opened; check that it is plugged in"):
        CameraSource(3)
    assert device.released == 1


def test_a_camera_that_opens_but_shows_nothing_is_refused(device):
    device.give(None)
    with pytest.raises(VideoError, match="camera 0: cannot be opened"):
        CameraSource(0)
    assert device.released == 1


@pytest.mark.parametrize("error", [cv2.error("no such backend"), OSError(5, "Input/output error")])
def test_an_error_of_opencv_at_the_start_is_one_line(device, error):
    device.fail(error)
    with pytest.raises(VideoError, match=r"^camera 0: cannot be opened \(.*\)$"):
        CameraSource(0)


def test_a_device_name_is_handed_on_as_it_is(device):
    device.give(coded_frame(0), None)
    with CameraSource("/dev/video2") as camera:
        assert camera.name == "camera /dev/video2"
    assert device.opened_as == "/dev/video2"


@pytest.mark.parametrize(("told", "rate"), [(25.0, 25.0), (0.0, 30.0), (-1.0, 30.0), (90000, 30.0)])
def test_a_rate_that_cannot_be_is_taken_for_thirty(device, told, rate):
    device.rate = told
    device.give(coded_frame(0), None)
    with CameraSource(0) as camera:
        assert camera.rate == rate
