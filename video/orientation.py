"""Rotation and mirroring of a decoded image, from its display matrix."""

import math
import struct
from collections.abc import Iterator
from typing import cast

import av
from av.sidedata.sidedata import SideData, SideDataContainer, Type

_MATRIX_BYTES = 36


def _nameless(cls: type[Type], value: int) -> Type:
    """Return an enum member for a type of side data that PyAV does not know.

    Without it, PyAV raises an error on any access to a frame's side data, also to the display
    matrix. JPEGs with EXIF and Apple's spatial videos have such types (PyAV issue 2392).
    """
    member = object.__new__(cls)
    member._name_ = f"NAMELESS_{value}"
    member._value_ = value  # type: ignore[assignment]  # in PyAV's stubs the values are no numbers
    return cast(Type, cls._value2member_map_.setdefault(value, member))


Type._missing_ = classmethod(_nameless)  # type: ignore[method-assign, assignment]


def _side_data(image: av.VideoFrame) -> Iterator[SideData]:
    """Yield the side data of an image.

    `image.side_data` would refer to the image and be kept by it. Such an image stays in memory
    until the garbage collector runs, and with it hundreds of images of a camera.
    """
    return iter(SideDataContainer(image))  # type: ignore[call-arg]  # PyAV's stubs omit it


def orientation_of(image: av.VideoFrame) -> tuple[int, bool]:
    """Return (quarter turns counterclockwise, whether to mirror left and right before turning).

    Both follow from the display matrix [a b u; c d v; x y w] of ISO/IEC 14496-12 (section 6.2.2).
    A negative determinant means that the image is also mirrored. An image without a matrix, or with
    a degenerate one, is upright.
    """
    entries = _side_data(image)
    matrix = next((bytes(entry) for entry in entries if entry.type is Type.DISPLAYMATRIX), b"")
    if len(matrix) < _MATRIX_BYTES:
        return 0, False
    a, b, _, c, d, *_ = struct.unpack_from("<9i", matrix)
    # The formula of av_display_rotation_get.
    across, down = math.hypot(a, c), math.hypot(b, d)
    if not across or not down:
        return 0, False
    turns = round(-math.degrees(math.atan2(b / down, a / across)) / 90) % 4
    if a * d - b * c >= 0:
        return turns, False
    # Removing the mirroring negates the first row of the matrix, which is half a turn.
    return (turns + 2) % 4, True
