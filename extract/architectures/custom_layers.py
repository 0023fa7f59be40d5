"""All custom layers of the backbones: importing this module registers them with Keras."""

from extract.architectures.change_picture import ChangePicture
from extract.architectures.depthwise_conv3d import DepthwiseConv3D
from extract.architectures.token_layers import Attention, SinusoidalPositions, SpaceTimeEmbeddings

__all__ = [
    "Attention",
    "ChangePicture",
    "DepthwiseConv3D",
    "SinusoidalPositions",
    "SpaceTimeEmbeddings",
]
