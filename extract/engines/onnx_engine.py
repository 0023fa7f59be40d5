"""Inference with ONNX Runtime, for processors without OpenVINO; equals Keras within 1e-4.

tf2onnx converts TensorFlow's SavedModel, because Keras' own ONNX export writes broken files for
some networks (constants that become inputs, grouped convolutions). A converted network has to pass
the parity check before its first use.
"""

import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from extract.engines.base import Engine, Workload
from extract.engines.converted_cache import REFERENCE, ConvertedNetwork, NetworkId
from extract.engines.parity_check import require_equal
from extract.engines.unbuilt import UnbuiltModel, built
from training.keras_backend import backend_name, export_saved_model, keras
from video.cores import usable_cores

PRECISIONS = ("f32",)
_FILE = "model.onnx"
_OPSET = 18
_REMEDY = "is not installed; pip install -r requirements-extras.txt"


class OnnxEngine(Engine):
    """Computes float32 features with ONNX Runtime on the CPU.

    For live video all cores compute one clip; otherwise each core computes a clip of its own.
    """

    name = "onnx"
    precision = "f32"

    def __init__(self, network: bytes | Path, feature_size: int, workload: Workload) -> None:
        """Load a network from uint8 (-1, T, H, W, 3) to features (-1, D).

        Args:
            network: ONNX file, as path or content.
            feature_size: D, width of a feature.
            workload: Requirements on the engine.

        Raises:
            RuntimeError: ONNX Runtime cannot load the file.
        """
        import onnxruntime

        super().__init__(1 if workload.live else workload.batch_size or 1)
        self.feature_size = feature_size
        cores = usable_cores()
        onnxruntime.disable_telemetry_events()  # on Windows they report to Microsoft
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # errors
        options.intra_op_num_threads = cores if workload.live else 1
        self.parallel = 1 if workload.live else cores
        network = network if isinstance(network, bytes) else str(network)
        try:
            self._session = onnxruntime.InferenceSession(
                network, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # the runtime's exceptions have no other common base class
            raise RuntimeError(str(error)) from None
        self._input = self._session.get_inputs()[0].name

    def _compute(self, clips: np.ndarray) -> np.ndarray:
        return self._session.run(None, {self._input: clips})[0]


def missing() -> str:
    """Return the reason why the engine is unavailable; empty if it is available."""
    if find_spec("onnxruntime") is None:
        return f"onnxruntime {_REMEDY}"
    if backend_name() != "tensorflow":
        return "works only with KERAS_BACKEND=tensorflow"
    return ""


def make(model: "keras.Model | UnbuiltModel", network: NetworkId, workload: Workload) -> Engine:
    """Return the engine; see `extract.engines.registry.make_engine`.

    Raises:
        RuntimeError: The network cannot be converted, or fails the parity check.
    """
    return OnnxEngine(*convert(model, network), workload)


def convert(model: "keras.Model | UnbuiltModel", network: NetworkId) -> tuple[bytes | Path, int]:
    """Return a network as an ONNX file, from the cache if it is there, and its feature size.

    A newly converted network has to pass the parity check and is then cached.

    Args:
        model: Model from uint8 (B, T, H, W, 3) to features (B, D), which may be unbuilt.
        network: Identity under which the converted form is cached.

    Raises:
        RuntimeError: The network cannot be converted, or fails the parity check.
    """
    import onnxruntime

    version = f"{onnxruntime.__version__}, opset {_OPSET}"
    cache = ConvertedNetwork(network, model.input_shape[1:], "onnx", version)
    if path := cache.find(_FILE):
        return path, np.load(path.with_name(REFERENCE), allow_pickle=False).shape[-1]
    if find_spec("tf2onnx") is None:
        raise RuntimeError(f"tf2onnx {_REMEDY}")
    in_keras = built(model)
    content, feature_size = _convert(in_keras), in_keras.output_shape[-1]
    wanted = require_equal(OnnxEngine(content, feature_size, Workload(live=True)), in_keras)

    def write(folder: Path) -> None:
        (folder / _FILE).write_bytes(content)
        np.save(folder / REFERENCE, wanted)

    cache.store(write)
    return content, feature_size


def _convert(model: "keras.Model") -> bytes:
    """Return the content of an ONNX file."""
    with tempfile.TemporaryDirectory() as folder:
        saved, file = Path(folder, "saved"), Path(folder, _FILE)
        export_saved_model(model, saved)
        # Use tf2onnx's command line, as documented: its functions do not accept a SavedModel.
        command = [sys.executable, "-m", "tf2onnx.convert", "--opset", str(_OPSET)]
        command += ["--saved-model", str(saved), "--output", str(file)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode or not file.is_file():
            raise RuntimeError(f"tf2onnx: {done.stderr.strip().splitlines()[-1]}")
        return file.read_bytes()
