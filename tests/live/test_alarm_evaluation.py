"""evaluate --alarms on scripted probabilities, without a network."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from clips.manifest import Entry, Manifest
from clips.manifest.segments import Segment
from live.alarm_evaluation import (
    find_videos,
    measure_alarms,
    record_videos,
    refuse_known_videos,
    refuse_split_in_time,
)
from live.alarm_report import json_of, text_of
from live.alarms.measurement import Recording, Watching
from live.alarms.rule import Rule
from live.decision import Decision
from tests.conftest import read_code
from video.errors import LookbackError
from video.frame import Frame

LABELS = ("background", "fall")
RULE = Rule("fall", 0.8, 0.5, "none", hold_seconds=0.2, release_seconds=0.3)
WATCHING = Watching(LABELS)


class ScriptedModel:
    """Decides by the number that `coded_frame` drew: its hundredth is the probability of a fall."""

    labels = LABELS
    extractor = SimpleNamespace(config=SimpleNamespace(sampling=None))

    def decisions(self, frames: Iterable[Frame]) -> Iterator[Decision]:
        for step, frame in enumerate(frames):
            fall = read_code(frame.rgb)
            values = np.array([100 - fall, fall]) / 100
            yield Decision(step, frame.seconds, values, LABELS, 0.5, full=step >= 5)


def recording(name: str, values, rate: float = 10.0) -> Recording:
    falls = np.asarray(values, float)
    both = np.stack([1 - falls, falls], axis=1)
    return Recording(name, np.arange(len(falls)) / rate, both, np.ones(len(falls), bool))


def hours_of(hours: float, bursts: list[float]) -> Recording:
    """Return a recording at 2 steps a second: each burst is a second at its probability."""
    values = np.full(round(hours * 7200) + 1, 0.05)
    for number, value in enumerate(bursts, 1):
        values[number * 120 : number * 120 + 3] = value
    return recording("night.mp4", values, rate=2.0)


def measured(hours: float, bursts: list[float], wanted: float, clips=(0.9, 0.9, 0.7)):
    tested = [recording(f"{n}.mp4", [0.1] * 5 + [value] * 20) for n, value in enumerate(clips)]
    segments = [Segment(each.name, "fall", "test", each.name, 0.5) for each in tested]
    return measure_alarms([hours_of(hours, bursts)], tested, segments, [RULE], WATCHING, wanted)


def test_rates_recall_and_delay():
    report = measured(2.0, [0.95, 0.85, 0.6], wanted=0.1)
    values = json_of(report)
    assert values["hours"] == pytest.approx(2.0)
    falls = values["classes"]["fall"]
    assert (falls["false_alarms"], falls["per_hour"]) == (2, pytest.approx(1.0))
    assert falls["per_hour_interval"] == pytest.approx([0.2422 / 2, 7.2247 / 2], abs=1e-3)
    assert (falls["hits"], falls["clips"]) == (2, 3)
    assert falls["recall_interval"] == pytest.approx([0.2077, 0.9385], abs=1e-3)
    assert falls["delay_median"] == pytest.approx(0.2)
    assert [each["started"] for each in values["videos"][0]["false_alarms"]] == [60.0, 120.0]
    by_threshold = {row["threshold_on"]: row for row in falls["sweep"]}
    assert by_threshold[0.5]["false_alarms"] == 3
    assert (by_threshold[0.9]["false_alarms"], by_threshold[0.9]["hits"]) == (1, 2)
    json.dumps(values)
    lines = text_of(report).splitlines()
    place = lines.index("The false alarms with the highest probability:")
    assert lines[place + 1 : place + 4] == [
        "  0.95  fall  night.mp4 at 0:01:00",
        "  0.85  fall  night.mp4 at 0:02:00",
        "",
    ]


def test_a_rate_is_not_promised_from_too_few_hours():
    report = measured(2.0, [0.6], wanted=0.1)
    text = text_of(report)
    assert "Nothing is proposed for 0.1 false alarms per hour: 2.00 h of video cannot" in text
    assert "below 1.5 per hour" in text
    assert "30.0 h without a false alarm are needed, 28.0 h more" in text
    assert "per_class" not in text
    assert json_of(report)["proposal"]["supported"] is False


def test_a_rate_is_proposed_that_the_hours_support():
    report = measured(2.0, [0.6, 0.6], wanted=1.6)
    text = text_of(report)
    proposal = json_of(report)["proposal"]
    assert proposal["supported"] is True
    assert 0.6 < proposal["classes"]["fall"]["threshold_on"] < 0.7
    assert proposal["classes"]["fall"]["recall"] == 1.0
    assert "rate is below 1.5 per hour with 95 % confidence" in text
    on = proposal["classes"]["fall"]["threshold_on"]
    assert f"    fall: {{threshold_on: {on:g}, threshold_off: 0.5}}" in text


def test_false_alarms_at_every_threshold():
    text = text_of(measured(2.0, [1.0] * 5, wanted=2.0))
    assert "at every threshold there are too many false alarms" in text
    assert "5 in 2.00 h" in text


def test_clips_that_are_too_short_are_named():
    report = measure_alarms(
        [hours_of(0.1, [])],
        [recording("a.mp4", [0.9] * 2), recording("b.mp4", [0.9] * 9)],
        [Segment(f"{name}.mp4", "fall", "test", name) for name in "ab"],
        [RULE],
        WATCHING,
        0.1,
    )
    assert "fall: 1 of 2 test clips are not counted" in text_of(report)
    assert json_of(report)["classes"]["fall"]["recall"] == 1.0


def test_without_test_clips_the_recall_is_not_known():
    report = measure_alarms([hours_of(0.1, [])], [], [], [RULE], WATCHING, 0.1)
    assert "the recall is not known" in text_of(report)
    assert json_of(report)["classes"]["fall"]["recall"] is None


def test_videos_that_are_never_watched_are_refused():
    early = Recording("a.mp4", np.arange(3) / 10, np.zeros((3, 2)), np.zeros(3, bool))
    with pytest.raises(LookbackError, match="long enough"):
        measure_alarms([early], [], [], [RULE], WATCHING, 0.1)


def test_videos_are_found_in_folders_once(tmp_path: Path):
    for name in ("b.mp4", "a/c.MKV", "a/notes.txt", "a/.hidden.mp4"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    found = find_videos([tmp_path / "b.mp4", tmp_path])
    assert [path.name for path in found] == ["b.mp4", "c.MKV"]
    with pytest.raises(LookbackError, match=r"nowhere\.mp4: there is no such file"):
        find_videos([tmp_path / "nowhere.mp4"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(LookbackError, match="there is no video"):
        find_videos([tmp_path / "empty"])


def test_videos_that_trained_the_model_are_refused(tmp_path: Path):
    entries = [Entry("a.mp4", "fall", "train"), Entry("b.mp4", "fall", "test")]
    manifest = Manifest(tmp_path / "manifest.csv", tuple(entries))
    refuse_known_videos([tmp_path / "b.mp4", tmp_path / "c.mp4"], manifest)
    with pytest.raises(LookbackError, match=r"a\.mp4: is in the split train"):
        refuse_known_videos([tmp_path / "x" / ".." / "a.mp4"], manifest)


def test_a_video_is_recorded_and_a_bad_one_left_out(coded_video: Callable, tmp_path: Path, capsys):
    good = coded_video("good.mp4", frames=20)
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(b"no video")
    (made,) = record_videos({"good": good, "bad": bad}, ScriptedModel(), "videos")
    assert made.name == "good"
    assert made.seconds == pytest.approx(np.arange(20) / 10)
    assert made.probabilities[:, 1] == pytest.approx(np.arange(20) / 100)
    assert made.full.tolist() == [False] * 5 + [True] * 15
    assert "left out" in capsys.readouterr().out
    with pytest.raises(LookbackError, match=r"bad\.mp4"):
        record_videos({"bad": bad}, ScriptedModel(), "videos")


def test_a_recording_split_in_time_is_refused(tmp_path: Path):
    rows = [
        Entry("m.mp4", "x", split, "m", 20.0 * place, 20.0 * place + 5.0)
        for place, split in enumerate(("train", "val", "test"))
    ]
    whole = tuple(replace(row, split="test") for row in rows)
    refuse_split_in_time(Manifest(tmp_path / "manifest.csv", whole))  # must not raise
    with pytest.raises(LookbackError, match=r"m\.mp4 is split in time"):
        refuse_split_in_time(Manifest(tmp_path / "manifest.csv", tuple(rows)))
