"""The backend leaves the logging of the program alone."""

import subprocess
import sys

from tests.running import ROOT


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
