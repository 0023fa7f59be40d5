"""Shared building blocks of the convolutional clip networks.

Every layer has the name of its module in the original code. Weight conversion therefore needs no
name table, and each name shows the layer's stage. Padding is explicit throughout: PyTorch pads
symmetrically, but `padding="same"` with a stride does not.
"""

from extract.architectures.layer_names import layer_name
from training.keras_backend import keras

layers, ops = keras.layers, keras.ops


def conv(x, filters: int, kernel: tuple, name: str, strides: tuple = (1, 1, 1), bias: bool = False):
    """Apply a 3D convolution with zero padding of kernel // 2 on each side."""
    if any(size > 1 for size in kernel):
        padding = tuple(size // 2 for size in kernel)
        x = layers.ZeroPadding3D(padding, name=layer_name(f"{name}.padding"))(x)
    return layers.Conv3D(filters, kernel, strides, use_bias=bias, name=layer_name(name))(x)


def depthwise(x, kernel: tuple, name: str, strides: tuple = (1, 1, 1)):
    """Apply a depthwise 3D convolution with zero padding of kernel // 2 on each side."""
    from extract.architectures.depthwise_conv3d import DepthwiseConv3D  # loads Keras

    return DepthwiseConv3D(kernel, strides, name=layer_name(name))(x)


def norm(x, name: str, momentum: float = 0.9, epsilon: float = 1e-5):
    """Apply batch normalization, by default with the constants of torch.nn.BatchNorm3d."""
    return layers.BatchNormalization(momentum=momentum, epsilon=epsilon, name=layer_name(name))(x)


def relu(x, name: str | None = None):
    """Apply ReLU."""
    return layers.Activation("relu", name=name and layer_name(name))(x)


def max_pool(x, name: str):
    """Apply the max pooling of the ResNet stem: 1x3x3, spatial stride 2, padding 1."""
    # The input comes from a ReLU, so the padding's zeros never exceed a real value.
    x = layers.ZeroPadding3D((0, 1, 1), name=layer_name(f"{name}.padding"))(x)
    return layers.MaxPooling3D((1, 3, 3), (1, 2, 2), name=layer_name(name))(x)


def bottleneck_block(x, prefix: str, inner: int, outer: int, time_kernel: int, stride: int):
    """Apply a ResNet bottleneck with kernels (t,1,1), (1,3,3), (1,1,1) and a skip connection.

    The skip connection is projected if the shape changes (He et al. 2015; Feichtenhofer et al.
    2019).
    """
    strides = (1, stride, stride)
    shortcut = x
    if x.shape[-1] != outer or stride != 1:
        shortcut = conv(x, outer, (1, 1, 1), f"{prefix}.branch1_conv", strides)
        shortcut = norm(shortcut, f"{prefix}.branch1_norm")
    branch = f"{prefix}.branch2"
    x = conv(x, inner, (time_kernel, 1, 1), f"{branch}.conv_a")
    x = relu(norm(x, f"{branch}.norm_a"), f"{branch}.act_a")
    x = conv(x, inner, (1, 3, 3), f"{branch}.conv_b", strides)
    x = relu(norm(x, f"{branch}.norm_b"), f"{branch}.act_b")
    x = norm(conv(x, outer, (1, 1, 1), f"{branch}.conv_c"), f"{branch}.norm_c")
    x = layers.Add(name=layer_name(f"{prefix}.branch_fusion"))([shortcut, x])
    return relu(x, f"{prefix}.activation")
