"""No reports of what a user computes: the runtimes' own are switched off.

OpenVINO's converter and NNCF tell Google Analytics what they are used for, ONNX Runtime tells
Microsoft, unless somebody opts out (docs.openvino.ai, "OpenVINO Telemetry"; onnxruntime,
docs/Privacy.md). Lookback's users were never asked, so it does for them.
"""

import os
import sys


def opt_out() -> None:
    """Switch them off in this process and those that it starts; before a runtime is imported."""
    # Without the package that reports, OpenVINO and NNCF take a stand-in that does nothing. An
    # import of it now raises ImportError.
    sys.modules["openvino_telemetry"] = None
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
