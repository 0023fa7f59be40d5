"""Lack of memory in a fine-tuning: one line with the settings that help, instead of a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager

from training.keras_backend import gpus
from training.out_of_memory import is_out_of_memory
from video.errors import LookbackError


class OutOfMemoryError(LookbackError):
    """The memory does not suffice for the batches of the recipe."""


@contextmanager
def explained_out_of_memory(batch_size: int, accumulation: int, precision: str) -> Iterator[None]:
    """Raise `OutOfMemoryError` if the memory does not suffice within the block.

    Args:
        batch_size: Clips per batch.
        accumulation: Batches per update.
        precision: Dtype policy of the training, such as `float32`.
    """
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        text = _advice(batch_size, accumulation, precision)
        raise OutOfMemoryError(text) from None


def _advice(batch_size: int, accumulation: int, precision: str) -> str:
    where = "GPU memory" if gpus() else "memory"
    text = f"out of {where} with batches of {batch_size} clips in {precision}: "
    if batch_size > 1:
        half = batch_size // 2
        steps = -(-batch_size * accumulation // half)
        text += (
            f"--batch-size {half} needs about half of it, and with "
            f"--set finetune.gradient_accumulation_steps={steps} an update sees as many clips"
        )
    else:
        text += "no batch is smaller, so choose a smaller --backbone"
    if precision == "float32":
        text += "; on a GPU, --set finetune.mixed_precision=mixed_float16 also needs about half"
    return f"{text}; fewer trained stages (finetune.phases) need less"
