"""Explained clips of a report: the most confident ones, as files and on the page."""

import re
from dataclasses import replace
from types import SimpleNamespace

import av
import cv2
import numpy as np
import pytest

from extract.feature_store.spec import EXTERNAL
from metrics.pooling import Pooling
from metrics.targets import truth_of
from metrics.task import MULTI_LABEL
from recipes.loader import load
from sequence.dataset import targets_of
from sequence.evaluation import predict
from sequence.evaluation_setup import open_tested
from sequence.experiment import open_experiment
from sequence.explain import report as explained
from sequence.explain.report import FOLDER, Figures, choose, explain_clips, require_network
from sequence.prediction import Predictor
from video.errors import UsageError


def test_the_most_confident_mistakes_and_right_clips_are_chosen():
    probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.7, 0.3], [0.05, 0.95]])
    truth = truth_of(np.array([1, 0, 1, 0, 1]), 2)
    found = truth_of(probabilities.argmax(1), 2)
    wrong, *right = choose(probabilities, found, truth, 1)
    assert (wrong.index, wrong.target, wrong.right) == (0, 0, False)
    assert [(each.index, each.target, each.right) for each in right] == [(4, 1, True)]
    assert [each.index for each in choose(probabilities, found, truth, 9)] == [0, 1, 4, 2, 3]


def test_of_several_classes_the_surest_error_is_explained():
    rows = [
        ((0.9, 0.8, 0.1), "a", "b"),  # found a and b, of which a holds: b is a false alarm
        ((0.2, 0.3, 0.7), "abc", "a"),  # found c alone: a was missed with more certainty than b
        ((0.6, 0.9, 0.2), "ab", "b"),  # right
        ((0.1, 0.2, 0.3), "", ""),  # right, and no class to show
    ]
    probabilities = np.array([values for values, _, _ in rows])
    truth = np.array([[name in holds for name in "abc"] for _, holds, _ in rows])
    chosen = choose(probabilities, probabilities >= 0.5, truth, 9)
    assert [(each.index, "abc"[each.target]) for each in chosen] == [
        (place, rows[place][2]) for place in (0, 1, 2)
    ]
    assert [each.right for each in chosen] == [False, False, True]


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


class Film:
    """Stands for an explanation whose video has a size."""

    label, probability = "fall", 0.875

    def __init__(self, size: int) -> None:
        self.size = size

    def save_video(self, path, note):
        path.write_bytes(b"v" * self.size)

    def save_strip(self, path, note):
        path.write_bytes(note.encode())
        return np.zeros((4, 8, 3), np.uint8)


def test_large_videos_and_many_are_linked(tmp_path, monkeypatch):
    (tmp_path / FOLDER).mkdir()
    monkeypatch.setattr(explained, "_CLIP_BYTES", 100)
    monkeypatch.setattr(explained, "_EMBEDDED_BYTES", 150)
    figures = Figures(tmp_path)
    for number, size in enumerate((101, 100, 60, 50)):
        figures.add(f"{number} #%\"'", Film(size), "a.mp4", "true: sit", right=number > 2)
    assert ["<video" in each for each in figures.figures] == [False, True, False, True]
    # A browser that follows the link should find the file, whatever its name has.
    assert f'href="{FOLDER}/0%20%23%25%22%27.mp4"' in figures.figures[0]
    assert '<span class="wrong">true: sit</span>' in figures.figures[0]
    assert "a.mp4: fall 88%, right</figcaption>" in figures.figures[3]
    assert len(list((tmp_path / FOLDER).iterdir())) == 8


@pytest.fixture(scope="module")
def opened(project):
    flags = {"data.folder": str(project.data), "model.folder": str(project.weights)}
    settings = load(flags=flags)
    experiment = open_experiment(settings)
    yield experiment, open_tested(experiment, settings)
    experiment.close()


def test_without_videos_there_is_no_section(opened, tmp_path, caplog):
    experiment, tested = opened
    moved = replace(experiment.manifest, path=tmp_path / "manifest.csv")
    found = predict("lstm", tested.predictor, tested.dataset, tested.segments, "all")
    section = explain_clips(tmp_path, replace(experiment, manifest=moved), tested, found, 1)
    assert section.parts == []
    assert "clips are not explained, because their videos are missing" in caplog.text
    assert not list((tmp_path / FOLDER).iterdir())


def test_a_clip_of_several_classes_is_explained(opened, tmp_path):
    experiment, tested = opened
    manifest = experiment.manifest.with_task(several=True)
    old = tested.predictor
    both = replace(experiment, manifest=manifest).dataset(old.look_back)
    segments, thresholds = both.split("test"), (0.5,) * len(both.labels)
    predictor = Predictor(old.model, old.look_back, 1.0, Pooling(task=MULTI_LABEL), thresholds)
    found = predict("lstm", predictor, both, segments, "all")
    several = replace(tested, predictor=predictor, dataset=both, segments=segments)
    section = explain_clips(tmp_path, experiment, several, found, 1)
    hits = MULTI_LABEL.hits(found.clip, targets_of(segments, len(both.labels)), (0.5,))
    kinds = {each.name[3:8] for each in (tmp_path / FOLDER).iterdir()}
    assert "wrong" in kinds or hits.all()
    assert "or one that was missed" in section.parts[0]
    assert section.parts[-1].count("<figure") == len(kinds)


def test_features_of_another_program_have_no_network_to_explain():
    config = SimpleNamespace(backbone=SimpleNamespace(name=EXTERNAL))
    experiment = SimpleNamespace(config=config, store=SimpleNamespace(path="features.h5"))
    with pytest.raises(UsageError, match=r"--explain: features\.h5 has features of another"):
        require_network(experiment)
