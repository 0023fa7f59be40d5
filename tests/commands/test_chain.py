"""The six commands one after the other, as the README has them."""

from model_folder.config import read_config
from model_folder.provenance import SEEN
from tests.running import run_script


def test_the_chain_runs(project, tmp_path):
    assert run_script("evaluate.py", [*project.arguments, "--out", tmp_path]) == 0
    assert (tmp_path / "metrics.json").is_file()


def test_training_and_fine_tuning_record_what_they_saw(project):
    config = read_config(project.weights)
    text = (project.weights / SEEN).read_text()
    assert config.backbone.sha256 in text
    assert config.sequence.sha256 in text
