"""A clip network small enough to be trained in a test: four frames of 32 pixels, two stages."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from extract.architectures.spec import BackboneSpec, Normalization

NAME = "clips_tiny"


def _make(frames: int, side: int, weights: str | None):
    from keras import layers

    from training.keras_backend import keras

    inputs = keras.Input((frames, side, side, 3))
    x = layers.Conv3D(8, (1, 3, 3), (1, 2, 2), padding="same", name="stem.conv")(inputs)
    x = layers.BatchNormalization(name="stem.norm")(x)
    x = layers.Activation("relu")(x)
    x = layers.Conv3D(16, 3, (1, 2, 2), padding="same", name="res.conv")(x)
    x = layers.BatchNormalization(name="res.norm")(x)
    x = layers.Activation("relu")(x)
    x = layers.Dropout(0.2)(x)
    return keras.Model(inputs, layers.GlobalAveragePooling3D()(x), name=NAME)


SPEC = BackboneSpec(
    name=NAME,
    clip_length=4,
    input_size=32,
    stages=("stem", "res"),
    source="the tests",
    licence="MIT",
    make=_make,
    scale=Normalization((0.45,) * 3, (0.225,) * 3),
    stage_of=lambda name: name.partition(".")[0] if "." in name else None,
    feature_size=16,
    parameters=0,
    gflops=0.0,
    published=None,
    frame_rate=5.0,
    short_side=36,
    classifier="proj",
    classes=5,
)


@contextmanager
def registered() -> Iterator[BackboneSpec]:
    """Let `--backbone clips_tiny` name it."""
    from extract.architectures.registry import BACKBONES

    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(BACKBONES, NAME, SPEC)
        yield SPEC


def write_weights(path: Path, classes: int, labels: tuple[str, ...] | None = None) -> Path:
    """Write a weights file as `python -m extract.convert` does, with random weights of one seed;
    without classes there is no classifier in it."""
    from extract.architectures.building import build_core, with_classifier
    from extract.convert.weights_info import WeightsInfo, write_info
    from training.keras_backend import keras

    keras.utils.set_random_seed(5)
    core = build_core(SPEC)
    model = with_classifier(core, SPEC, classes) if classes else core
    model.save_weights(path)
    source = {"source": "x.pyth", "source_sha256": "0" * 64, "converted_with": {}}
    info = WeightsInfo(NAME, 4, 32, classes, labels, "MIT", "kinetics400", **source)
    write_info(path, info)
    return path
