"""What `python -m extract.backbones` prints: all backbones, or one layer by layer."""

from collections.abc import Iterable

from extract.architectures.building import build_core, stages_of, with_classifier
from extract.architectures.costs import LayerCost, layer_costs
from extract.architectures.layer_names import module_name
from extract.architectures.spec import BackboneSpec

_MEGABYTE = 2**20


def backbone_table(specs: Iterable[BackboneSpec]) -> str:
    """Return a line a backbone: input, parameters, GFLOPs, feature size, weights and licence."""
    header = ("backbone", "input", "parameters", "GFLOPs", "features", "weights", "licence")
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
        "input: frames x side x side, at frames a second. GFLOPs: 1e9 multiplications with",
        "additions for one input. Parameters of clip networks are with their classifier of 400",
        "classes, of image networks without one. -NC- licences: no commercial use of the weights.",
    ]
    return "\n".join([*_aligned([header, *rows], right=(2, 3, 4)), *notes])


def input_of(spec: BackboneSpec) -> str:
    """Return a backbone's input in words, such as `13 x 160 x 160 at 5/s`."""
    side = spec.input_size
    rate = f" at {spec.frame_rate:g}/s" if spec.frame_rate else ""
    return f"{spec.clip_length} x {side} x {side}{rate}"


def layer_table(spec: BackboneSpec) -> str:
    """Return a line a layer of a backbone at its own input size, and the sums."""
    core = build_core(spec)
    model = with_classifier(core, spec, spec.classes) if spec.is_clip_network else core
    costs = layer_costs(model)
    stage_of = {
        layer.name: stage for stage, layers in stages_of(spec, core).items() for layer in layers
    }
    header = ("stage", "layer", "kind", "output", "parameters", "MFLOPs", "memory")
    rows = [_layer_row(cost, stage_of.get(cost.name, "classifier")) for cost in costs]
    learnt = sum(cost.learnt for cost in costs)
    counted = sum(cost.parameters for cost in costs) - learnt
    weights = 4 * (learnt + counted) / _MEGABYTE
    outputs = sum(cost.activation_bytes for cost in costs) / _MEGABYTE
    largest = max(cost.activation_bytes for cost in costs) / _MEGABYTE
    sums = [
        "",
        f"{spec.name}: {input_of(spec)}; {spec.source}; licence {spec.licence}",
        *([f"Published: {spec.accuracy}"] if spec.accuracy else []),
        f"{learnt:,} parameters, {sum(cost.macs for cost in costs) / 1e9:.2f} GFLOPs, "
        f"{spec.feature_size} features",
        f"Memory in float32: weights {weights:.1f} MiB ({counted:,} of the numbers are "
        f"statistics); of one input all outputs {outputs:.1f} MiB (training keeps them), the "
        f"largest {largest:.1f} MiB",
        f"Stages to freeze or train: {', '.join(spec.stages)}",
    ]
    return "\n".join([*_aligned([header, *rows], right=(4, 5, 6)), *sums])


def _layer_row(cost: LayerCost, stage: str) -> tuple[str, ...]:
    return (
        stage,
        module_name(cost.name),
        cost.kind,
        " x ".join(map(str, cost.shape)),
        f"{cost.parameters:,}" if cost.parameters else "",
        f"{cost.macs / 1e6:,.1f}" if cost.macs else "",
        f"{cost.activation_bytes / _MEGABYTE:.2f} MiB",
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
