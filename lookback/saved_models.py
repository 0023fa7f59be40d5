"""Loading of networks that Keras saved whole."""

from pathlib import Path
from typing import TYPE_CHECKING

from video.errors import LookbackError

if TYPE_CHECKING:
    import keras


def load_model(path: str | Path) -> "keras.Model":
    """Return a network that `model.save("NAME.keras")` wrote.

    Keras finds the layers of this project only after the modules that define them are imported.
    This function imports them. With `import extract.architectures.custom_layers` (first stage) or
    `import sequence.model` (second stage), `keras.saving.load_model` finds them too.

    Args:
        path: The `.keras` file. Keras' safe mode stays on: a file that carries code is refused.

    Raises:
        LookbackError: There is no such file, or it holds no Keras model.
    """
    # The imports register the layers; they also start Keras, so they wait until now.
    import extract.architectures.custom_layers  # noqa: F401
    import sequence.model  # noqa: F401
    from training.keras_backend import keras

    if not Path(path).is_file():
        raise LookbackError(f"{path}: there is no such file")
    try:
        return keras.saving.load_model(path)
    except (ValueError, TypeError, OSError, KeyError) as error:
        reason = str(error).partition("\n")[0][:160]
        raise LookbackError(f"{path}: cannot be loaded as a Keras model ({reason})") from None
