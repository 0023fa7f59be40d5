"""Slow and SlowFast R50: a ResNet-50 on few frames; SlowFast adds a thin second one on many frames.

Paper: Feichtenhofer et al. 2019, SlowFast Networks for Video Recognition.
Weights: PyTorchVideo `slow_r50` and `slowfast_r50`. License Apache-2.0. Kinetics-400 top-1: 74.6
and 76.9 % (model zoo, ten clips of three crops).
Parity: logits within 1e-4 of the largest logit (tests/parity/test_parity.py).
Departures: the network itself selects the slow pathway's frames, while the original takes both
pathways as inputs. The pooling averages the whole feature map, while the original's window has a
fixed size; at the published input sizes both are equal.
"""

from collections.abc import Callable

import numpy as np

from extract.architectures.conv3d_layers import (
    bottleneck_block,
    conv,
    layers,
    max_pool,
    norm,
    ops,
    relu,
)
from extract.architectures.layer_names import layer_name
from extract.architectures.spec import BackboneSpec
from extract.architectures.x3d import NORMALIZATION, STAGES
from training.keras_backend import keras

_BLOCKS, _INNER = (3, 4, 6, 3), (64, 128, 256, 512)
_SLOW_TIME_KERNELS = (1, 1, 3, 3)
_FAST_SHARE, _FUSED, _FRAMES_RATIO = 8, 2, 4  # beta, channels of the lateral link, alpha


def slow_r50(shape: tuple[int, int, int], inner: tuple[int, ...] = _INNER) -> "keras.Model":
    """Return the network up to its features: (T, H, W, 3) to (4 inner[-1],)."""
    inputs = keras.Input((*shape, 3))
    x = _stem(inputs, "blocks.0", inner[0], time_kernel=1)
    for stage in range(4):
        x = _stage(x, f"blocks.{stage + 1}", stage, inner[stage], _SLOW_TIME_KERNELS[stage])
    x = layers.GlobalAveragePooling3D(name=layer_name("blocks.5.pool"))(x)
    return keras.Model(inputs, x, name="slow_r50")


def slowfast_r50(shape: tuple[int, int, int], inner: tuple[int, ...] = _INNER) -> "keras.Model":
    """Return the network up to its features: (T, H, W, 3) to (4.5 inner[-1],).

    The features of the slow pathway come first, then those of the fast one.

    Raises:
        ValueError: T is not a multiple of 4.
    """
    frames = shape[0]
    if frames % _FRAMES_RATIO:
        raise ValueError(f"T must be a multiple of {_FRAMES_RATIO}")
    inputs = keras.Input((*shape, 3))
    # The original's selection: evenly spaced, first and last frame included, rounded down.
    chosen = np.linspace(0, frames - 1, frames // _FRAMES_RATIO).astype("int32")
    slow = ops.take(inputs, chosen, axis=1)
    slow = _stem(slow, "blocks.0.multipathway_blocks.0", inner[0], time_kernel=1)
    fast = _stem(inputs, "blocks.0.multipathway_blocks.1", inner[0] // _FAST_SHARE, time_kernel=5)
    for stage in range(4):
        slow = _fused(slow, fast, f"blocks.{stage}.multipathway_fusion")
        prefix = f"blocks.{stage + 1}.multipathway_blocks"
        slow = _stage(slow, f"{prefix}.0", stage, inner[stage], _SLOW_TIME_KERNELS[stage])
        fast = _stage(fast, f"{prefix}.1", stage, inner[stage] // _FAST_SHARE, time_kernel=3)
    means = [layers.GlobalAveragePooling3D()(pathway) for pathway in (slow, fast)]
    x = layers.Concatenate(name=layer_name("blocks.5"))(means)
    return keras.Model(inputs, x, name="slowfast_r50")


def _stem(x, prefix: str, width: int, time_kernel: int):
    x = conv(x, width, (time_kernel, 7, 7), f"{prefix}.conv", (1, 2, 2))
    x = relu(norm(x, f"{prefix}.norm"), f"{prefix}.activation")
    return max_pool(x, f"{prefix}.pool")


def _stage(x, prefix: str, stage: int, inner: int, time_kernel: int):
    for block in range(_BLOCKS[stage]):
        stride = 2 if stage > 0 and block == 0 else 1
        name = f"{prefix}.res_blocks.{block}"
        x = bottleneck_block(x, name, inner, 4 * inner, time_kernel, stride)
    return x


def _fused(slow, fast, prefix: str):
    """Concatenate the fast pathway, strided to the slow one's frames, to the slow pathway."""
    width = _FUSED * fast.shape[-1]
    x = conv(fast, width, (7, 1, 1), f"{prefix}.conv_fast_to_slow", (_FRAMES_RATIO, 1, 1))
    x = relu(norm(x, f"{prefix}.norm"), f"{prefix}.activation")
    return layers.Concatenate(name=layer_name(prefix))([slow, x])


_BODY = {block: stage for block, stage in STAGES.items() if stage != "top"}


def _spec(
    name: str,
    make: Callable,
    frames: int,
    rate: float,
    classifier: str,
    feature_size: int,
    parameters: int,
    gflops: float,
    accuracy: float,
) -> BackboneSpec:
    return BackboneSpec(
        name=name,
        clip_length=frames,
        input_size=224,
        stages=tuple(_BODY.values()),
        source="PyTorchVideo, Kinetics-400",
        licence="Apache-2.0",
        make=lambda frames, side, weights: make((frames, side, side)),
        scale=NORMALIZATION,
        stage_of=lambda layer: _BODY.get(layer[:8]),
        feature_size=feature_size,
        parameters=parameters,
        gflops=gflops,
        published="kinetics400",
        accuracy=f"{accuracy} % top-1 over 10 clips of 3 crops (PyTorchVideo model zoo)",
        frame_rate=rate,
        short_side=256,
        classifier=classifier,
    )


SPECS = (
    _spec("slow_r50", slow_r50, 8, 3.75, "blocks.5.proj", 2048, 32_454_096, 41.741, 74.6),
    _spec("slowfast_r50", slowfast_r50, 32, 15.0, "blocks.6.proj", 2304, 34_566_488, 50.309, 76.9),
)
