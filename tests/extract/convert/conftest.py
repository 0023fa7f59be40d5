"""Small clip network for conversion tests, and its checkpoint in PyTorch's layout."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from extract.architectures.building import with_classifier
from extract.architectures.conv3d_layers import conv, depthwise, norm, relu
from extract.architectures.depthwise_conv3d import DepthwiseConv3D
from extract.architectures.layer_names import module_name
from extract.architectures.registry import BACKBONES
from extract.architectures.spec import BackboneSpec
from extract.convert import published_weights
from training.keras_backend import keras


@pytest.fixture
def small_network(monkeypatch) -> BackboneSpec:
    """Three convolutions with the layer names and scaling of X3D, registered as `x3d_tiny`."""

    def make(frames: int, side: int, weights: str | None) -> keras.Model:
        inputs = keras.Input((frames, side, side, 3))
        x = conv(inputs, 8, (1, 3, 3), "blocks.0.conv.conv_t", (1, 2, 2))
        x = relu(norm(depthwise(x, (5, 1, 1), "blocks.0.conv.conv_xy"), "blocks.0.norm"))
        x = conv(x, 16, (1, 1, 1), "blocks.5.pool.pre_conv", bias=True)
        return keras.Model(inputs, keras.layers.GlobalAveragePooling3D()(x), name="x3d_tiny")

    spec = dataclasses.replace(
        BACKBONES["x3d_xs"], name="x3d_tiny", clip_length=4, input_size=32, make=make
    )
    monkeypatch.setitem(BACKBONES, spec.name, spec)
    return spec


@pytest.fixture
def original(small_network) -> Callable[[int], tuple[keras.Model, dict[str, np.ndarray]]]:
    """Return a function from a number of classes (0: no classifier) to a network and its tensors.

    The weights are random. Names and layouts of the tensors are PyTorch's.
    """

    def make(classes: int) -> tuple[keras.Model, dict[str, np.ndarray]]:
        spec = small_network
        model = spec.make(spec.clip_length, spec.input_size, None)
        if classes:
            model = with_classifier(model, spec, classes)
        random = np.random.default_rng(0)
        for layer in model.layers:
            layer.set_weights(
                [random.uniform(0.1, 0.5, w.shape).astype("float32") for w in layer.get_weights()]
            )
        return model, _tensors(model)

    return make


@pytest.fixture
def checkpoint(original, tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a checkpoint: checkpoint(classes=5)."""

    def write(classes: int = 5, name: str = "original.safetensors", **extra: np.ndarray) -> Path:
        tensors = {**original(classes)[1], **extra}
        save_file({n: np.ascontiguousarray(t) for n, t in tensors.items()}, tmp_path / name)
        return tmp_path / name

    return write


def _tensors(model: keras.Model) -> dict[str, np.ndarray]:
    tensors = {}
    for layer in model.layers:
        weights = layer.get_weights()
        if isinstance(layer, keras.layers.BatchNormalization):
            fields = ("weight", "bias", "running_mean", "running_var")
            tensors |= {
                f"{module_name(layer.name)}.{f}": w for f, w in zip(fields, weights, strict=True)
            }
            tensors[f"{module_name(layer.name)}.num_batches_tracked"] = np.array(3)
        elif weights:
            kernel, *bias = weights
            if isinstance(layer, DepthwiseConv3D):
                kernel = kernel.transpose(3, 4, 0, 1, 2)
            elif isinstance(layer, keras.layers.Conv3D):
                kernel = kernel.transpose(4, 3, 0, 1, 2)
            else:
                kernel = kernel.T
            tensors[f"{module_name(layer.name)}.weight"] = kernel
            if bias:
                tensors[f"{module_name(layer.name)}.bias"] = bias[0]
    return tensors


@pytest.fixture
def pretrained(tmp_path, monkeypatch):
    """A temporary folder for published weights."""
    folder = tmp_path / "weights" / "pretrained"
    monkeypatch.setattr(published_weights, "FOLDER", folder)
    return folder
