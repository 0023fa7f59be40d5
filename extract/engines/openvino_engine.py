"""Inference with OpenVINO on the CPU: several times as fast as Keras, equal within 1e-4 at f32.

The network is converted from TensorFlow's SavedModel, because Keras' own OpenVINO export gives some
networks a graph that is several times slower. The converted network (a graph and weights, no code)
is cached in the model folder.
"""

import os
import tempfile
import threading
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from extract.engines.base import Engine, Workload
from extract.engines.converted_cache import REFERENCE, ConvertedNetwork, NetworkId
from extract.engines.parity_check import report_cosine, require_equal
from extract.engines.unbuilt import UnbuiltModel, built
from model_folder.config import QUANTIZED
from recipes.commands import command
from training.keras_backend import backend_name, export_saved_model, keras
from video.cores import VARIABLE, usable_cores
from video.errors import LookbackError, UsageError

if TYPE_CHECKING:
    import openvino

PRECISIONS = ("f32", "bf16", "int8")
_FILE = "model.xml"


class OpenVinoEngine(Engine):
    """Computes features with OpenVINO.

    For live video all cores compute one clip. Otherwise each core computes a clip of its own, which
    has a higher throughput than large batches (EfficientNetB0, two cores: 213 against 184 clips per
    second).
    """

    name = "openvino"

    def __init__(self, network: "openvino.Model", workload: Workload) -> None:
        """Compile a network.

        Args:
            network: Network from uint8 (-1, T, H, W, 3) to features (-1, D), float32 or quantized.
            workload: Requirements on the engine.

        Raises:
            UsageError: The processor does not support the precision.
        """

        super().__init__(1 if workload.live else workload.batch_size or 1)
        require_precision(workload.precision)
        self.precision = workload.precision
        network = network.clone()
        network.reshape([self.batch_size, *network.input().get_partial_shape()[1:]])
        self.feature_size = network.output().get_partial_shape()[-1].get_length()
        options = {
            # By default OpenVINO uses bf16 if the processor supports it, with errors of 5e-3.
            # In a quantized network this sets the precision of the layers that are not int8.
            "INFERENCE_PRECISION_HINT": "bf16" if self.precision == "bf16" else "f32",
            "PERFORMANCE_HINT": "LATENCY" if workload.live else "THROUGHPUT",
            # Its threads share the cores with the decoder threads.
            "ENABLE_CPU_PINNING": False,
        }
        if os.environ.get(VARIABLE):
            options["INFERENCE_NUM_THREADS"] = usable_cores()
        self._compiled = _core().compile_model(network, "CPU", options)
        self.parallel = self._compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")
        self._requests = threading.local()
        # Warm-up in one thread: two concurrent first calls can deadlock between the binding's
        # initialization lock and Python's global interpreter lock.
        inputs = network.input()
        self._compute(np.zeros(inputs.shape, inputs.get_element_type().to_dtype()))

    def _compute(self, clips: np.ndarray) -> np.ndarray:
        if not hasattr(self._requests, "own"):
            self._requests.own = self._compiled.create_infer_request()
        request = self._requests.own
        request.infer([clips], share_inputs=True)
        return request.get_output_tensor().data


@cache
def _core() -> "openvino.Core":
    """Return the process's single core, which is never destroyed.

    Its CPU plugin sets a stack for signal handlers on the thread that loads it, and restores the
    previous stack when it is destroyed. With two cores, the last one to be destroyed may restore a
    stack that the other has freed: the next signal, such as Ctrl-C, would crash the process.
    """
    import openvino

    return openvino.Core()


def missing() -> str:
    """Return the reason why the engine is unavailable; empty if it is available."""
    if find_spec("openvino") is None:
        return "is not installed; pip install openvino"
    if backend_name() != "tensorflow":
        return "works only with KERAS_BACKEND=tensorflow"
    return ""


