"""What computes a network's features: uint8 clips in, float32 features out."""

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from extract.engines.base import Engine
from extract.engines.keras_engine import KerasEngine
from extract.engines.openvino_engine import OpenVinoEngine
from video.errors import UsageError

if TYPE_CHECKING:
    import keras

__all__ = ["Engine", "KerasEngine", "OpenVinoEngine", "make_engine"]


def make_engine(
    model: "keras.Model",
    batch_size: int,
    engine: str,
    precision: str,
    folder: Path | None,
    sha256: str,
) -> Engine:
    """Return an engine for a network.

    Args:
        model: uint8 (B, T, H, W, 3) to features (B, D).
        batch_size: clips at once.
        engine: `keras`, `openvino`, or `auto`: OpenVINO where it is installed and computes on the
            same processor, since it is faster there and as exact (but for the X3D family).
        precision: `f32` or `bf16`.
        folder: model folder that keeps what is compiled; None for none.
        sha256: of the network's weights.

    Raises:
        UsageError: the engine is not installed, or lacks that precision.
    """
    from extract.framework import gpus, keras

    there = importlib.util.find_spec("openvino") is not None
    on_tensorflow = keras.backend.backend() == "tensorflow"
    if engine == "openvino":
        if not there:
            raise UsageError("extract.engine openvino: is not installed; pip install openvino")
        if not on_tensorflow:
            raise UsageError("extract.engine openvino: works with KERAS_BACKEND=tensorflow alone")
        return OpenVinoEngine(model, batch_size, precision, folder, sha256)
    suits = engine == "auto" and there and on_tensorflow and not gpus()
    if suits and not _has_depthwise_3d(model):
        try:
            return OpenVinoEngine(model, batch_size, precision, folder, sha256)
        except RuntimeError as error:
            detail = str(error).split("\n", maxsplit=1)[0][:120]
            print(f"note: OpenVINO does not take this network ({detail}); Keras computes it.")
    if precision != "f32":
        raise UsageError(f"extract.precision {precision}: Keras computes in f32; --engine openvino")
    return KerasEngine(model, batch_size)


def _has_depthwise_3d(model: "keras.Model") -> bool:
    """Whether OpenVINO would be the slower one: around the sums that a depthwise 3D convolution is
    made of it changes layouts (batch 1, two cores: X3D-S 111 ms, Keras 91)."""
    from extract.backbones.clip_layers import DepthwiseConv3D

    return any(
        _has_depthwise_3d(layer) if hasattr(layer, "layers") else isinstance(layer, DepthwiseConv3D)
        for layer in model.layers
    )
