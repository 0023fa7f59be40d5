"""Opt-out from the telemetry of the inference runtimes.

Without an opt-out, OpenVINO's converter and NNCF report their use to Google Analytics, and ONNX
Runtime to Microsoft (docs.openvino.ai, "OpenVINO Telemetry"; onnxruntime, docs/Privacy.md).
Lookback opts out for its users.
"""

import os
import sys


def opt_out() -> None:
    """Disable telemetry in this process and its children. Call it before importing a runtime."""
    # This makes the import of the reporting package fail; OpenVINO and NNCF then use a stub.
    sys.modules["openvino_telemetry"] = None
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
