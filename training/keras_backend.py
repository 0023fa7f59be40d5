"""The only import of Keras, without its startup logs; also describes the device.

Keras is loaded with the first use of `keras`, not with the import of this module: TensorFlow and
Keras take 10 s of processor time to load, and a model whose networks are converted needs neither.
Modules that define layers load it when they are imported.

TensorFlow's native code writes its startup log to file descriptor 2 before it reads any of its
settings; without a GPU that log looks like a list of failures. It is captured here and shown only
when the import fails.
"""

import contextlib
import json
import logging
import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from video.errors import LookbackError

__all__ = ["backend_name", "device_line", "export_saved_model", "gpus", "is_loaded", "keras"]

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


class _LazyModule(ModuleType):
    """A module that is imported with its first use. Its submodules, such as `keras.layers`, are
    lazy too, so that `layers = keras.layers` in a module loads nothing."""

    def __getattr__(self, name: str):
        if not is_loaded() and name in _SUBMODULES and "." not in self.__name__:
            return _LazyModule(f"{self.__name__}.{name}")
        return getattr(_load(self.__name__), name)


_SUBMODULES = ("layers", "ops")
_loading = threading.RLock()


def is_loaded() -> bool:
    """Return whether Keras is loaded, with its devices initialized."""
    return _initialize.cache_info().currsize > 0


def _load(name: str) -> ModuleType:
    with _loading:  # the captured descriptor belongs to the process
        _initialize()
    return sys.modules[name]


@cache
def _initialize() -> None:
    try:
        with _captured_native_stderr():
            import keras

            keras.ops.convert_to_numpy(keras.ops.zeros(1))  # initializes the devices, which log too
    except ModuleNotFoundError as error:
        raise LookbackError(
            f"{error.name} is not installed, and a network has to be built or converted; "
            "pip install -r requirements.txt, or use a model folder whose networks are converted "
            "for the engine that is installed here"
        ) from None


if TYPE_CHECKING:
    import keras
else:
    keras = _LazyModule("keras")


def backend_name() -> str:
    """Return the backend of Keras, which is not loaded for it."""
    if is_loaded():
        return keras.backend.backend()
    if chosen := os.environ.get("KERAS_BACKEND"):
        return chosen
    home = Path(os.environ.get("KERAS_HOME") or Path("~/.keras").expanduser())
    try:
        return str(json.loads((home / "keras.json").read_text())["backend"])
    except (OSError, ValueError, KeyError, TypeError):
        return "tensorflow"


def gpus() -> list[str]:
    """Return the names of the GPUs that the backend computes on.

    Keras is loaded for it only if the machine may have one.
    """
    if not is_loaded() and not _may_have_gpu():
        return []
    try:
        return keras.distribution.list_devices("gpu")
    except RuntimeError:  # JAX without a GPU
        return []
    except AttributeError:  # torch has no list of devices, but tensors have one
        device = str(keras.ops.zeros(1).device)
        return [] if device == "cpu" else [device]


def _may_have_gpu() -> bool:
    """Return whether the machine has the device of a GPU driver that a backend could use."""
    if sys.platform == "linux":
        drivers = ("/dev/nvidiactl", "/dev/nvidia0", "/dev/kfd", "/dev/dxg")  # NVIDIA, AMD, WSL2
        return any(Path(driver).exists() for driver in drivers)
    if backend_name() != "tensorflow":
        return True
    # TensorFlow has none on Windows, and on a Mac only with Apple's plugin.
    return sys.platform == "darwin" and find_spec("tensorflow-plugins") is not None


def device_line() -> str:
    """Return a line about the device of the networks, with a remedy if a GPU may be missing."""
    devices = gpus()
    backend = backend_name()
    if devices:
        return f"Running on {', '.join(devices)} ({backend})."
    hint = " TensorFlow has no GPU on Windows: use WSL2 for one." if os.name == "nt" else ""
    if sys.platform == "linux" and not is_loaded():
        return "Running on the CPU: there is no driver of a GPU."
    return f"Running on the CPU: {backend} sees no GPU.{hint}"


def export_saved_model(model: "keras.Model", folder: Path) -> None:
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
