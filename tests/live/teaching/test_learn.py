"""One learning, in this process: from recorded clips to a model with a score."""

import pytest

from extract.feature_store.reader import FeatureStore
from live.teaching.collection import Collection
from live.teaching.learn import PHASES, fraction, learn
from live.teaching.record import read_record
from live.teaching.request import network_at_hand, with_keys
from model_folder.config import read_config
from tests.live.teaching.filming import CLASSES, NETWORK, Studio, film
from tests.live.teaching.scripted import CAMERAS, Clock, settings_of
from video.errors import LookbackError

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """A data folder with two sessions of two classes, learned once."""
    folder = tmp_path_factory.mktemp("learn")
    clock, studio = Clock(), Studio()
    settings = settings_of(folder / "data", model__folder=str(folder / "weights"))
    settings = with_keys(settings, {**NETWORK, "sequence.head": "statistics"})
    collection = Collection(settings, studio, lambda: CAMERAS, clock)
    film(collection, studio, clock)
    reports = []
    record = learn(settings, folder / "new", lambda *report: reports.append(report))
    return folder, settings, record, reports


def test_a_learning_makes_a_model_with_a_score_of_other_sessions(learned):
    folder, _, record, _ = learned
    assert record.labels == CLASSES
    assert record.method == "groups"
    assert len(record.hits) == 12  # every clip, by a model that had not seen its session
    assert record.score == 1.0
    assert "Only 2 sessions" in record.warnings[0]
    assert read_record(folder / "new") == record
    assert read_config(folder / "new").labels == CLASSES


def test_the_old_model_folder_and_the_manifest_are_not_touched(learned):
    folder, settings, _, _ = learned
    assert not (folder / "weights").exists()
    text = (folder / "data" / "manifest.csv").read_text()
    assert "train" not in text  # splits of a learning are not written
    assert settings.recipe.model.folder == str(folder / "weights")


def test_progress_rises_through_all_phases(learned):
    _, _, _, reports = learned
    phases = list(dict.fromkeys(phase for phase, _, _ in reports))
    assert phases == list(PHASES)
    assert ("extract", 1.0) in [(phase, share) for phase, share, _ in reports]
    shares = [fraction(phase, share) for phase, share, _ in reports]
    assert shares == sorted(shares)
    assert shares[0] == 0.0
    assert 0.8 < shares[-1] <= 1.0


def test_features_are_kept_for_the_next_learning(learned):
    folder, _, _, _ = learned
    with FeatureStore(folder / "data" / "features") as store:
        assert len(store.contents()) == 12


def test_too_few_clips_end_before_any_network_is_loaded(tmp_path):
    settings = settings_of(tmp_path / "data", model__folder=str(tmp_path / "weights"))
    with pytest.raises(LookbackError, match="no clips yet"):
        learn(settings, tmp_path / "new", lambda *_: None)
    assert not (tmp_path / "new").exists()


def test_the_network_is_one_whose_weights_are_at_hand(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    assert network_at_hand() == "efficientnet_lite0"  # to be fetched
    (tmp_path / "keras" / "models").mkdir(parents=True)
    (tmp_path / "keras" / "models" / "efficientnetb0_notop.h5").touch()
    assert network_at_hand() == "efficientnet_b0"
    kept = tmp_path / "weights" / "pretrained" / "efficientnet_lite0-imagenet.weights.h5"
    kept.parent.mkdir(parents=True)
    kept.touch()
    assert network_at_hand() == "efficientnet_lite0"
