"""Input layers: standardization and feature differences.

They are part of the model, so that training and live prediction share them.
"""

from sequence.dataset import Moments
from training.keras_backend import keras


@keras.saving.register_keras_serializable(package="lookback")
class Standardise(keras.layers.Layer):
    """Subtracts the mean of the training set and divides by its standard deviation.

    Both are non-trainable weights, which are saved with the model.
    """

    def build(self, shape) -> None:
        """Create the weights, with mean 0 and standard deviation 1."""
        width = shape[-1:]
        self.mean = self.add_weight(shape=width, initializer="zeros", trainable=False, name="mean")
        # The weight's name stays "deviation", as in existing files.
        self.std = self.add_weight(
            shape=width, initializer="ones", trainable=False, name="deviation"
        )

    def set_moments(self, moments: Moments) -> None:
        """Set mean and standard deviation."""
        self.mean.assign(moments.mean)
        self.std.assign(moments.std)

    def call(self, features):
        """Return standardized features (B, L, D)."""
        return (features - self.mean) / self.std


@keras.saving.register_keras_serializable(package="lookback")
class AppendDifference(keras.layers.Layer):
    """Appends the standardized difference |x_t - x_(t-1)| to every row: (B, L, D) to (B, L, 2 D).

    The first row of a window has no previous row and repeats the difference of the second, since
    zeros would mean no motion. Without standardization the differences are much smaller than the
    features, and training makes little use of them: on a fight data set (five folds, LSTM) the
    accuracy is 0.66 without and 0.70 with it.
    """

    def build(self, shape) -> None:
        """Create the weights that standardize the differences."""
        self.standardise = Standardise(name="standardise_difference")
        self.standardise.build(shape)

    def set_moments(self, moments: Moments) -> None:
        """Set mean and standard deviation of the differences."""
        self.standardise.set_moments(moments)

    def call(self, features):
        """Return features and differences: (B, L, 2 D)."""
        if features.shape[1] == 1:
            difference = keras.ops.zeros_like(features)
        else:
            difference = keras.ops.abs(features[:, 1:] - features[:, :-1])
            difference = keras.ops.concatenate([difference[:, :1], difference], axis=1)
        return keras.ops.concatenate([features, self.standardise(difference)], axis=-1)

    def compute_output_shape(self, shape):
        """Return the shape of the output, which is twice as wide as the input."""
        return (*shape[:-1], 2 * shape[-1])
