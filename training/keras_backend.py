"""The only import of Keras, without its startup logs; also describes the device.

TensorFlow's native code writes its startup log to file descriptor 2 before it reads any of its
settings; without a GPU that log looks like a list of failures. It is captured here and shown only
when the import fails.
"""

import contextlib
import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

# Errors too (3): a fatal error also raises an exception, and the others, such as a failed graph
# optimization, are irrelevant to users.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# TensorFlow warns if many functions are traced in few calls, as in the phases of fine-tuning.
logging.getLogger("tensorflow").setLevel(logging.ERROR)


@contextlib.contextmanager
def _captured_native_stderr() -> Iterator[None]:
    try:
        descriptor = sys.stderr.fileno()
        kept = os.dup(descriptor)
    except (AttributeError, OSError, ValueError):  # stderr is no file
        yield
        return
    with tempfile.TemporaryFile() as log:
        sys.stderr.flush()
        os.dup2(log.fileno(), descriptor)
        try:
            yield
        except BaseException:
            log.seek(0)
            os.write(kept, log.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(kept, descriptor)
            os.close(kept)


with _captured_native_stderr():
    import keras

    keras.ops.convert_to_numpy(keras.ops.zeros(1))  # initializes the devices, which log too


def gpus() -> list[str]:
    """Return the names of the GPUs that the backend computes on."""
    try:
        return keras.distribution.list_devices("gpu")
    except RuntimeError:  # JAX without a GPU
        return []
    except AttributeError:  # torch has no list of devices, but tensors have one
        device = str(keras.ops.zeros(1).device)
        return [] if device == "cpu" else [device]


def device_line() -> str:
    """Return a line about the device of the networks, with a remedy if a GPU may be missing."""
    devices = gpus()
    backend = keras.backend.backend()
    if devices:
        return f"Running on {', '.join(devices)} ({backend})."
    hint = " TensorFlow has no GPU on Windows: use WSL2 for one." if os.name == "nt" else ""
    return f"Running on the CPU: {backend} sees no GPU.{hint}"


__all__ = ["device_line", "gpus", "keras"]


def export_saved_model(model: keras.Model, folder: Path) -> None:
    """Write a network as a TensorFlow SavedModel, which converters read.

    TensorFlow logs through the root logger meanwhile, and the first such message gives the root
    logger a handler. It is removed again: a program that has not set up logging would print every
    later message of any library.

    Args:
        model: Network to write.
        folder: Folder for the SavedModel.
    """
    handlers = list(logging.root.handlers)
    try:
        model.export(folder, format="tf_saved_model", verbose=False)
    finally:
        logging.root.handlers[:] = handlers
