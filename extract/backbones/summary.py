"""Tables of `python -m extract.backbones`: all backbones, or the layers of one."""

from collections.abc import Iterable

from extract.architectures.building import build_core, stages_of, with_classifier
from extract.architectures.costs import LayerCost, layer_costs
from extract.architectures.layer_names import module_name
from extract.architectures.spec import BackboneSpec

_MEBIBYTE = 2**20


def backbone_table(specs: Iterable[BackboneSpec]) -> str:
    """Return a table of backbones: input, parameters, GFLOPs, feature size, weights and license."""
    header = ("backbone", "input", "parameters", "GFLOPs", "features", "weights", "license")
    rows = [
        (
            spec.name,
            input_of(spec),
            f"{spec.parameters / 1e6:.2f} M",
            f"{spec.gflops:.2f}",
            str(spec.feature_size),
            spec.published or "-",
            spec.licence,
        )
        for spec in specs
    ]
    notes = [
        "",
        "input: frames x height x width, at frames per second",
        "parameters: trainable ones; a clip network's include its classifier of 400 classes",
        "GFLOPs: billions of multiply-adds for one input",
        "features: numbers per step that the network gives to the second stage",
        "weights: published weights, a value of --backbone-weights",
        "license: of these weights; NC forbids commercial use",
    ]
    return "\n".join([*_aligned([header, *rows], right=(2, 3, 4)), *notes])


def input_of(spec: BackboneSpec) -> str:
    """Return a backbone's input size as text, such as `13 x 160 x 160 at 5/s`."""
    side = spec.input_size
    rate = f" at {spec.frame_rate:g}/s" if spec.frame_rate else ""
    return f"{spec.clip_length} x {side} x {side}{rate}"


def layer_table(spec: BackboneSpec) -> str:
    """Return a table of a backbone's layers at its own input size, with totals."""
    core = build_core(spec)
    model = with_classifier(core, spec, spec.classes) if spec.is_clip_network else core
    costs = layer_costs(model)
    stage_of = {
        layer.name: stage for stage, layers in stages_of(spec, core).items() for layer in layers
    }
    header = ("stage", "layer", "kind", "output", "parameters", "MFLOPs", "memory")
    rows = [_layer_row(cost, stage_of.get(cost.name, "classifier")) for cost in costs]
    trainable = sum(cost.trainable for cost in costs)
    non_trainable = sum(cost.parameters for cost in costs) - trainable
    weights = 4 * (trainable + non_trainable) / _MEBIBYTE
    outputs = sum(cost.activation_bytes for cost in costs) / _MEBIBYTE
    largest = max(cost.activation_bytes for cost in costs) / _MEBIBYTE
    totals = [
        "",
        f"{spec.name}: {input_of(spec)}; {spec.source}; license {spec.licence}",
        *([f"Published accuracy: {spec.accuracy}"] if spec.accuracy else []),
        f"{trainable:,} trainable parameters, {sum(cost.macs for cost in costs) / 1e9:.2f} GFLOPs, "
        f"{spec.feature_size} features",
        f"Memory in float32: weights {weights:.1f} MiB (with {non_trainable:,} non-trainable "
        f"parameters: batch statistics); layer outputs for one input {outputs:.1f} MiB in all "
        f"(training stores them), {largest:.1f} MiB the largest",
        f"Stages to freeze or train: {', '.join(spec.stages)}",
    ]
    return "\n".join([*_aligned([header, *rows], right=(4, 5, 6)), *totals])


def _layer_row(cost: LayerCost, stage: str) -> tuple[str, ...]:
    return (
        stage,
        module_name(cost.name),
        cost.kind,
        " x ".join(map(str, cost.shape)),
        f"{cost.parameters:,}" if cost.parameters else "",
        f"{cost.macs / 1e6:,.1f}" if cost.macs else "",
        f"{cost.activation_bytes / _MEBIBYTE:.2f} MiB",
    )


def _aligned(rows: list[tuple[str, ...]], right: tuple[int, ...]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            text.rjust(width) if column in right else text.ljust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
