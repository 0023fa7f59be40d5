"""`--distributed` of finetune.py: what is refused before any process waits for another."""

import pytest

from extract.finetuning.joining import join
from recipes.loader import load
from tests.running import run_script
from video.errors import UsageError


def test_without_the_flag_this_process_is_the_first():
    assert join(None, load())


@pytest.mark.parametrize(
    ("backend", "reason"),
    [("tensorflow", "every process would train alone"), ("torch", "on one device")],
)
def test_finetune_refuses_processes_on_other_backends(monkeypatch, tmp_path, backend, reason):
    monkeypatch.setenv("KERAS_BACKEND", backend)
    with pytest.raises(UsageError, match=f"needs KERAS_BACKEND=jax.* {backend}, .*{reason}"):
        run_script("finetune.py", ["--data", tmp_path, "--distributed", "127.0.0.1:21821,2,0"])


def test_processes_share_one_manifest_that_exists(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    with pytest.raises(UsageError, match="prepare"):
        run_script("finetune.py", ["--data", tmp_path, "--distributed", "127.0.0.1:21821,2,0"])
