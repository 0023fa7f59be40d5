"""A network that is built in Keras only where it must be: its converted form may be kept."""

import threading
from collections.abc import Callable

from extract.engines.converted_cache import NetworkId
from training.keras_backend import keras


class UnbuiltModel:
    """A network that has an identity, and a function that builds it in Keras.

    An engine that finds the converted form of the identity builds nothing, so that Keras, whose
    import takes most of a start, is not loaded.

    Attributes:
        network: Identity of the network.
        input_shape: Shape of its input, as in a Keras model: (None, ...).
    """

    def __init__(
        self, network: NetworkId, shape: tuple[int, ...], build: "Callable[[], keras.Model]"
    ) -> None:
        """Describe a network.

        Args:
            network: Identity of the network.
            shape: Shape of its input, without the batch axis.
            build: Function that returns the network; it is called once.
        """
        self.network = network
        self.input_shape = (None, *shape)
        self._build = build
        self._built: keras.Model | None = None
        self._one_at_a_time = threading.Lock()

    def built(self) -> "keras.Model":
        """Return the network in Keras, which is built at the first call."""
        with self._one_at_a_time:
            if self._built is None:
                self._built = self._build()
            return self._built


def built(model: "keras.Model | UnbuiltModel") -> "keras.Model":
    """Return a network in Keras: itself, or built if it is not."""
    return model.built() if isinstance(model, UnbuiltModel) else model
