"""Sinks of decisions. A new sink is one module here and one line in `live/runner.py`."""

from live.sinks.base import Sink, StopRequested
from live.sinks.csv_sink import CsvSink
from live.sinks.segments_sink import SegmentsSink
from live.sinks.terminal_sink import ChangeLines, StepLines
from live.sinks.video_sink import VideoSink
from live.sinks.window_sink import WindowSink

__all__ = [
    "ChangeLines",
    "CsvSink",
    "SegmentsSink",
    "Sink",
    "StepLines",
    "StopRequested",
    "VideoSink",
    "WindowSink",
]
