"""The engines there are, and which of them a network gets.

A new engine is a module with `PRECISIONS`, `missing` and `make`, and one line in `ENGINES`.
"""

from extract.engines import keras_engine, onnx_engine, openvino_engine
from extract.engines.base import EXACT, Engine, Workload
from extract.engines.converted_cache import NetworkId
from recipes.commands import command
from training.keras_backend import gpus, keras
from video.console import logger
from video.errors import LookbackError, UsageError

_LOG = logger(__name__)

# Those of the processor first, the fastest ahead (two cores, EfficientNetB0, frames a second:
# OpenVINO 213, ONNX Runtime 128, Keras 89). All equal Keras within 1e-4 at f32.
ENGINES = {"openvino": openvino_engine, "onnx": onnx_engine, "keras": keras_engine}


def make_engine(
    model: keras.Model,
    network: NetworkId,
    engine: str = "auto",
    workload: Workload = EXACT,
) -> Engine:
    """Return an engine for a network.

    Args:
        model: uint8 (B, T, H, W, 3) to features (B, D).
        network: which it is.
        engine: a key of `ENGINES`, or `auto`: the fastest that is installed and as exact as Keras;
            on a GPU Keras itself.
        workload: what it is wanted for.

    Raises:
        UsageError: the engine cannot be used here, or lacks that precision.
        LookbackError: the engine does not take the network (`auto` then takes the next), or one
            that is to compute in int8 was not quantised.
    """
    precision = workload.precision
    require_able(engine, precision)
    if engine != "auto":
        try:
            return ENGINES[engine].make(model, network, workload)
        except RuntimeError as error:
            raise LookbackError(
                f"extract.engine {engine}: does not take this network ({_first_line(error)}); "
                "--engine auto takes another"
            ) from None
    # Keras computes on the GPU that it sees; the others would leave it idle.
    able = ["keras"] if gpus() and precision == "f32" else _able(precision)
    for name in able[:-1]:
        try:
            return ENGINES[name].make(model, network, workload)
        except RuntimeError as error:
            _LOG.warning(f"note: {name} does not take this network ({_first_line(error)}).")
    return ENGINES[able[-1]].make(model, network, workload)


def require_able(engine: str, precision: str) -> None:
    """Raise `UsageError` where an engine (or `auto`) cannot be used here, or not in a precision."""
    if engine == "auto":
        if not _able(precision):
            raise _no_such_precision(precision, "no engine that is installed computes in it")
        return
    if why := ENGINES[engine].missing():
        raise UsageError(f"extract.engine {engine}: {why}")
    if precision not in ENGINES[engine].PRECISIONS:
        raise _no_such_precision(precision, f"{engine} does not compute in it")


def _able(precision: str) -> list[str]:
    there = [name for name, module in ENGINES.items() if not module.missing()]
    return [name for name in there if precision in ENGINES[name].PRECISIONS]


def _no_such_precision(precision: str, why: str) -> UsageError:
    those = [name for name, module in ENGINES.items() if precision in module.PRECISIONS]
    return UsageError(
        f"extract.precision {precision}: {why}; --engine {' or '.join(those)}, or --precision f32 "
        f"(a model folder keeps the precision that {command('extract')} was last given)"
    )


def _first_line(error: Exception) -> str:
    return str(error).split("\n", maxsplit=1)[0][:120]
