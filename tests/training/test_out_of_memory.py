"""Errors that mean a full memory, by class and by text."""

import pytest

from training.out_of_memory import is_out_of_memory


class ResourceExhaustedError(Exception):
    """As in TensorFlow."""


class OutOfMemoryError(RuntimeError):
    """As in PyTorch."""


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        ResourceExhaustedError("any text"),
        OutOfMemoryError("any text"),
        RuntimeError("Graph execution error:\nOOM when allocating tensor with shape[32,64]"),
        ValueError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 1 bytes"),
        RuntimeError("Dst tensor is not initialized."),
        RuntimeError("CUDA_ERROR_OUT_OF_MEMORY: out of memory"),
    ],
)
def test_a_full_memory_is_recognized(error):
    assert is_out_of_memory(error)


@pytest.mark.parametrize(
    "error", [ValueError("a shape is wrong"), KeyboardInterrupt("out of memory"), OSError(28, "x")]
)
def test_other_errors_are_not(error):
    assert not is_out_of_memory(error)
