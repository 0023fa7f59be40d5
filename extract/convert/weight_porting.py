"""Porting a checkpoint's tensors to layers that have the original modules' names."""

import numpy as np

from extract.architectures.building import CLASSIFIER
from extract.architectures.depthwise_conv3d import DepthwiseConv3D
from extract.architectures.layer_names import module_name, public_name
from extract.architectures.token_layers import SpaceTimeEmbeddings
from extract.convert.hugging_face_names import rename_tensors
from training.keras_backend import keras
from video.errors import LookbackError

# PyTorch's batch normalization stores a count of batches, which is not needed.
_IGNORED = ".num_batches_tracked"


def assign(model: "keras.Model", tensors: dict[str, np.ndarray], source: str) -> None:
    """Set all weights of `model` from `tensors`.

    Args:
        model: Network, with or without its classifier.
        tensors: Tensors by their names in the checkpoint.
        source: Path of the checkpoint, for messages.

    Raises:
        LookbackError: A tensor is missing, unused or has another shape; the message names it.
    """
    tensors = rename_tensors(tensors, source)
    tensors = {public_name(name): value for name, value in tensors.items()}
    left = {name for name in tensors if not name.endswith(_IGNORED)}
    for layer in model.layers:
        if not layer.weights:
            continue
        values = []
        for weight, (name, convert) in zip(layer.weights, _conversions(layer), strict=True):
            if name not in tensors:
                raise LookbackError(
                    f"{source}: the tensor {name} is missing; is this a checkpoint of "
                    f"{network_name(model)}?"
                )
            left.discard(name)
            value = convert(tensors[name])
            if value.shape != tuple(weight.shape):
                raise LookbackError(
                    f"{source}: the tensor {name} has the shape {tensors[name].shape}, which does "
                    f"not fit {network_name(model)}"
                )
            values.append(value)
        layer.set_weights(values)
    if left:
        raise LookbackError(
            f"{source}: {len(left)} tensors do not belong to {network_name(model)}, such as "
            f"{min(left)}"
        )


def network_name(model: "keras.Model") -> str:
    """Return the network's name, with or without its classifier."""
    return model.name.removesuffix(CLASSIFIER)


def _conversions(layer: "keras.layers.Layer") -> list[tuple]:
    """Return (tensor name, function that converts its layout) for each weight of a layer."""
    name = module_name(layer.name)
    if isinstance(layer, keras.layers.BatchNormalization):
        fields = ("weight", "bias", "running_mean", "running_var")
        return [(f"{name}.{field}", np.asarray) for field in fields]
    if isinstance(layer, keras.layers.LayerNormalization):
        return [(f"{name}.{field}", np.asarray) for field in ("weight", "bias")]
    if isinstance(layer, SpaceTimeEmbeddings):
        return [(f"{name}.{weight.name}", np.asarray) for weight in layer.weights]
    if isinstance(layer, DepthwiseConv3D):
        return [(f"{name}.weight", _depthwise_kernel)]
    kernel = _dense_kernel
    if isinstance(layer, keras.layers.Conv3D):
        kernel = _convolution_kernel
    elif isinstance(layer, keras.layers.DepthwiseConv2D):
        kernel = _depthwise_image_kernel
    elif isinstance(layer, keras.layers.Conv2D):
        kernel = _image_kernel
    bias = [(f"{name}.bias", np.asarray)] if layer.use_bias else []
    return [(f"{name}.weight", kernel), *bias]


def _convolution_kernel(tensor: np.ndarray) -> np.ndarray:
    """Convert (out, in, T, H, W), or (out, in, H, W) for T = 1, to (T, H, W, in, out)."""
    if tensor.ndim == 4:
        tensor = tensor[:, :, None]
    return tensor.transpose(2, 3, 4, 1, 0) if tensor.ndim == 5 else tensor


def _depthwise_kernel(tensor: np.ndarray) -> np.ndarray:
    """Convert (C, 1, T, H, W) to (T, H, W, C, 1)."""
    return tensor.transpose(2, 3, 4, 0, 1) if tensor.ndim == 5 else tensor


def _image_kernel(tensor: np.ndarray) -> np.ndarray:
    """Convert (out, in, H, W) to (H, W, in, out)."""
    return tensor.transpose(2, 3, 1, 0) if tensor.ndim == 4 else tensor


def _depthwise_image_kernel(tensor: np.ndarray) -> np.ndarray:
    """Convert (C, 1, H, W) to (H, W, C, 1)."""
    return tensor.transpose(2, 3, 0, 1) if tensor.ndim == 4 else tensor


def _dense_kernel(tensor: np.ndarray) -> np.ndarray:
    """Convert (out, in), or a convolution with kernel size 1, to (in, out)."""
    if tensor.ndim == 5 and tensor.shape[2:] == (1, 1, 1):
        tensor = tensor[..., 0, 0, 0]
    return tensor.T
