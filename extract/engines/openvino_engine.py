"""Inference by OpenVINO on the CPU: several times as fast as Keras, equal to 1e-4 at f32.

The network goes through TensorFlow's SavedModel format: Keras' own OpenVINO export gives some
networks a graph several times slower. What comes out (a description and weights, no code) is kept
in the model folder, so that only the first start after a training pays for it.
"""

import tempfile
import threading
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from extract.architectures.conv3d_layers import use_grouped_convolution
from extract.engines.base import Engine, Workload
from extract.engines.converted_cache import ConvertedNetwork, NetworkId
from extract.engines.parity_check import require_equal, tell_cost
from model_folder.config import QUANTIZED
from recipes.commands import command
from training.keras_backend import keras
from video.errors import LookbackError, UsageError

if TYPE_CHECKING:
    import openvino

PRECISIONS = ("f32", "bf16", "int8")
_FILE = "model.xml"


class OpenVinoEngine(Engine):
    """Computes features with OpenVINO.

    For a live video all cores work on one clip. Otherwise each works on a clip of its own, which
    gives more clips a second than large batches do (EfficientNetB0, two cores: 213 against 184).
    """

    name = "openvino"

    def __init__(self, network: "openvino.Model", workload: Workload) -> None:
        """Compile a network of uint8 (-1, T, H, W, 3) to features (-1, D), in float32 or, where it
        is quantised, in int8.

        Raises:
            UsageError: the processor does not have the precision.
        """
        import openvino

        super().__init__(1 if workload.live else workload.batch_size or 1)
        require_precision(workload.precision)
        self.precision = workload.precision
        network = network.clone()
        network.reshape([self.batch_size, *network.input().get_partial_shape()[1:]])
        self.feature_size = network.output().get_partial_shape()[-1].get_length()
        options = {
            # By itself OpenVINO takes bf16 where a processor has it, which costs 5e-3. What
            # quantising leaves over stays float32.
            "INFERENCE_PRECISION_HINT": "bf16" if self.precision == "bf16" else "f32",
            "PERFORMANCE_HINT": "LATENCY" if workload.live else "THROUGHPUT",
            # Its threads share their cores with those that decode.
            "ENABLE_CPU_PINNING": False,
        }
        self._compiled = openvino.Core().compile_model(network, "CPU", options)
        self.parallel = self._compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")
        self._requests = threading.local()
        # The very first call goes alone. Of two at once, one can hold the lock under which the
        # binding sets itself up and wait for Python's, the other the reverse: for ever.
        entry = network.input()
        self._compute(np.zeros(entry.shape, entry.get_element_type().to_dtype()))

    def _compute(self, clips: np.ndarray) -> np.ndarray:
        if not hasattr(self._requests, "own"):
            self._requests.own = self._compiled.create_infer_request()
        request = self._requests.own
        request.infer([clips], share_inputs=True)
        return request.get_output_tensor().data


def missing() -> str:
    """Return why the engine cannot be used here; empty where it can."""
    if find_spec("openvino") is None:
        return "is not installed; pip install openvino"
    if keras.backend.backend() != "tensorflow":
        return "works with KERAS_BACKEND=tensorflow alone"
    return ""


def make(model: keras.Model, network: NetworkId, workload: Workload) -> Engine:
    """Return the engine; arguments and errors as for `extract.engines.registry.make_engine`.

    Raises:
        RuntimeError: the network cannot be converted, or gives other features than Keras.
    """
    require_precision(workload.precision)
    if workload.precision == "int8":
        return OpenVinoEngine(read_quantised(network.folder), workload)
    engine = OpenVinoEngine(converted(model, network), workload)
    if workload.precision == "bf16":
        tell_cost(engine, model)
    return engine


def processor_has(precision: str) -> bool:
    """Return whether the processor computes in a precision, faster than in float32."""
    import openvino

    known = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return precision == "f32" or precision.upper() in known


def require_precision(precision: str) -> None:
    """Raise `UsageError` where the processor does not have a precision."""
    if not processor_has(precision):
        raise UsageError(
            f"extract.precision {precision}: this processor does not have it; take f32"
        )


def converted(model: keras.Model, network: NetworkId) -> "openvino.Model":
    """Return a Keras model as a float32 network of OpenVINO: converted, held against Keras and kept
    in the folder, or as it is kept there.

    Raises:
        RuntimeError: it cannot be converted, or gives other features than Keras.
    """
    import openvino

    kept = ConvertedNetwork(network, model.input_shape[1:], "openvino", openvino.__version__)
    if path := kept.find(_FILE):
        return openvino.Core().read_model(path)
    made = _convert(model)
    require_equal(OpenVinoEngine(made, Workload(live=True)), model)
    kept.keep(lambda place: openvino.save_model(made, place / _FILE, compress_to_fp16=False))
    return made


def _convert(model: keras.Model) -> "openvino.Model":
    import openvino

    with tempfile.TemporaryDirectory() as folder, use_grouped_convolution(_grouped_convolution):
        model.export(folder, format="tf_saved_model", verbose=False)
        shape = openvino.PartialShape([-1, *model.input_shape[1:]])
        return openvino.convert_model(folder, input=[shape])


def _grouped_convolution(clips, kernel, strides: tuple):
    # TensorFlow itself could not run it on a CPU; OpenVINO is four times as fast with it as with
    # sums (X3D-S, two cores: 26 ms a clip against 111).
    import tensorflow as tf

    return tf.raw_ops.Conv3D(input=clips, filter=kernel, strides=[1, *strides, 1], padding="VALID")


def read_quantised(folder: Path | None) -> "openvino.Model":
    """Return the int8 network of a model folder.

    Raises:
        LookbackError: there is none, or it cannot be read.
    """
    import openvino

    path = (folder or Path()) / QUANTIZED
    mend = f"{command('quantize')} --weights {path.parent} makes it from your training clips"
    if not path.is_file():
        raise LookbackError(f"{path}: is missing; {mend}")
    try:
        return openvino.Core().read_model(path)
    except RuntimeError:
        raise LookbackError(f"{path}: cannot be read as a network of OpenVINO; {mend}") from None
