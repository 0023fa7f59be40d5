"""The six commands one after the other, as the README has them."""

from tests.running import run_script


def test_the_chain_runs(project, tmp_path):
    assert run_script("evaluate.py", [*project.arguments, "--out", tmp_path]) == 0
    assert (tmp_path / "metrics.json").is_file()
