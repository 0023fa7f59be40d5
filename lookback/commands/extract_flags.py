"""Flags of extract.py."""

import argparse

from clips.task_flags import add_task_flags
from recipes.command_line import BACKBONE_FLAGS, INPUT_FLAG, Flag, parser

FLAGS = (
    *BACKBONE_FLAGS,
    INPUT_FLAG,
    Flag("--batch-size", "extract.batch_size", "clips per batch", "N", "chosen for the engine"),
    Flag(
        "--engine",
        "extract.engine",
        "inference engine: auto (the fastest available), openvino, onnx or keras",
        "NAME",
    ),
    Flag(
        "--precision",
        "extract.precision",
        "compute precision: f32, or bf16 or int8, which are faster but less accurate",
        "NAME",
        "the model folder's, or f32",
    ),
    Flag(
        "--dtype",
        "extract.dtype",
        "data type of the stored features: float32, or float16 (half the size)",
        "TYPE",
    ),
)


def flag_parser(description: str = "") -> argparse.ArgumentParser:
    """Return the parser of all flags; `description` is a sentence for `--help`."""
    flags = parser("extract", description, FLAGS)
    add_task_flags(flags, "compute", "all videos")
    flags.add_argument(
        "--network-only",
        action="store_true",
        help="save, quantize and convert the network in the model folder, and compute no features: "
        "once before a job array, whose tasks then share it",
    )
    return flags
