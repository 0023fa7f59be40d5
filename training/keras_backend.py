"""The one import of Keras: quiet, and with the device named in a line a user understands.

TensorFlow's native code writes its start-up log to file descriptor 2 before any setting of its own
is read; on a PC without a GPU that log reads like a list of failures. It is kept back here and
shown only when the start fails.
"""

import contextlib
import logging
import os
import sys
import tempfile
from collections.abc import Iterator

# Also its errors (3): what stops a program comes as an exception too, and the rest, such as an
# optimisation of the graph that could not be made, means nothing to a user.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# It warns where many functions are traced in few calls, as for a network that each phase of a
# fine-tuning cuts anew.
logging.getLogger("tensorflow").setLevel(logging.ERROR)


@contextlib.contextmanager
def _native_stderr_kept_back() -> Iterator[None]:
    try:
        descriptor = sys.stderr.fileno()
        kept = os.dup(descriptor)
    except (AttributeError, OSError, ValueError):  # stderr is no file: nothing to keep back
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


with _native_stderr_kept_back():
    import keras

    keras.ops.convert_to_numpy(keras.ops.zeros(1))  # wakes the devices, which log as well


def gpus() -> list[str]:
    """Return the names of the GPUs that the backend computes on."""
    try:
        return keras.distribution.list_devices("gpu")
    except RuntimeError:  # what JAX answers where there is none
        return []
    except AttributeError:  # the torch backend has no list, but its tensors tell where they are
        device = str(keras.ops.zeros(1).device)
        return [] if device == "cpu" else [device]


def device_line() -> str:
    """Return what the networks run on, and what to do where a GPU is expected and not seen."""
    devices = gpus()
    backend = keras.backend.backend()
    if devices:
        return f"Running on {', '.join(devices)} ({backend})."
    hint = " TensorFlow has no GPU on Windows: use WSL2 for one." if os.name == "nt" else ""
    return f"Running on the CPU: {backend} sees no GPU.{hint}"


__all__ = ["device_line", "gpus", "keras"]
