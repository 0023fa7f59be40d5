"""Which processes train together, and where that is refused."""

import pytest

from training.processes import Processes, backend_name, parse_processes
from video.errors import UsageError


def test_a_flag_names_address_number_and_rank():
    assert parse_processes("node-1:21821,4,3") == Processes("node-1:21821", 4, 3)
    assert parse_processes("auto") == Processes()


@pytest.mark.parametrize("text", ["node-1:21821", "node-1,2,0", "a:1,2,2", "a:1,0,0", "a:1,2,-1"])
def test_other_flags_are_refused_with_the_form(text):
    with pytest.raises(UsageError, match="write HOST:PORT,N,RANK"):
        parse_processes(text)


def test_the_backend_is_the_one_that_keras_would_take(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    assert backend_name() == "tensorflow"
    (tmp_path / "keras.json").write_text('{"backend": "jax"}')
    assert backend_name() == "jax"
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    assert backend_name() == "torch"
