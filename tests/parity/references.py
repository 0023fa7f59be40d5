"""The networks that ours are held against, in PyTorch: in their published size, and small.

A new converted network gets a line in `REFERENCES`, and one in `SMALL` for its golden file.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from efficientnet_lite_pytorch import EfficientNet
from torch import library, nn

# torchvision is installed without its compiled operators, and needs them declared.
_OPERATORS = library.Library("torchvision", "DEF")
for _name in ("nms", "qnms"):
    _OPERATORS.define(f"{_name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

import torchvision.transforms._functional_tensor  # noqa: E402
from torchvision.models.video import R2Plus1D_18_Weights, VideoResNet, r2plus1d_18  # noqa: E402
from torchvision.models.video.resnet import BasicBlock, Conv2Plus1D  # noqa: E402

# PyTorchVideo imports it under the name that it had.
sys.modules["torchvision.transforms.functional_tensor"] = torchvision.transforms._functional_tensor

from pytorchvideo.models.accelerator.mobile_cpu.efficient_x3d import EfficientX3d  # noqa: E402
from pytorchvideo.models.resnet import create_resnet  # noqa: E402
from pytorchvideo.models.slowfast import create_slowfast  # noqa: E402
from pytorchvideo.models.x3d import create_x3d  # noqa: E402
from transformers import (  # noqa: E402
    TimesformerConfig,
    TimesformerForVideoClassification,
    VideoMAEConfig,
    VideoMAEForVideoClassification,
)

from tests.golden.drawing import draw_tensors  # noqa: E402
from tests.parity.i3d_reference import InceptionI3d  # noqa: E402

Shape = tuple[int, int, int]  # T, H, W
_COUNT = "num_batches_tracked"


@dataclass(frozen=True)
class Reference:
    """An original.

    Attributes:
        make: builds it for (T, H, W) and a number of classes, without a softmax at its end.
        mean, deviation: a value a channel, for pixels from 0 to 1.
        run: (module, clips (B, 3, T, H, W)) to logits (B, classes).
    """

    make: Callable[[Shape, int], nn.Module]
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    run: Callable[[nn.Module, torch.Tensor], torch.Tensor] = lambda module, clips: module(clips)


def shapes_of(module: nn.Module) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a module's tensors by name; PyTorch's counts of batches are left out."""
    state = module.state_dict()
    return {name: tuple(t.shape) for name, t in state.items() if not name.endswith(_COUNT)}


def fill(module: nn.Module) -> None:
    """Give a module the drawn weights and put it into evaluation."""
    tensors = draw_tensors(shapes_of(module))
    module.load_state_dict({n: torch.from_numpy(t) for n, t in tensors.items()}, strict=False)
    module.eval()


def logits(reference: Reference, module: nn.Module, clips: np.ndarray) -> np.ndarray:
    """Return the module's logits (B, classes) of uint8 clips (B, T, H, W, 3)."""
    pixels = torch.from_numpy(clips).float() / 255
    pixels = (pixels - torch.tensor(reference.mean)) / torch.tensor(reference.deviation)
    with torch.no_grad():
        return reference.run(module, pixels.permute(0, 4, 1, 2, 3)).numpy()


class _SmallVideoResNet(VideoResNet):
    """torchvision's network, whose own constructor has no widths."""

    def __init__(self, widths: tuple[int, ...], stem_width: int, classes: int) -> None:
        nn.Module.__init__(self)
        self.inplanes = widths[0]
        self.stem = nn.Sequential(
            nn.Conv3d(3, stem_width, (1, 7, 7), (1, 2, 2), (0, 3, 3), bias=False),
            nn.BatchNorm3d(stem_width),
            nn.ReLU(),
            nn.Conv3d(stem_width, widths[0], (3, 1, 1), 1, (1, 0, 0), bias=False),
            nn.BatchNorm3d(widths[0]),
            nn.ReLU(),
        )
        for number, width in enumerate(widths, 1):
            stride = 1 if number == 1 else 2
            layer = self._make_layer(BasicBlock, Conv2Plus1D, width, 2, stride)
            self.add_module(f"layer{number}", layer)
        self.avgpool = nn.AdaptiveAvgPool3d(1)
        self.fc = nn.Linear(widths[-1], classes)


def _x3d(depth: float) -> Callable[[Shape, int], nn.Module]:
    def make(shape: Shape, classes: int) -> nn.Module:
        return create_x3d(
            input_clip_length=shape[0],
            input_crop_size=shape[1],
            depth_factor=depth,
            model_num_class=classes,
            head_activation=None,
        )

    return make


