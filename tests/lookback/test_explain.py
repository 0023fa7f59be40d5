"""Model.explain and the command: maps of every sampled frame, for the class that is asked for."""

import shutil

import numpy as np
import pytest

import lookback
from sequence.explain.__main__ import main
from video.errors import LookbackError, UsageError, VideoError


@pytest.fixture(scope="module")
def model(project):
    return lookback.load(project.weights)


@pytest.fixture
def video(project):
    return min((project.data / "clips" / "raise").iterdir())


def test_an_explanation_has_a_map_of_every_frame_that_counts(model, video):
    found = model.explain(video)
    predicted = model.predict(video)
    assert found.label == predicted.label
    assert found.probability == pytest.approx(predicted.video_probabilities.max(), abs=1e-4)
    assert found.maps.shape == (20, 2, 2)
    assert (found.maps.min(), found.maps.max()) == (0.0, 1.0)
    np.testing.assert_allclose(found.seconds, predicted.seconds, atol=1e-6)
    other = next(label for label in model.labels if label != found.label)
    assert np.abs(model.explain(video, other).maps - found.maps).max() > 0.1


def test_a_part_is_explained_by_its_own_steps(model, video):
    found = model.explain(video, span=(0.5, 1.4))
    assert 0.4 < found.seconds[0] <= 0.51
    assert found.seconds[-1] < 1.4


def test_errors_name_the_label_and_the_file(model, video, tmp_path):
    with pytest.raises(UsageError, match=r"label rais: is no class; .*raise"):
        model.explain(video, "rais")
    with pytest.raises(VideoError, match="no step from 900 to 901 s"):
        model.explain(video, span=(900.0, 901.0))
    with pytest.raises(VideoError, match=r"missing\.mp4"):
        model.explain(tmp_path / "missing.mp4")


def test_the_command_writes_a_video_and_a_picture(project, video, tmp_path, capsys):
    arguments = ["--weights", str(project.weights), "--out", str(tmp_path)]
    assert main([*arguments, "--video", str(video), "--label", "up"]) == 0
    assert {each.suffix for each in tmp_path.iterdir()} == {".mp4", ".png"}
    assert f"{video}: up 0." in capsys.readouterr().out


def test_a_model_without_a_second_stage_says_so(project, video, tmp_path):
    folder = tmp_path / "weights"
    shutil.copytree(project.weights, folder)
    (folder / "sequence.weights.h5").unlink()
    with pytest.raises(LookbackError, match=r"sequence\.weights\.h5: is missing"):
        main(["--weights", str(folder), "--video", str(video), "--out", str(tmp_path)])
