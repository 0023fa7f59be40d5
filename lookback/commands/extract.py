"""Compute the features of every clip with the backbone and store them in features.h5."""

from recipes.command_line import BACKBONE_FLAGS, Flag, parser, settings

FLAGS = (
    *BACKBONE_FLAGS,
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
    chosen = settings(parser("extract", __doc__, FLAGS).parse_args(arguments))
    # Check the command line and the manifest first: the imports below are slow.
    from clips.preparation import load_manifest

    manifest = load_manifest(chosen)

    from extract.extractor_setup import set_up_extractor
    from extract.feature_store.reader import features_path
    from extract.pipeline.runner import extract_features, print_report
    from training.keras_backend import device_line

    print(device_line())
    extractor = set_up_extractor(chosen, manifest)
    backbone = extractor.config.backbone
    how = "fine-tuned" if backbone.fine_tuned else f"weights: {backbone.weights}"
    engine = f"{extractor.engine.name}, {extractor.engine.precision}"
    print(f"{backbone.name} ({how}), {backbone.feature_size} features a step; engine: {engine}.")
    path = features_path(chosen)
    report = extract_features(manifest, extractor, path, chosen.recipe.extract.dtype)
    print_report(report, path)
    if report.cached and "extract.engine" in chosen.flags:
        print(
            "note: features that were in the file are kept, whichever engine computed them: "
            "engines agree within 1e-4; --features FILE computes others"
        )
    return 0
