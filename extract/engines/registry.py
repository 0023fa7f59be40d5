"""Registry of engines, and the choice of one for a network.

To add an engine, write a module with `PRECISIONS`, `missing`, `convert` and `make`, and add it to
`ENGINES`.
"""

from extract.engines import keras_engine, onnx_engine, openvino_engine
from extract.engines.base import EXACT, Engine, Workload
from extract.engines.converted_cache import NetworkId
from extract.engines.unbuilt import UnbuiltModel
from recipes.commands import command
from training.keras_backend import gpus, keras
from video.console import logger
from video.errors import LookbackError, UsageError

_LOG = logger(__name__)

# In order of speed on a CPU (two cores, EfficientNetB0, frames per second: OpenVINO 213, ONNX
# Runtime 128, Keras 89). All equal Keras within 1e-4 at f32.
ENGINES = {"openvino": openvino_engine, "onnx": onnx_engine, "keras": keras_engine}


def make_engine(
    model: "keras.Model | UnbuiltModel",
    network: NetworkId,
    engine: str = "auto",
    workload: Workload = EXACT,
) -> Engine:
    """Return an engine for a network.

    Args:
        model: Model from uint8 (B, T, H, W, 3) to features (B, D), which may be unbuilt.
        network: Identity under which the converted form is cached.
        engine: Key of `ENGINES`, or `auto` for the fastest installed one that can run the network;
            on a GPU, Keras.
        workload: Requirements on the engine.

    Raises:
        UsageError: The engine is unavailable or does not support the precision.
        LookbackError: The engine cannot run the network (`auto` then tries the next), or an int8
            network is missing.
    """
    precision = workload.precision
    require_able(engine, precision)
    if engine != "auto":
        try:
            return ENGINES[engine].make(model, network, workload)
        except RuntimeError as error:
            raise LookbackError(
                f"extract.engine {engine}: cannot run this network ({_first_line(error)}); "
                "--engine auto chooses another"
            ) from None
    # Only Keras computes on a GPU.
    available = ["keras"] if gpus() and precision == "f32" else _available(precision)
    for name in available[:-1]:
        try:
            return ENGINES[name].make(model, network, workload)
        except RuntimeError as error:
            _LOG.warning(f"note: {name} cannot run this network ({_first_line(error)}).")
    return ENGINES[available[-1]].make(model, network, workload)


def convert(model: UnbuiltModel, engine: str = "auto") -> bool:
    """Convert a network for its next start, unless its converted form is kept.

    A GPU of this machine makes no difference: the model may be used on another one.

    Args:
        model: Network, whose identity names the folder.
        engine: Key of `ENGINES`, or `auto` for the fastest installed one that can run the network.

    Returns:
        Whether the network is converted; no engine may need or be able to do so.
    """
    for name in _available("f32") if engine == "auto" else [engine]:
        if ENGINES[name] is keras_engine:
            return False
        try:
            ENGINES[name].convert(model, model.network)
        except RuntimeError as error:
            _LOG.warning(f"note: {name} cannot run this network ({_first_line(error)}).")
        else:
            return True
    return False


def require_able(engine: str, precision: str) -> None:
    """Raise `UsageError` if an engine (or `auto`) is unavailable or lacks a precision."""
    if engine == "auto":
        if not _available(precision):
            raise _unsupported(precision, "no installed engine supports it")
        return
    if reason := ENGINES[engine].missing():
        raise UsageError(f"extract.engine {engine}: {reason}")
    if precision not in ENGINES[engine].PRECISIONS:
        raise _unsupported(precision, f"{engine} does not support it")


def _available(precision: str) -> list[str]:
    installed = [name for name, module in ENGINES.items() if not module.missing()]
    return [name for name in installed if precision in ENGINES[name].PRECISIONS]


def _unsupported(precision: str, reason: str) -> UsageError:
    engines = [name for name, module in ENGINES.items() if precision in module.PRECISIONS]
    return UsageError(
        f"extract.precision {precision}: {reason}; use --engine {' or '.join(engines)}, or "
        f"--precision f32 (a model folder stores the last --precision of {command('extract')})"
    )


def _first_line(error: Exception) -> str:
    return str(error).split("\n", maxsplit=1)[0][:120]
