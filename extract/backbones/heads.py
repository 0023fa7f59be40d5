"""What stands on a backbone: pooling alone, or the head that fine-tuning trains."""

import hashlib

import numpy as np

from extract.architectures.graph_cuts import tail_of
from extract.architectures.spec import Trunk
from recipes.schema import Network
from training.keras_backend import keras

FEATURES = "features"


def pooled_network(trunk: Trunk) -> keras.Model:
    """Return the backbone with average pooling, where it does not pool by itself: uint8
    (B, T, H, W, 3) to float32 (B, D)."""
    layers = keras.layers
    pooling = layers.Identity if trunk.gives_features else layers.GlobalAveragePooling2D
    outputs = pooling(name=FEATURES, dtype="float32")(trunk.model.output)
    return keras.Model(trunk.model.input, outputs)


def classifier_network(trunk: Trunk, settings: Network, classes: int) -> keras.Model:
    """Return pooling, the dense layer named `features`, dropout, further layers and a classifier.

    Maps uint8 (B, T, H, W, 3) to float32 logits (B, classes), or (B, 1) with `one_logit`: that of
    the second class against the first.
    """
    layers = keras.layers
    pooling = layers.Flatten if settings.pooling == "flatten" else layers.GlobalAveragePooling2D
    if trunk.gives_features:
        pooling = layers.Identity
    x = pooling(name="pooling")(trunk.model.output)
    if settings.features:
        x = layers.Dense(settings.features, activation="relu", name=FEATURES)(x)
    else:
        x = layers.Identity(name=FEATURES)(x)
    x = layers.Dropout(settings.dropout, name="dropout")(x)
    for number, width in enumerate(settings.hidden, 1):
        x = layers.Dense(width, activation="relu", name=f"hidden{number}")(x)
    width = 1 if settings.one_logit else classes
    # Under mixed precision everything but the loss is computed in half; logits are its edge.
    outputs = layers.Dense(width, name="classifier", dtype="float32")(x)
    return keras.Model(trunk.model.input, outputs)


def feature_network(model: keras.Model) -> keras.Model:
    """Return the part of a network up to its layer `features`: float32 (B, D)."""
    return keras.Model(model.input, model.get_layer(FEATURES).output)


def own_classifier(model: keras.Model) -> keras.Model:
    """Return the part of a fine-tuned network after its layer `features`, with the same weights:
    float32 (B, D) to logits (B, classes), or (B, 1)."""
    features = model.get_layer(FEATURES)
    inputs = keras.Input(features.output.shape[1:])
    return keras.Model(inputs, tail_of(model, features, inputs))


def class_logits(outputs: np.ndarray) -> np.ndarray:
    """Return logits (n, K) of a classifier's outputs; one logit (n, 1) becomes two, 0 for the first
    class, whose softmax is the sigmoid of the one."""
    if outputs.shape[-1] == 1:
        return np.concatenate([np.zeros_like(outputs), outputs], axis=-1)
    return outputs


def weights_sha256(model: keras.Model) -> str:
    """Return a hash of a network's weights: shapes and values in order, not a file's bytes."""
    digest = hashlib.sha256()
    for array in model.get_weights():
        digest.update(str((array.shape, array.dtype.str)).encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
