"""Explained clips of a report: the most confident ones, as files and on the page."""

import re

import av
import cv2
import numpy as np

from sequence.explain.report import FOLDER, choose


def test_the_most_confident_mistakes_and_right_clips_are_chosen():
    probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.7, 0.3], [0.05, 0.95]])
    targets = np.array([1, 0, 1, 0, 1])
    wrong, *right = choose(probabilities, targets, 1)
    assert (wrong.index, wrong.predicted, wrong.right) == (0, 0, False)
    assert [(each.index, each.right) for each in right] == [(4, True)]
    assert [each.index for each in choose(probabilities, targets, 9)] == [0, 1, 4, 2, 3]


def test_a_report_shows_explained_clips_without_a_request(report):
    films = sorted((report / FOLDER).glob("*.mp4"))
    assert [film.name[:8] for film in films] in (["01_wrong", "02_right"], ["01_right"])
    for film in films:
        with av.open(str(film)) as opened:
            assert opened.streams.video[0].codec_context.name == "h264"
            frames = [frame.to_ndarray(format="rgb24") for frame in opened.decode(video=0)]
        assert len(frames) > 5
        width = frames[0].shape[1] // 2
        halves = [frame[:240] for frame in frames]
        apart = [np.abs(half[:, :width].astype(int) - half[:, width:]).mean() for half in halves]
        assert max(apart) > 2  # a map is over the second half
        assert cv2.imread(str(film.with_suffix(".png"))).std() > 10
    text = (report / "report.html").read_text(encoding="utf-8")
    assert "Where the model looks" in text
    assert text.count("<video") == len(films)
    assert not re.search(r'(?:src|href)="(?!data:|explained/)', text)
