"""run.py --segments: the timeline of a file, equal to that of the Python interface."""

import csv
import json

import pytest

import lookback
from live.decision import Decision
from live.sinks import SegmentsSink
from metrics.timeline import TimelineRules
from tests.live.conftest import write_scene
from video.errors import UsageError
from video.sources import FileSource


def test_the_files_have_the_timeline_of_the_prediction(run_live, project, tmp_path, capsys):
    source = write_scene(tmp_path / "a.mp4", [each / 25 for each in range(200)], rate=25.0)
    names = [tmp_path / f"a.{kind}" for kind in ("csv", "json", "srt", "vtt")]
    flags = [flag for name in names for flag in ("--segments", name)]
    limit = ["--set", "sequence.threshold=0.3", "--set", "timeline.min_seconds=0.2"]
    assert run_live("--video", source, *flags, *limit) == 0
    assert capsys.readouterr().out.splitlines()[-4:] == [str(name) for name in names]
    result = lookback.load(project.weights, threshold=0.3).predict(source)
    found = result.segments(min_seconds=0.2)
    assert found
    if result.probabilities[-1].max() > 0.3:
        assert found[-1].end == pytest.approx(8.0)
    result.save_segments(tmp_path / "b.csv", min_seconds=0.2)
    assert names[0].read_bytes() == (tmp_path / "b.csv").read_bytes()
    content = json.loads(names[1].read_text())
    assert content["video"] == str(source)
    assert [each["label"] for each in content["segments"]] == [each.label for each in found]
    assert names[2].read_text().count(" --> ") == len(found)
    assert names[3].read_text().startswith("WEBVTT\n\n00:00:0")


def test_a_run_that_is_ended_early_leaves_its_timeline_and_one_without_steps_nothing(
    a_clip, tmp_path
):
    rules, labels = TimelineRules(), ("a", "b")
    path = tmp_path / "a.csv"
    with SegmentsSink((path,), "a.mp4", 0.1, rules):
        pass
    assert not path.exists()

    def interrupted() -> None:
        with FileSource(a_clip) as source, SegmentsSink((path,), "a.mp4", 0.1, rules) as sink:
            for frame in source:
                sink.on_step(Decision(0, frame.seconds, [0.9, 0.1], labels, 0.5), 0.0)
                sink.on_frame(frame, None)
                if frame.index == 9:
                    raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    with path.open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert row == {"label": "a", "start": "0.000", "end": "1.000", "probability": "0.9000"}


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--segments", "a.txt"], r"--segments a\.txt: the suffix names the format"),
        (["--segments", "a.csv", "--csv", "a.csv"], "is the file of --csv as well"),
    ],
)
def test_wrong_names_are_refused_before_anything_loads(flags, said, run_live, a_clip):
    with pytest.raises(UsageError, match=said):
        run_live("--video", a_clip, *flags)


def test_a_camera_has_no_timeline(run_live):
    with pytest.raises(UsageError, match="name it with --video"):
        run_live("--webcam", "--segments", "a.csv")
