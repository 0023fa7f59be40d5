"""Compute the features of every clip with the backbone and store them in features/."""

from clips.task_flags import add_task_flags, take_threads
from extract.pipeline.task import add_network_only, leave_network, shard_of
from recipes.command_line import BACKBONE_FLAGS, INPUT_FLAG, Flag, parser, settings
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


def main(arguments: list[str] | None = None) -> int:
    flags = parser("extract", __doc__, FLAGS)
    add_task_flags(flags, "compute", "all videos")
    add_network_only(flags)
    parsed = flags.parse_args(arguments)
    chosen = settings(parsed)
    take_threads(parsed.threads)
    shard = shard_of(parsed.shard, chosen)
    # Check the command line and the manifest first: the imports below are slow.
    from clips.preparation import load_manifest

    manifest = load_manifest(chosen)

    from extract.extraction import extract, set_up
    from training.keras_backend import device_line

    print(device_line())
    if shard:
        leave_network(chosen)
    with ended_by_signals():
        if parsed.network_only:
            set_up(chosen, manifest)
        else:
            extract(chosen, manifest, shard=shard)
    return 0
