"""What headers of files say."""

from datetime import UTC, datetime

import av
import numpy as np
import pytest

from clips.inspection.media import Media, device_of, media_of, recorded_at


def write_tagged(path, tags: dict[str, str], sound: bool) -> None:
    options = {"movflags": "use_metadata_tags"}
    with av.open(str(path), "w", format="mov", options=options) as container:
        container.metadata.update(tags)
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        audio = container.add_stream("pcm_s16le", rate=8000) if sound else None
        for _ in range(5):
            image = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
            container.mux(stream.encode(image))
        container.mux(stream.encode(None))
        if audio:
            tone = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), "s16", "mono")
            tone.rate = 8000
            container.mux(audio.encode(tone))
            container.mux(audio.encode(None))


def test_a_phones_file(tmp_path):
    path = tmp_path / "a.mov"
    tags = {
        "com.apple.quicktime.make": "Apple",
        "com.apple.quicktime.model": "iPhone 15",
        "com.apple.quicktime.creationdate": "2024-05-01T14:30:00+0200",
    }
    write_tagged(path, tags, sound=True)
    found = media_of(path)
    assert found == Media(
        codec="mpeg4",
        rate=25.0,
        bytes=path.stat().st_size,
        sound=True,
        recorded=datetime(2024, 5, 1, 12, 30, tzinfo=UTC),
        device="Apple iPhone 15",
    )


def test_a_file_without_sound_and_tags(tmp_path):
    path = tmp_path / "a.mov"
    write_tagged(path, {}, sound=False)
    found = media_of(path)
    assert (found.sound, found.recorded, found.device) == (False, None, "")


def test_a_file_that_is_no_video_or_missing_has_defaults(tmp_path):
    path = tmp_path / "a.mp4"
    path.write_text("no video")
    assert media_of(path) == Media(bytes=8)
    assert media_of(tmp_path / "none.mp4") == Media()


@pytest.mark.parametrize(
    "tags",
    [
        {},
        {"creation_time": "1970-01-01T00:00:00Z"},
        {"date": "2019"},
        {"date": "yesterday at noon"},
    ],
)
def test_placeholders_are_no_time_of_recording(tags):
    assert recorded_at(tags) is None


def test_a_cameras_handler_is_a_device_and_a_programs_is_not():
    assert device_of({"handler_name": "GoPro AVC"}) == "GoPro AVC"
    assert device_of({"handler_name": "ISO Media file produced by Google Inc."}) == ""
