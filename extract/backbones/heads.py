"""Heads on a backbone: pooling only, or the classifier that fine-tuning trains."""

import hashlib

import numpy as np

from extract.architectures.graph_cuts import tail_of
from extract.architectures.spec import Trunk
from recipes.schema import Network
from training.keras_backend import keras

FEATURES = "features"


def pooled_network(trunk: Trunk) -> "keras.Model":
    """Return the backbone followed by average pooling: uint8 (B, T, H, W, 3) to float32 (B, D).

    A backbone that already returns features gets no further pooling.
    """
    layers = keras.layers
    pooling = layers.Identity if trunk.gives_features else layers.GlobalAveragePooling2D
    outputs = pooling(name=FEATURES, dtype="float32")(trunk.model.output)
    return keras.Model(trunk.model.input, outputs)


def classifier_network(trunk: Trunk, settings: Network, classes: int) -> "keras.Model":
    """Return the backbone with a head: uint8 (B, T, H, W, 3) to float32 logits (B, classes).

    The head is pooling, a dense layer named `features`, dropout, hidden dense layers and a
    classifier.

    Args:
        trunk: Backbone.
        settings: Structure of the head. With `one_logit` the model returns (B, 1), the logit of the
            second class against the first.
        classes: Number of classes.
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
    # In mixed precision logits stay float32, so that the loss is not computed in half precision.
    outputs = layers.Dense(width, name="classifier", dtype="float32")(x)
    return keras.Model(trunk.model.input, outputs)


def feature_network(model: "keras.Model") -> "keras.Model":
    """Return the part of a network up to its layer `features`: uint8 clips to float32 (B, D)."""
    return keras.Model(model.input, model.get_layer(FEATURES).output)


def own_classifier(model: "keras.Model") -> "keras.Model":
    """Return the part of a fine-tuned network after its layer `features`.

    It maps float32 (B, D) to logits (B, classes) or (B, 1) and shares the network's weights.
    """
    features = model.get_layer(FEATURES)
    inputs = keras.Input(features.output.shape[1:])
    return keras.Model(inputs, tail_of(model, features, inputs))


def class_logits(outputs: np.ndarray) -> np.ndarray:
    """Return a classifier's outputs as logits (n, K).

    One logit (n, 1) becomes two, with 0 for the first class. Their softmax equals its sigmoid.
    """
    if outputs.shape[-1] == 1:
        return np.concatenate([np.zeros_like(outputs), outputs], axis=-1)
    return outputs


def weights_sha256(model: "keras.Model") -> str:
    """Return the SHA-256 of a network's weights: shapes, dtypes and values in order."""
    digest = hashlib.sha256()
    for array in model.get_weights():
        digest.update(str((array.shape, array.dtype.str)).encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
