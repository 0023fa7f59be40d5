"""Depthwise 3D convolution as a Keras layer.

A module with a custom layer loads Keras when it is imported. The modules of the architectures
import it where they build a network, so that their specs are read without Keras.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

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
