"""Telemetry of the inference runtimes is off."""

import os
import subprocess
import sys

import pytest

from tests.running import ROOT

# Each runtime stores the client id for its reports in the user's folder.
_FOLDERS = ("HOME", "USERPROFILE", "LOCALAPPDATA", "APPDATA", "XDG_CACHE_HOME")
_OFF_ANYWAY = ("CI", "TF_BUILD", "JENKINS_URL", "ORT_DISABLE_TELEMETRY")


def after(statements: str, home) -> str:
    """Return the output of statements in a separate process with `home` as the home folder."""
    known = {name: value for name, value in os.environ.items() if name not in _OFF_ANYWAY}
    done = subprocess.run(
        [sys.executable, "-c", statements],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
        env={**known, **dict.fromkeys(_FOLDERS, str(home))},
    )
    return done.stdout.strip()


@pytest.mark.parametrize("module", ["ovc.convert_impl", "ovc.telemetry_utils", "ovc.utils"])
def test_openvino_converter_uses_the_stub(module, tmp_path):
    pytest.importorskip("openvino", reason="the converter is openvino's")
    statements = f"import extract.engines\nfrom openvino.tools.{module} import tm\n"
    assert after(statements + "print(tm.__name__)", tmp_path).endswith("telemetry_stub")
    assert not list(tmp_path.iterdir())


def test_nncf_telemetry_is_disabled(tmp_path):
    pytest.importorskip("nncf", reason="NNCF quantizes networks")
    statements = "import extract.engines\nfrom nncf.telemetry import wrapper\n"
    printed = after(
        statements + "print(type(wrapper.telemetry) is wrapper.NNCFTelemetry)", tmp_path
    )
    assert printed == "False"
    assert not list(tmp_path.iterdir())


def test_onnx_runtime_stores_no_client_id(tmp_path):
    pytest.importorskip("onnxruntime", reason="the runtime is ONNX's")
    after("import extract.engines\nimport onnxruntime", tmp_path)
    assert not list(tmp_path.iterdir())
