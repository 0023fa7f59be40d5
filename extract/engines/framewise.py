"""Streaming inference of clip networks with a per-frame stem.

In a live video, successive clips share most of their frames. If a network's first layers have a
temporal kernel size of 1 (as in the first stages of Slow), these layers form a per-frame stem: its
output for a frame is cached until the frame leaves the clip, so a step computes only new frames.
The stem ends before the first layer that mixes frames. Such a layer sees zero padding at the clip's
ends, which move with every step, so its outputs cannot be reused.
"""

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from extract.architectures.building import from_pixels
from extract.architectures.costs import gflops
from extract.architectures.graph_cuts import cut_points, tail_of
from extract.architectures.spec import BackboneSpec
from extract.engines import ClipStream, Engine, NetworkId, UnbuiltModel, built, live_workload
from extract.engines.converted_cache import ConvertedNetwork
from extract.engines.registry import make_engine
from training.keras_backend import keras

# Minimum share of the stem in the network's multiply-adds. Below it, caching costs what it saves.
_MIN_SHARE = 0.1
_CUT = "cut.json"  # the shape of the stem's output, in the cache


def framewise_cut(core: "keras.Model") -> "keras.KerasTensor | None":
    """Return the output (B, T, h, w, C) of a clip network's per-frame stem.

    It is None if the network has no such stem, or if its share of the cost is too small.
    """
    cut = None
    for operation, tensor in cut_points(core):
        if not _is_framewise(operation):
            break
        cut = tensor if tensor is not None else cut
    if cut is None or cut is core.input:
        return None
    share = gflops(keras.Model(core.input, cut)) / gflops(core)
    return cut if share >= _MIN_SHARE else None


def _is_framewise(operation: "keras.Operation") -> bool:
    layers = keras.layers
    if isinstance(operation, layers.Conv3D):
        return operation.kernel_size[0] == operation.strides[0] == 1
    if isinstance(operation, layers.MaxPooling3D):
        return operation.pool_size[0] == operation.strides[0] == 1
    if isinstance(operation, layers.ZeroPadding3D):
        return tuple(operation.padding[0]) == (0, 0)
    kinds = (layers.InputLayer, layers.BatchNormalization, layers.Activation, layers.Add)
    return isinstance(operation, kinds)


def frame_stem(spec: BackboneSpec, core: "keras.Model", cut: "keras.KerasTensor") -> "keras.Model":
    """Return the stem for single frames: uint8 (B, 1, H, W, 3) to float32 (B, h w C).

    It shares the network's layers and weights.

    Args:
        spec: Clip network.
        core: Core of the clip network.
        cut: Cut point from `framewise_cut`.
    """
    frame = keras.Input((1, *core.input_shape[2:]))
    stem = keras.models.clone_model(
        keras.Model(core.input, cut), frame, clone_function=lambda layer: layer
    )
    pixels = from_pixels(spec, stem)
    return keras.Model(pixels.input, keras.layers.Flatten()(pixels.output))


def clip_tail(model: "keras.Model", core: "keras.Model", cut: "keras.KerasTensor") -> "keras.Model":
    """Return the network after the stem: float32 (B, T, h, w, C) to (B, D).

    It shares the network's layers and weights.

    Args:
        model: Model from uint8 (B, T, H, W, 3) to features (B, D), which contains `core`.
        core: Core of the clip network.
        cut: Cut point from `framewise_cut`.
    """
    inputs = keras.Input(cut.shape[1:])
    return keras.Model(inputs, tail_of(model, core, keras.Model(cut, core.output)(inputs)))


class FramewiseEngine(Engine):
    """Computes a feature in two parts: the stem per frame, then the rest of the network per clip.

    Its streams cache the stem's outputs, so the stem runs once per frame.
    """

    def __init__(self, stem: Engine, tail: Engine, shape: tuple[int, ...]) -> None:
        """Combine the engines of both parts.

        Args:
            stem: Engine of the per-frame stem.
            tail: Engine of the network after the stem.
            shape: Shape (h, w, C) of the stem's output for one frame.
        """
        super().__init__(batch_size=1)
        self.name, self.precision = tail.name, tail.precision
        self.feature_size, self.parallel = tail.feature_size, tail.parallel
        self._stem, self._tail, self._shape = stem, tail, shape

    def stem_outputs(self, frames: np.ndarray) -> np.ndarray:
        """Return the stem's float32 outputs (n, h, w, C) for uint8 frames (n, H, W, 3)."""
        return self._stem(frames[:, None]).reshape(-1, *self._shape)

    def tail_feature(self, outputs: np.ndarray) -> np.ndarray:
        """Return the float32 feature (D,) of a clip from its frames' stem outputs (T, h, w, C)."""
        return self._tail(outputs[None])[0]

    def stream(self) -> "FramewiseStream":
        """See `Engine.stream`."""
        return FramewiseStream(self)

    def _compute(self, clips: np.ndarray) -> np.ndarray:
        return self.tail_feature(self.stem_outputs(clips[0]))[None]


