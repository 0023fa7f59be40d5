"""Shared building blocks of the convolutional clip networks.

Every layer has the name of its module in the original code. Weight conversion therefore needs no
name table, and each name shows the layer's stage. Padding is explicit throughout: PyTorch pads
symmetrically, but `padding="same"` with a stride does not.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from extract.architectures.layer_names import layer_name
from training.keras_backend import keras

layers, ops = keras.layers, keras.ops

# Optional replacement for the depthwise 3D convolution: (clips, kernel (t, h, w, 1, C), strides) to
# clips, without padding. None: the portable sum of 2D convolutions.
GroupedConvolution = Callable[[Any, Any, tuple], Any]
_grouped: ContextVar[GroupedConvolution | None] = ContextVar("grouped convolution", default=None)


@contextmanager
def use_grouped_convolution(grouped: GroupedConvolution) -> Iterator[None]:
    """Trace every `DepthwiseConv3D` as one operation, for a runtime that has a kernel for it."""
    token = _grouped.set(grouped)
    try:
        yield
    finally:
        _grouped.reset(token)


@keras.saving.register_keras_serializable(package="lookback")
class DepthwiseConv3D(layers.Layer):
    """Depthwise 3D convolution, one filter per channel: (B, T, H, W, C) to (B, T', H', W', C).

    It is computed as a sum of 2D depthwise convolutions, one per time step of the kernel. On a CPU
    this is a hundred times as fast as `Conv3D(groups=C)` and equals it within 2e-7. Every converter
    supports this form. `use_grouped_convolution` replaces it with a runtime's own kernel.

    Args:
        kernel_size: Kernel size over time, height and width. Padding is kernel // 2 on each side.
        strides: Strides over time, height and width.
    """

    def __init__(self, kernel_size: tuple, strides: tuple = (1, 1, 1), **options) -> None:
        super().__init__(**options)
        self.kernel_size, self.strides = tuple(kernel_size), tuple(strides)

    def build(self, shape) -> None:
        self.kernel = self.add_weight(
            shape=(*self.kernel_size, shape[-1], 1), initializer="he_normal", name="kernel"
        )

    def call(self, clips):
        instants, height, width = self.kernel_size
        clips = ops.pad(clips, [[0, 0], *([size // 2] * 2 for size in self.kernel_size), [0, 0]])
        if grouped := _grouped.get():
            return grouped(clips, ops.swapaxes(self.kernel, -1, -2), self.strides)
        frames = (clips.shape[1] - instants) // self.strides[0] + 1
        total = None
        for instant in range(instants):
            last = instant + (frames - 1) * self.strides[0] + 1
            part = clips[:, instant : last : self.strides[0]]
            if height == width == 1:
                term = part[:, :, :: self.strides[1], :: self.strides[2]]
                term = term * self.kernel[instant, 0, 0, :, 0]
            else:
                flat = ops.reshape(part, (-1, *part.shape[2:]))
                term = ops.depthwise_conv(flat, self.kernel[instant], self.strides[1], "valid")
                term = ops.reshape(term, (-1, frames, *term.shape[1:]))
            total = term if total is None else total + term
        return total

    def compute_output_shape(self, shape):
        sizes = [
            (size + 2 * (kernel // 2) - kernel) // stride + 1
            for size, kernel, stride in zip(shape[1:4], self.kernel_size, self.strides, strict=True)
        ]
        return (shape[0], *sizes, shape[-1])

    def get_config(self) -> dict:
        sizes = {"kernel_size": self.kernel_size, "strides": self.strides}
        return {**super().get_config(), **sizes}


def conv(x, filters: int, kernel: tuple, name: str, strides: tuple = (1, 1, 1), bias: bool = False):
    """Apply a 3D convolution with zero padding of kernel // 2 on each side."""
    if any(size > 1 for size in kernel):
        padding = tuple(size // 2 for size in kernel)
        x = layers.ZeroPadding3D(padding, name=layer_name(f"{name}.padding"))(x)
    return layers.Conv3D(filters, kernel, strides, use_bias=bias, name=layer_name(name))(x)


def depthwise(x, kernel: tuple, name: str, strides: tuple = (1, 1, 1)):
    """Apply a depthwise 3D convolution with zero padding of kernel // 2 on each side."""
    return DepthwiseConv3D(kernel, strides, name=layer_name(name))(x)


def norm(x, name: str, momentum: float = 0.9, epsilon: float = 1e-5):
    """Apply batch normalization, by default with the constants of torch.nn.BatchNorm3d."""
    return layers.BatchNormalization(momentum=momentum, epsilon=epsilon, name=layer_name(name))(x)


def relu(x, name: str | None = None):
    """Apply ReLU."""
    return layers.Activation("relu", name=name and layer_name(name))(x)


def max_pool(x, name: str):
    """Apply the max pooling of the ResNet stem: 1x3x3, spatial stride 2, padding 1."""
    # The input comes from a ReLU, so the padding's zeros never exceed a real value.
    x = layers.ZeroPadding3D((0, 1, 1), name=layer_name(f"{name}.padding"))(x)
    return layers.MaxPooling3D((1, 3, 3), (1, 2, 2), name=layer_name(name))(x)


def bottleneck_block(x, prefix: str, inner: int, outer: int, time_kernel: int, stride: int):
    """Apply a ResNet bottleneck with kernels (t,1,1), (1,3,3), (1,1,1) and a skip connection.

    The skip connection is projected if the shape changes (He et al. 2015; Feichtenhofer et al.
    2019).
    """
    strides = (1, stride, stride)
    shortcut = x
    if x.shape[-1] != outer or stride != 1:
        shortcut = conv(x, outer, (1, 1, 1), f"{prefix}.branch1_conv", strides)
        shortcut = norm(shortcut, f"{prefix}.branch1_norm")
    branch = f"{prefix}.branch2"
    x = conv(x, inner, (time_kernel, 1, 1), f"{branch}.conv_a")
    x = relu(norm(x, f"{branch}.norm_a"), f"{branch}.act_a")
    x = conv(x, inner, (1, 3, 3), f"{branch}.conv_b", strides)
    x = relu(norm(x, f"{branch}.norm_b"), f"{branch}.act_b")
    x = norm(conv(x, outer, (1, 1, 1), f"{branch}.conv_c"), f"{branch}.norm_c")
    x = layers.Add(name=layer_name(f"{prefix}.branch_fusion"))([shortcut, x])
    return relu(x, f"{prefix}.activation")
