"""A wrong manifest is reported before TensorFlow, which takes long, is imported."""

import subprocess
import sys

import pytest

from tests.running import ROOT

_RUN = """
import sys
from tests.running import load_script
from video.errors import LookbackError
try:
    load_script(sys.argv[1]).main(sys.argv[2:])
except LookbackError as error:
    print(error)
print(sorted({"keras", "tensorflow"} & set(sys.modules)))
"""


@pytest.mark.parametrize("script", ["extract.py", "finetune.py", "train_lstm.py", "evaluate.py"])
@pytest.mark.parametrize(
    ("content", "problem"),
    [("video;label\na.mp4;x\n", "column"), (None, "there is no such manifest")],
)
def test_a_wrong_manifest_ends_a_script_before_a_framework_is_imported(
    script, content, problem, project, tmp_path
):
    manifest = tmp_path / "list.csv"
    if content:
        manifest.write_text(content)
    flags = ["--manifest", str(manifest), "--weights", str(project.weights)]
    command = [sys.executable, "-c", _RUN, script, *flags]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    error, imported = done.stdout.splitlines()
    assert str(manifest) in error
    assert problem in error
    assert imported == "[]"