class FramewiseStream(ClipStream):
    """Computes the successive clips of one live video, with the stem of each frame cached.

    The cache's key is the frame's index in the video, so another video needs another instance.
    """

    def __init__(self, engine: FramewiseEngine) -> None:
        super().__init__(engine)
        self._parts = engine
        self._cached: dict[int, np.ndarray] = {}

    def feature(self, clip: np.ndarray, frames: tuple[int, ...]) -> np.ndarray:
        """See `ClipStream.feature`."""
        places = {frame: place for place, frame in enumerate(frames) if frame not in self._cached}
        if places:
            outputs = self._parts.stem_outputs(clip[list(places.values())])
            self._cached |= dict(zip(places, outputs, strict=True))
        self._cached = {frame: self._cached[frame] for frame in frames}
        return self._parts.tail_feature(np.stack([self._cached[frame] for frame in frames]))


def make_live_engine(
    model: "keras.Model | UnbuiltModel",
    spec: BackboneSpec,
    stride: int,
    network: NetworkId,
    engine: str,
    precision: str,
    videos: int = 1,
) -> Engine:
    """Return the engine for live video.

    It is a `FramewiseEngine` if clips overlap and the network has a per-frame stem. Errors are
    those of `extract.engines.registry.make_engine`.

    Args:
        model: Model from uint8 (B, T, H, W, 3) to features (B, D), which may be unbuilt.
        spec: Backbone of the model.
        stride: Sampled frames between steps.
        network: Identity under which the converted form is cached.
        engine: Name of the engine, or `auto`.
        precision: Compute precision.
        videos: Number of videos at once.
    """
    workload = live_workload(precision, videos)
    parts = live_parts(model, spec, stride, network, precision)
    if parts is None:
        return make_engine(model, network, engine, workload)
    stem, tail = (make_engine(part, part.network, engine, workload) for part in parts)
    return FramewiseEngine(stem, tail, parts[1].input_shape[2:])


def live_parts(
    model: "keras.Model | UnbuiltModel",
    spec: BackboneSpec,
    stride: int,
    network: NetworkId,
    precision: str,
) -> tuple[UnbuiltModel, UnbuiltModel] | None:
    """Return the per-frame stem of a network and the rest; None if live video takes the whole.

    Args:
        model: Model as for `make_live_engine`.
        spec: Backbone of the model.
        stride: Sampled frames between steps.
        network: Identity of the model.
        precision: Compute precision.
    """
    overlaps = stride < spec.clip_length and precision != "int8"
    shape = _stem_shape(model, network) if overlaps and spec.is_clip_network else None
    if shape is None:
        return None

    def unbuilt(name: str, shape: tuple[int, ...], build: Callable) -> UnbuiltModel:
        def build_part() -> "keras.Model":
            core = _core_of(built(model))
            return build(core, framewise_cut(core))

        known_as = replace(network, part=f"{network.part}-{name}")
        return UnbuiltModel(known_as, shape, build_part)

    pixels = (1, *model.input_shape[2:])
    stem = unbuilt("stem", pixels, lambda core, cut: frame_stem(spec, core, cut))
    return stem, unbuilt("tail", shape, lambda core, cut: clip_tail(built(model), core, cut))


def _stem_shape(model: "keras.Model | UnbuiltModel", network: NetworkId) -> tuple[int, ...] | None:
    """Return the shape (T, h, w, C) of a network's per-frame stem, from the cache if it is there;
    None without a stem."""
    cache = ConvertedNetwork(network, model.input_shape[1:], "stem", "1")
    if path := cache.find(_CUT):
        shape = json.loads(path.read_text(encoding="utf-8"))
    else:
        core = _core_of(built(model))
        cut = framewise_cut(core) if core is not None else None
        shape = None if cut is None else list(cut.shape[1:])
        cache.store(lambda folder: (folder / _CUT).write_text(json.dumps(shape), encoding="utf-8"))
    return None if shape is None else tuple(shape)


def _core_of(model: "keras.Model") -> "keras.Model | None":
    return next((layer for layer in model.layers if isinstance(layer, keras.Model)), None)
