"""Files of timelines: equal content in every format, and subtitles that FFmpeg reads."""

import csv
import json

import av
import pytest

from metrics.timeline import TimelineSegment
from sequence.timeline_files import write_timeline
from video.errors import LookbackError, UsageError

SEGMENTS = [
    TimelineSegment("raise", 0.0, 2.5, 0.91236),
    TimelineSegment("background", 2.5, 4.0, 0.7),
    TimelineSegment("a --> b <i> & 打", 4.0, 3723.5004, 1.0),
    TimelineSegment("down", 3723.5004, 3723.5004, 0.5),
]


def test_the_table_has_every_segment(tmp_path):
    write_timeline(tmp_path / "new" / "a.csv", SEGMENTS)
    with (tmp_path / "new" / "a.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [*rows[0].values()] == ["raise", "0.000", "2.500", "0.9124"]
    assert [row["label"] for row in rows] == [each.label for each in SEGMENTS]


def test_json_has_every_segment_as_numbers(tmp_path):
    write_timeline(tmp_path / "a.json", SEGMENTS, "match.mp4")
    content = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert content["video"] == "match.mp4"
    first = {"label": "raise", "start": 0.0, "end": 2.5, "probability": 0.9124}
    assert content["segments"][0] == first
    assert len(content["segments"]) == 4


@pytest.mark.parametrize("suffix", [".srt", ".vtt", ".VTT"])
def test_players_read_the_subtitles(suffix, tmp_path):
    path = tmp_path / f"a{suffix}"
    write_timeline(path, SEGMENTS)
    with av.open(str(path)) as file:
        (stream,) = file.streams.subtitles
        packets = [packet for packet in file.demux(stream) if packet.size]
        times = [(packet.pts, packet.pts + packet.duration) for packet in packets]
        texts = [bytes(packet).decode() for packet in packets]
    assert stream.time_base == pytest.approx(1e-3)
    assert times == [(0, 2500), (4000, 3723500)]
    assert texts[0] == "raise (0.91)"
    wanted = (
        "a -> b <i> & 打 (1.00)" if suffix == ".srt" else "a --&gt; b &lt;i&gt; &amp; 打 (1.00)"
    )
    assert texts[1] == wanted


def test_a_timeline_without_segments_is_a_valid_file(tmp_path):
    for suffix in (".csv", ".json", ".srt", ".vtt"):
        write_timeline(tmp_path / f"a{suffix}", [])
    assert (tmp_path / "a.csv").read_text() == "label,start,end,probability\n"
    assert (tmp_path / "a.vtt").read_text() == "WEBVTT\n"


def test_another_suffix_and_a_place_that_cannot_be_written_are_one_line(tmp_path):
    with pytest.raises(UsageError, match=r"a\.txt: the suffix names the format; use \.csv, "):
        write_timeline(tmp_path / "a.txt", SEGMENTS)
    (tmp_path / "file").write_text("")
    with pytest.raises(LookbackError, match=r"a\.srt: cannot be written"):
        write_timeline(tmp_path / "file" / "a.srt", SEGMENTS)
