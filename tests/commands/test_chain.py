"""The six commands one after the other, as the README has them."""

from model_folder.card import read_card
from model_folder.provenance import SEEN
from tests.running import run_script


def test_the_chain_runs(project, tmp_path):
    assert run_script("evaluate.py", [*project.arguments, "--out", tmp_path]) == 0
    assert (tmp_path / "metrics.json").is_file()


def test_training_and_fine_tuning_record_what_they_saw(project):
    card = read_card(project.weights)
    text = (project.weights / SEEN).read_text()
    assert card.backbone.sha256 in text
    assert card.sequence.sha256 in text
