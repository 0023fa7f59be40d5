"""Calls to FFmpeg: an error inside a video rejects that video, and bugs still show."""

import logging
import os
import traceback

import av
import cv2
import pytest

from clips.finding.probing import decode
from extract.pipeline.reader import batches_of
from tests import rooms
from video import libav
from video.errors import UsageError, VideoError
from video.libav import address_of, failing_as, is_own, reason
from video.preprocessing import Preprocessing
from video.sampling import Sampling
from video.scaling import Scaler
from video.sources import FileSource
from video.sources import file as file_module
from video.steps import Stepper


@pytest.mark.parametrize("name", ["12:30.mp4", "a.mp4", "-a.mp4", "x/../b:c.mp4"])
def test_an_address_is_an_absolute_path(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert os.path.isabs(address_of(name))
    (tmp_path / "x").mkdir()
    (tmp_path / os.path.normpath(name)).touch()
    assert os.path.samefile(address_of(name), name)


def _raised_by(call) -> Exception:
    try:
        call()
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


def _of_ffmpeg(kind: type[av.FFmpegError]) -> Exception:
    return kind(1, "Words of FFmpeg", "/secret/place.mp4")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (_of_ffmpeg(av.DecoderNotFoundError), "no decoder for its codec"),
        (_of_ffmpeg(av.InvalidDataError), "damaged, or not a video"),
        (_of_ffmpeg(av.error.MemoryError), "damaged header"),
        (_of_ffmpeg(av.ExitError), "no data arrived in time"),
        (_of_ffmpeg(av.error.PermissionError), "Words of FFmpeg"),
        (PermissionError(13, "Permission denied", "/secret/place.mp4"), "Permission denied"),
        (IndexError("list index out of range"), "damaged header or data: list index out of range"),
        (RuntimeError("two\nlines"), "two lines"),
        (RuntimeError(), "RuntimeError"),
    ],
)
def test_a_reason_is_one_line_in_plain_words(error, words):
    assert reason(error).startswith(words)
    assert "\n" not in reason(error)
    assert "secret" not in reason(error)


_FAILURES = [
    IndexError("list index out of range"),
    AttributeError("'NoneType' object has no attribute 'thread_count'"),
    KeyError("side data"),
    TypeError("an integer is required"),
    RuntimeError("bang"),
    NotImplementedError("of a library"),
    AssertionError("Container is not open"),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    OverflowError("too large"),
    OSError(5, "Input/output error"),
    cv2.error("bang"),
    _of_ffmpeg(av.error.MemoryError),
    _of_ffmpeg(av.BugError),
]


def _breaking(error: Exception):
    def call(*_, **__):
        raise error

    return call


@pytest.mark.parametrize("error", _FAILURES, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("place", ["best_stream", "orientation_of", "nominal_rate"])
def test_whatever_a_library_raises_rejects_the_video_alone(coded_video, monkeypatch, error, place):
    path = coded_video(frames=4)
    monkeypatch.setattr(file_module, place, _breaking(error))
    with pytest.raises(VideoError) as raised:
        decode(path)
    assert str(raised.value).startswith(f"{path}: cannot be read as a video (")
    assert "\n" not in str(raised.value)
    stepper = Stepper(Sampling(10.0), Preprocessing(32, 24), 1)
    (batch,) = batches_of("clip", path, stepper, 8)
    assert batch.error == str(raised.value)


@pytest.mark.parametrize("error", _FAILURES, ids=lambda error: type(error).__name__)
def test_what_a_library_raises_later_rejects_the_video_as_well(coded_video, monkeypatch, error):
    path, turned = coded_video(frames=6), file_module.orientation_of
    with FileSource(path) as source:
        frames = iter(source)
        next(frames)
        monkeypatch.setattr(file_module, "orientation_of", _breaking(error))
        with pytest.raises(VideoError) as raised:
            list(frames)
    assert str(raised.value).startswith(f"{path}: reading stopped before the end (")
    monkeypatch.setattr(file_module, "orientation_of", turned)
    assert len(list(FileSource(path))) == 6


@pytest.mark.parametrize("error", [MemoryError("all gone"), KeyboardInterrupt(), SystemExit(3)])
def test_missing_memory_and_the_wish_to_end_pass(coded_video, monkeypatch, error):
    path = coded_video(frames=4)
    monkeypatch.setattr(file_module, "nominal_rate", _breaking(error))
    with pytest.raises(type(error)):
        FileSource(path)


def test_errors_for_the_user_pass_as_they_are():
    with pytest.raises(UsageError, match=r"^wrong$"), failing_as("clip", "cannot be read"):
        raise UsageError("wrong")


def _our_own(error: Exception):
    """Return a call that raises from a file of a room."""
    code = compile(
        "def call(*_, **__):\n    raise error", str(libav._ROOT / "video/bug.py"), "exec"
    )
    names = {"error": error}
    exec(code, names)
    return names["call"]


@pytest.mark.parametrize("kind", [NameError, ImportError, AssertionError, NotImplementedError])
def test_a_programming_error_of_ours_rejects_no_video(coded_video, monkeypatch, kind):
    path = coded_video(frames=4)
    monkeypatch.setattr(file_module, "nominal_rate", _our_own(kind("a bug")))
    with pytest.raises(kind, match="a bug"):
        decode(path)


@pytest.mark.own_faults
@pytest.mark.parametrize("kind", [TypeError, ZeroDivisionError, AttributeError])
def test_another_error_of_ours_rejects_the_video_and_is_called_a_bug(
    coded_video, monkeypatch, caplog, kind
):
    path = coded_video(frames=4)
    monkeypatch.setattr(file_module, "nominal_rate", _our_own(kind("a bug")))
    words = "a bug in Lookback, please report it"
    with (
        caplog.at_level(logging.DEBUG, "lookback.video"),
        pytest.raises(VideoError, match=words) as raised,
    ):
        decode(path)
    assert f"{kind.__name__}: a bug" in str(raised.value)
    (record,) = caplog.records
    assert is_own(record.exc_info[1])
    assert "bug.py" in "".join(traceback.format_exception(record.exc_info[1]))


def test_the_log_of_an_error_of_ffmpeg_holds_no_address(caplog):
    with (
        caplog.at_level(logging.DEBUG, "lookback.video"),
        pytest.raises(VideoError),
        failing_as("clip", "cannot be read"),
    ):
        raise _of_ffmpeg(av.InvalidDataError)
    assert "secret" not in caplog.text
    assert "InvalidDataError" in caplog.text


def test_a_librarys_error_is_not_ours_and_ours_is():
    assert not is_own(_raised_by(lambda: av.open("/none.mp4")))
    assert not is_own(_raised_by(lambda: av.VideoFrame.from_ndarray(None)))
    assert is_own(_raised_by(_our_own(ValueError("a bug"))))
    assert not is_own(ValueError("raised by nobody"))


def test_an_image_that_cannot_be_converted_rejects_its_video(coded_video, monkeypatch):
    path = coded_video(frames=4)
    monkeypatch.setattr(Scaler, "rgb", _breaking(ValueError("Unsupported format")))
    stepper = Stepper(Sampling(10.0), Preprocessing(32, 24), 1)
    (batch,) = batches_of("clip", path, stepper, 8)
    words = "frame 0 in yuv420p cannot be converted (damaged header or data: Unsupported format)"
    assert batch.error == f"{path}: {words}"


def test_every_package_of_the_project_counts_as_own_code():
    assert set(rooms.PACKAGES) == libav._ROOMS