def _slow(width: int) -> Callable[[Shape, int], nn.Module]:
    def make(shape: Shape, classes: int) -> nn.Module:
        side = -(-shape[1] // 32)
        return create_resnet(
            stem_dim_out=width,
            stem_conv_kernel_size=(1, 7, 7),
            head_pool_kernel_size=(shape[0], side, side),
            model_num_class=classes,
        )

    return make


def _slowfast(width: int) -> Callable[[Shape, int], nn.Module]:
    def make(shape: Shape, classes: int) -> nn.Module:
        side = -(-shape[1] // 32)
        return create_slowfast(
            stem_dim_outs=(width, width // 8),
            head_pool_kernel_sizes=((shape[0] // 4, side, side), (shape[0], side, side)),
            model_num_class=classes,
        )

    return make


def _run_slowfast(module: nn.Module, clips: torch.Tensor) -> torch.Tensor:
    """The published transform of PyTorchVideo gives the slow pathway every fourth frame."""
    frames = clips.shape[2]
    chosen = torch.linspace(0, frames - 1, frames // 4).long()
    return module([clips.index_select(2, chosen), clips])


def _transformer(
    network: type[nn.Module], config: type, width: int, blocks: int, heads: int
) -> Callable[[Shape, int], nn.Module]:
    def make(shape: Shape, classes: int) -> nn.Module:
        return network(
            config(
                num_frames=shape[0],
                image_size=shape[1],
                hidden_size=width,
                num_hidden_layers=blocks,
                num_attention_heads=heads,
                intermediate_size=4 * width,
                num_labels=classes,
            )
        )

    return make


def _run_transformer(module: nn.Module, clips: torch.Tensor) -> torch.Tensor:
    return module(clips.transpose(1, 2)).logits


def _videomae(width: int, blocks: int, heads: int) -> Reference:
    make = _transformer(VideoMAEForVideoClassification, VideoMAEConfig, width, blocks, heads)
    return Reference(make, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), _run_transformer)


def _timesformer(width: int, blocks: int, heads: int) -> Reference:
    make = _transformer(TimesformerForVideoClassification, TimesformerConfig, width, blocks, heads)
    return Reference(make, (0.45,) * 3, (0.225,) * 3, _run_transformer)


def _pytorchvideo(make: Callable[[Shape, int], nn.Module], **options) -> Reference:
    return Reference(make, (0.45,) * 3, (0.225,) * 3, **options)


def _torchvision(make: Callable[[Shape, int], nn.Module]) -> Reference:
    transform = R2Plus1D_18_Weights.KINETICS400_V1.transforms()
    return Reference(make, tuple(transform.mean), tuple(transform.std))


def _i3d(make: Callable[[Shape, int], nn.Module]) -> Reference:
    return Reference(make, (0.5,) * 3, (0.5,) * 3, lambda module, clips: module(clips).mean(2))


def _efficientnet_lite(number: int, **sizes: float) -> Reference:
    def make(shape: Shape, classes: int) -> nn.Module:
        options = {"num_classes": classes, "image_size": shape[1], **sizes}
        return EfficientNet.from_name(f"efficientnet-lite{number}", **options)

    mean, deviation = (127 / 255,) * 3, (128 / 255,) * 3
    return Reference(make, mean, deviation, lambda module, clips: module(clips[:, :, 0]))


REFERENCES = {
    "r2plus1d_18": _torchvision(lambda shape, classes: r2plus1d_18(num_classes=classes)),
    "x3d_xs": _pytorchvideo(_x3d(2.2)),
    "x3d_s": _pytorchvideo(_x3d(2.2)),
    "x3d_m": _pytorchvideo(_x3d(2.2)),
    "x3d_l": _pytorchvideo(_x3d(5.0)),
    "efficient_x3d_xs": _pytorchvideo(lambda shape, classes: EfficientX3d(classes, expansion="XS")),
    "efficient_x3d_s": _pytorchvideo(lambda shape, classes: EfficientX3d(classes, expansion="S")),
    "i3d": _i3d(lambda shape, classes: InceptionI3d(classes)),
    "slow_r50": _pytorchvideo(_slow(64)),
    "slowfast_r50": _pytorchvideo(_slowfast(64), run=_run_slowfast),
    "videomae_small": _videomae(384, 12, 6),
    "videomae_base": _videomae(768, 12, 12),
    "timesformer_base": _timesformer(768, 12, 12),
    **{f"efficientnet_lite{number}": _efficientnet_lite(number) for number in (0, 1, 2)},
}

SMALL = {
    "r2plus1d": _torchvision(lambda shape, classes: _SmallVideoResNet((8, 12, 16, 24), 5, classes)),
    "x3d": _pytorchvideo(_x3d(0.4)),
    "efficient_x3d": _pytorchvideo(lambda shape, classes: EfficientX3d(classes, expansion="XS")),
    "i3d": _i3d(lambda shape, classes: InceptionI3d(classes, pool_side=2)),
    "slow": _pytorchvideo(_slow(8)),
    "slowfast": _pytorchvideo(_slowfast(16), run=_run_slowfast),
    "videomae": _videomae(32, 2, 2),
    "timesformer": _timesformer(32, 2, 2),
    "efficientnet_lite": _efficientnet_lite(0, width_coefficient=0.5, depth_coefficient=0.5),
}
