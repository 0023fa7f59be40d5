"""How a decoded picture is to be turned to stand as it was taken."""

import math
import struct
from collections.abc import Iterator
from typing import cast

import av
from av.sidedata.sidedata import SideData, Type

_MATRIX_BYTES = 36


def _nameless(cls: type[Type], value: int) -> Type:
    """Return a member for a kind of side data that PyAV has no name for.

    Without it PyAV raises as soon as a frame's side data is looked at, the display matrix as well:
    of JPEGs with EXIF, of Apple's spatial videos (PyAV issue 2392).
    """
    member = object.__new__(cls)
    member._name_ = f"NAMELESS_{value}"
    member._value_ = value  # type: ignore[assignment]  # in PyAV's stubs the values are no numbers
    return cast(Type, cls._value2member_map_.setdefault(value, member))


Type._missing_ = classmethod(_nameless)  # type: ignore[method-assign, assignment]


def orientation_of(picture: av.VideoFrame) -> tuple[int, bool]:
    """Return (quarter turns counter-clockwise, whether to mirror left and right before turning).

    The display matrix [a b u; c d v; x y w] of ISO/IEC 14496-12 (section 6.2.2) says it; where its
    determinant is negative the picture is mirrored as well, which the angle alone does not tell. A
    picture without a matrix, or with one that shows nothing, stands upright.
    """
    # PyAV's stubs call the container a mapping of names; iterating gives the entries.
    entries = cast(Iterator[SideData], iter(picture.side_data))
    matrix = next((bytes(entry) for entry in entries if entry.type is Type.DISPLAYMATRIX), b"")
    if len(matrix) < _MATRIX_BYTES:
        return 0, False
    a, b, _, c, d, *_ = struct.unpack_from("<9i", matrix)
    # As av_display_rotation_get has it.
    across, down = math.hypot(a, c), math.hypot(b, d)
    if not across or not down:
        return 0, False
    turns = round(-math.degrees(math.atan2(b / down, a / across)) / 90) % 4
    if a * d - b * c >= 0:
        return turns, False
    # Taking the mirror out of the matrix negates its first row: half a turn.
    return (turns + 2) % 4, True
