"""A task whose answer lies in a known place: a colored square in one quarter of gray noise.

The square is red or green, which is the class. The other quarters have blue squares, so that a map
of what is conspicuous is not a map of what decides.
"""

from dataclasses import dataclass, replace

import numpy as np

from extract.architectures import tiny
from extract.architectures.building import from_pixels
from extract.architectures.spec import Trunk
from extract.backbones.heads import pooled_network
from training.keras_backend import keras

RED, GREEN = 0, 1
_COLORS = np.array([(230, 30, 30), (30, 230, 30)], np.uint8)
_BLUE = (30, 30, 230)


@dataclass(frozen=True)
class Clips:
    """Clips with the answers: uint8 (n, T, side, side, 3), class (n,), quarter (n,), 0 to 3."""

    pixels: np.ndarray
    target: np.ndarray
    quarter: np.ndarray


def make_clips(count: int, frames: int, side: int, seed: int) -> Clips:
    random = np.random.default_rng(seed)
    pixels = random.integers(90, 160, (count, frames, side, side, 1)).astype(np.uint8)
    pixels = np.repeat(pixels, 3, axis=-1)
    target, quarter = random.integers(0, 2, count), random.integers(0, 4, count)
    half = side // 2
    for clip, color, own in zip(pixels, target, quarter, strict=True):
        for place in range(4):
            top, left = place // 2 * half + side // 8, place % 2 * half + side // 8
            square = clip[:, top : top + side // 4, left : left + side // 4]
            square[:] = _COLORS[color] if place == own else _BLUE
    return Clips(pixels, target, quarter)


def network_of(core: keras.Model, images: bool = False) -> keras.Model:
    """Return a core as a network of uint8 clips, with pixels scaled to -1 to 1."""
    rate = None if images else 5.0
    spec = replace(tiny.SPEC, frame_rate=rate, scale=lambda pixels: pixels / 127.5 - 1.0)
    return pooled_network(Trunk(from_pixels(spec, core), core, {}))


def train(network: keras.Model, clips: Clips, epochs: int, rate: float = 3e-3) -> np.ndarray:
    """Train a network with a linear classifier; return the classifier's kernel (D, 2)."""
    classifier = keras.layers.Dense(2)
    model = keras.Model(network.input, classifier(network.output))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate), loss, metrics=["accuracy"], jit_compile=False)
    history = model.fit(clips.pixels, clips.target, 32, epochs, verbose=0).history
    assert history["accuracy"][-1] > 0.95, "the task was not learned"
    return np.asarray(classifier.kernel)


def share_in_quarter(maps: np.ndarray, quarter: int) -> float:
    """Return the share of maps (T, h, w) in a quarter; 0 for a map without any place."""
    mean = maps.mean(0)
    down, across = (size // 2 for size in mean.shape)
    rows = slice(0, down) if quarter < 2 else slice(down, None)
    columns = slice(0, across) if quarter % 2 == 0 else slice(across, None)
    return float(mean[rows, columns].sum() / max(float(mean.sum()), 1e-12))


def shares(maps_of, kernel: np.ndarray, clips: Clips) -> np.ndarray:
    """Return the share of each clip's map for its class that lies in the deciding quarter."""
    slopes = kernel - kernel[:, ::-1]
    return np.array(
        [
            share_in_quarter(maps_of(clip, slopes[:, target]), quarter)
            for clip, target, quarter in zip(clips.pixels, clips.target, clips.quarter, strict=True)
        ]
    )
