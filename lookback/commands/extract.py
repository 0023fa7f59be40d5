"""Compute the features of every clip with the backbone and store them in features/."""

import argparse
from pathlib import Path

from clips.task_flags import add_task_flags, take_threads
from extract.pipeline.task import shard_of
from recipes.command_line import BACKBONE_FLAGS, INPUT_FLAG, Flag, parser, settings
from storage.trees import leave
from video.signals import ended_by_signals

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


def flag_parser() -> argparse.ArgumentParser:
    """Return the parser of this command's flags."""
    flags = parser("extract", __doc__, FLAGS)
    add_task_flags(flags, "compute", "all videos")
    flags.add_argument(
        "--network-only",
        action="store_true",
        help="save, quantize and convert the network in the model folder, and compute no features: "
        "once before a job array, whose tasks then share it",
    )
    return flags


def main(arguments: list[str] | None = None) -> int:
    parsed = flag_parser().parse_args(arguments)
    chosen = settings(parsed)
    take_threads(parsed.threads)
    shard = shard_of(parsed.shard, chosen)
    # Check the command line and the manifest first: the imports below are slow.
    from clips.preparation import load_manifest

    manifest = load_manifest(chosen)

    from extract.extraction import extract, set_up
    from model_folder.config import CONFIG
    from training.keras_backend import device_line

    print(device_line())
    folder = Path(chosen.recipe.model.folder)
    if shard and (folder / CONFIG).is_file():
        leave(folder)  # each shard would send the same converted networks
    with ended_by_signals():
        if parsed.network_only:
            set_up(chosen, manifest)
        else:
            extract(chosen, manifest, shard=shard)
    return 0
