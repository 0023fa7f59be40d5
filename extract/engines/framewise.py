"""The part of a clip network that sees each frame by itself: live, a step costs it new frames only.

A step's clip shares most of its frames with the clip before. Where the network's first layers look
at no other frame (kernels of one instant, as in the first stages of Slow), what they made of a
frame is kept until the frame leaves the clip. Any layer that looks along time sees, at the clip's
ends, zeros instead of neighbours, and a clip's ends move with every step; so the part ends there.
"""

import numpy as np

from extract.architectures.building import from_pixels
from extract.architectures.costs import gflops
from extract.architectures.graph_cuts import cut_points, tail_of
from extract.architectures.spec import BackboneSpec
from extract.engines import ClipStream, Engine, NetworkId, Workload
from extract.engines.registry import make_engine
from training.keras_backend import keras

# Of the network's cost. Below it, carrying the results over costs what it saves.
_LEAST_SHARE = 0.1


def framewise_cut(core: keras.Model) -> "keras.KerasTensor | None":
    """Return the tensor (B, T, h, w, C) up to which a clip network sees each frame by itself; None
    where that is too little of it to be worth anything."""
    cut = None
    for operation, tensor in cut_points(core):
        if not _is_framewise(operation):
            break
        cut = tensor if tensor is not None else cut
    if cut is None or cut is core.input:
        return None
    share = gflops(keras.Model(core.input, cut)) / gflops(core)
    return cut if share >= _LEAST_SHARE else None


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


def frame_part(spec: BackboneSpec, core: keras.Model, cut: "keras.KerasTensor") -> keras.Model:
    """Return what lies below a cut for single frames, with the network's own layers and weights:
    uint8 (B, 1, H, W, 3) to float32 (B, h w C)."""
    frame = keras.Input((1, *core.input_shape[2:]))
    below = keras.models.clone_model(
        keras.Model(core.input, cut), frame, clone_function=lambda layer: layer
    )
    pixels = from_pixels(spec, below)
    return keras.Model(pixels.input, keras.layers.Flatten()(pixels.output))


def clip_part(model: keras.Model, core: keras.Model, cut: "keras.KerasTensor") -> keras.Model:
    """Return what stands behind a cut, with the network's own layers and weights: float32
    (B, T, h, w, C) to (B, D).

    Args:
        model: uint8 (B, T, H, W, 3) to features (B, D); holds `core`.
        core: the clip network.
        cut: of `framewise_cut`.
    """
    inputs = keras.Input(cut.shape[1:])
    return keras.Model(inputs, tail_of(model, core, keras.Model(cut, core.output)(inputs)))


class FramewiseEngine(Engine):
    """Computes clips in two parts: each frame by itself, then the clip. Its streams compute a
    frame's part once a video."""

    def __init__(self, of_frames: Engine, of_clips: Engine, shape: tuple[int, ...]) -> None:
        """Join the engines of both parts; `shape` is (h, w, C) of what a frame gives."""
        super().__init__(batch_size=1)
        self.name, self.precision = of_clips.name, of_clips.precision
        self.feature_size = of_clips.feature_size
        self._of_frames, self._of_clips, self._shape = of_frames, of_clips, shape

    def frame_parts(self, pictures: np.ndarray) -> np.ndarray:
        """Return what the first part gives, float32 (n, h, w, C), of pictures, uint8
        (n, H, W, 3)."""
        return self._of_frames(pictures[:, None]).reshape(-1, *self._shape)

    def clip_feature(self, parts: np.ndarray) -> np.ndarray:
        """Return the float32 feature (D,) of a clip's frame parts (T, h, w, C)."""
        return self._of_clips(parts[None])[0]

    def stream(self) -> "FramewiseStream":
        """See `Engine.stream`."""
        return FramewiseStream(self)

    def _compute(self, clips: np.ndarray) -> np.ndarray:
        return self.clip_feature(self.frame_parts(clips[0]))[None]


class FramewiseStream(ClipStream):
    """Computes the clips of one running video, each frame's part once.

    Frames are known again by their places, which say nothing of another video's frames: hence one
    instance a video.
    """

    def __init__(self, engine: FramewiseEngine) -> None:
        super().__init__(engine)
        self._parts = engine
        self._kept: dict[int, np.ndarray] = {}

    def feature(self, clip: np.ndarray, frames: tuple[int, ...]) -> np.ndarray:
        """See `ClipStream.feature`."""
        places = {frame: place for place, frame in enumerate(frames) if frame not in self._kept}
        if places:
            made = self._parts.frame_parts(clip[list(places.values())])
            self._kept |= dict(zip(places, made, strict=True))
        self._kept = {frame: self._kept[frame] for frame in frames}
        return self._parts.clip_feature(np.stack([self._kept[frame] for frame in frames]))


def make_live_engine(
    model: keras.Model,
    spec: BackboneSpec,
    stride: int,
    network: NetworkId,
    engine: str,
    precision: str,
) -> Engine:
    """Return the engine for the steps of a running video, `stride` sampled frames apart; the other
    arguments and the errors are those of `extract.engines.registry.make_engine`."""
    workload = Workload(precision, live=True)
    core = next((layer for layer in model.layers if isinstance(layer, keras.Model)), None)
    shares = core is not None and stride < spec.clip_length and precision != "int8"
    cut = framewise_cut(core) if shares and spec.is_clip_network else None
    if cut is None:
        return make_engine(model, network, engine, workload)
    parts = (frame_part(spec, core, cut), clip_part(model, core, cut))
    of_frames, of_clips = (make_engine(part, network, engine, workload) for part in parts)
    return FramewiseEngine(of_frames, of_clips, cut.shape[2:])