def make(model: "keras.Model | UnbuiltModel", network: NetworkId, workload: Workload) -> Engine:
    """Return the engine; see `extract.engines.registry.make_engine`.

    Raises:
        RuntimeError: The network cannot be converted, or fails the parity check.
    """
    require_precision(workload.precision)
    if workload.precision == "int8":
        return OpenVinoEngine(read_quantised(network.folder), workload)
    result, wanted = convert(model, network)
    engine = OpenVinoEngine(result, workload)
    if workload.precision == "bf16":
        dtype = result.input().get_element_type().to_dtype()
        report_cosine(engine, model.input_shape[1:], dtype, wanted)
    return engine


def device_names() -> list[str]:
    """Return OpenVINO's devices with their names, such as `CPU (Intel(R) ...)`."""
    core = _core()
    names = {each: core.get_property(each, "FULL_DEVICE_NAME") for each in core.available_devices}
    return [f"{device} ({str(name).strip()})" for device, name in names.items()]


def processor_has(precision: str) -> bool:
    """Return whether the processor has instructions for a precision."""
    capabilities = _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return precision == "f32" or precision.upper() in capabilities


def require_precision(precision: str) -> None:
    """Raise `UsageError` if the processor does not support a precision."""
    if not processor_has(precision):
        raise UsageError(
            f"extract.precision {precision}: this processor does not support it; use f32"
        )


def converted(model: "keras.Model | UnbuiltModel", network: NetworkId) -> "openvino.Model":
    """Return a Keras model as a float32 OpenVINO network, from the cache if it is there.

    A newly converted network has to pass the parity check and is then cached.

    Args:
        model: Model from uint8 (B, T, H, W, 3) to features (B, D).
        network: Identity under which the converted form is cached.

    Raises:
        RuntimeError: The network cannot be converted, or fails the parity check.
    """
    return convert(model, network)[0]


def convert(
    model: "keras.Model | UnbuiltModel", network: NetworkId
) -> "tuple[openvino.Model, np.ndarray]":
    """Return the network of `converted`, and the features (1, D) of Keras for a random clip."""
    import openvino

    cache = ConvertedNetwork(network, model.input_shape[1:], "openvino", openvino.__version__)
    if path := cache.find(_FILE):
        return _core().read_model(path), np.load(path.with_name(REFERENCE), allow_pickle=False)
    in_keras = built(model)
    result = _convert(in_keras)
    wanted = require_equal(OpenVinoEngine(result, Workload(live=True)), in_keras)

    def write(folder: Path) -> None:
        openvino.save_model(result, folder / _FILE, compress_to_fp16=False)
        np.save(folder / REFERENCE, wanted)

    cache.store(write)
    return result, wanted


def _convert(model: "keras.Model") -> "openvino.Model":
    import openvino

    from extract.architectures.depthwise_conv3d import use_grouped_convolution  # loads Keras

    with tempfile.TemporaryDirectory() as folder, use_grouped_convolution(_grouped_convolution):
        export_saved_model(model, Path(folder))
        shape = openvino.PartialShape([-1, *model.input_shape[1:]])
        return openvino.convert_model(folder, input=[shape])


def _grouped_convolution(clips, kernel, strides: tuple):
    # TensorFlow cannot run this operation on a CPU, but OpenVINO can, four times as fast as the sum
    # of 2D convolutions (X3D-S, two cores: 26 ms per clip against 111 ms).
    import tensorflow as tf

    return tf.raw_ops.Conv3D(input=clips, filter=kernel, strides=[1, *strides, 1], padding="VALID")


def read_quantised(folder: Path | None) -> "openvino.Model":
    """Return the int8 network of a model folder.

    Raises:
        LookbackError: The network is missing or cannot be read.
    """

    path = (folder or Path()) / QUANTIZED
    remedy = f"{command('quantize')} --weights {path.parent} creates it from your training clips"
    if not path.is_file():
        raise LookbackError(f"{path}: is missing; {remedy}")
    try:
        return _core().read_model(path)
    except RuntimeError:
        raise LookbackError(f"{path}: cannot be read as an OpenVINO network; {remedy}") from None
