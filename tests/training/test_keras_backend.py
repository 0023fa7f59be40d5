"""The backend leaves the logging of the program alone."""

import subprocess
import sys

from tests.running import ROOT
from training import keras_backend


def test_an_export_leaves_the_root_logger_as_it_was(tmp_path):
    script = (
        "import logging, sys\n"
        "from pathlib import Path\n"
        "from training.keras_backend import export_saved_model, keras\n"
        "model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])\n"
        "export_saved_model(model, Path(sys.argv[1]))\n"
        "print(logging.root.handlers)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "saved")],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "[]"
    assert (tmp_path / "saved" / "saved_model.pb").is_file()


def test_the_backend_is_known_without_keras(monkeypatch, tmp_path):
    monkeypatch.setattr(keras_backend, "is_loaded", lambda: False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    assert keras_backend.backend_name() == "tensorflow"
    (tmp_path / "keras.json").write_text("{")
    assert keras_backend.backend_name() == "tensorflow"
    (tmp_path / "keras.json").write_text('{"backend": "jax"}')
    assert keras_backend.backend_name() == "jax"
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    assert keras_backend.backend_name() == "torch"


def test_the_backend_is_the_one_of_keras():
    assert keras_backend.backend_name() == keras_backend.keras.backend.backend()
    assert keras_backend.is_loaded()
