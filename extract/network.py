"""What stands on a backbone: pooling alone, or the head that fine-tuning trains."""

import hashlib
from typing import TYPE_CHECKING

from extract.backbones import Trunk
from recipes.schema import Network

if TYPE_CHECKING:
    import keras

FEATURES = "features"


def pooled_network(trunk: Trunk) -> "keras.Model":
    """Return the backbone with average pooling: uint8 (B, T, H, W, 3) to float32 (B, C)."""
    from extract.framework import keras

    outputs = keras.layers.GlobalAveragePooling2D(name=FEATURES)(trunk.model.output)
    return keras.Model(trunk.model.input, outputs)


def classifier_network(trunk: Trunk, settings: Network, classes: int) -> "keras.Model":
    """Return pooling, the dense layer named `features`, dropout, further layers and a softmax.

    Maps uint8 (B, T, H, W, 3) to float32 probabilities (B, classes).
    """
    from extract.framework import keras

    layers = keras.layers
    pooling = layers.Flatten if settings.pooling == "flatten" else layers.GlobalAveragePooling2D
    x = pooling(name="pooling")(trunk.model.output)
    x = layers.Dense(settings.features, activation="relu", name=FEATURES)(x)
    x = layers.Dropout(settings.dropout, name="dropout")(x)
    for number, width in enumerate(settings.hidden, 1):
        x = layers.Dense(width, activation="relu", name=f"hidden{number}")(x)
    outputs = layers.Dense(classes, activation="softmax", name="classifier")(x)
    return keras.Model(trunk.model.input, outputs)


def feature_network(model: "keras.Model") -> "keras.Model":
    """Return the part of a network up to its layer `features`: float32 (B, D)."""
    from extract.framework import keras

    return keras.Model(model.input, model.get_layer(FEATURES).output)


def weights_sha256(model: "keras.Model") -> str:
    """Return a hash of a network's weights: shapes and values in order, not a file's bytes."""
    digest = hashlib.sha256()
    for array in model.get_weights():
        digest.update(str((array.shape, array.dtype.str)).encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
