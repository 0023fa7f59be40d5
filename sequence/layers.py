"""What stands before every head, inside the model, so that live has it too."""

from sequence.dataset import Moments
from training.keras_backend import keras


@keras.saving.register_keras_serializable(package="lookback")
class Standardise(keras.layers.Layer):
    """Subtracts the training set's mean and divides by its deviation; both are stored weights."""

    def build(self, shape) -> None:
        width = shape[-1:]
        self.mean = self.add_weight(shape=width, initializer="zeros", trainable=False, name="mean")
        self.deviation = self.add_weight(
            shape=width, initializer="ones", trainable=False, name="deviation"
        )

    def set_moments(self, moments: Moments) -> None:
        self.mean.assign(moments.mean)
        self.deviation.assign(moments.deviation)

    def call(self, features):
        return (features - self.mean) / self.deviation


@keras.saving.register_keras_serializable(package="lookback")
class AppendDifference(keras.layers.Layer):
    """Appends |x_t - x_(t-1)|, itself standardised, to every row: (B, L, D) to (B, L, 2 D).

    The first row has no row before it in the window and takes the second row's difference: zeros
    would look like a standstill. Standardising matters: differences are small beside the features,
    and left so they are learnt late (fights, five folds, LSTM: 0.66 without, 0.70 with it).
    """

    def build(self, shape) -> None:
        self.standardise = Standardise(name="standardise_difference")
        self.standardise.build(shape)

    def set_moments(self, moments: Moments) -> None:
        self.standardise.set_moments(moments)

    def call(self, features):
        if features.shape[1] == 1:
            difference = keras.ops.zeros_like(features)
        else:
            difference = keras.ops.abs(features[:, 1:] - features[:, :-1])
            difference = keras.ops.concatenate([difference[:, :1], difference], axis=1)
        return keras.ops.concatenate([features, self.standardise(difference)], axis=-1)

    def compute_output_shape(self, shape):
        return (*shape[:-1], 2 * shape[-1])
