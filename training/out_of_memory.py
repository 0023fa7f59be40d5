"""Which errors of a framework mean that the memory does not suffice.

Frameworks raise classes of their own, some of them general ones with a text about memory.
"""

_NAMES = {
    "ResourceExhaustedError",  # TensorFlow
    "OutOfMemoryError",  # PyTorch
}
_TEXTS = (
    "RESOURCE_EXHAUSTED",  # XLA, JAX
    "OOM when allocating",
    "out of memory",
    "CUDA_ERROR_OUT_OF_MEMORY",
    "failed to allocate memory",
    "Dst tensor is not initialized",  # TensorFlow: a copy to a full GPU
    "CUDNN_STATUS_ALLOC_FAILED",
)


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that the memory of the computer or of the GPU is full.

    >>> is_out_of_memory(MemoryError()), is_out_of_memory(ValueError("a shape is wrong"))
    (True, False)
    """
    if isinstance(error, MemoryError):
        return True
    if {kind.__name__ for kind in type(error).__mro__} & _NAMES:
        return True
    # Errors in a traced function carry the whole graph: the cause is in the first lines.
    text = str(error)[:4000].lower()
    return isinstance(error, Exception) and any(each.lower() in text for each in _TEXTS)
