"""How a decoded picture is to be turned to stand as it was taken."""

import struct

import av


def orientation_of(picture: av.VideoFrame) -> tuple[int, bool]:
    """Return (quarter turns counter-clockwise, whether to mirror left and right before turning).

    The display matrix [a b u; c d v; x y w] of ISO/IEC 14496-12 (section 6.2.2) says it; where its
    determinant is negative the picture is mirrored as well, which the angle alone does not tell.
    """
    turns = round(picture.rotation / 90) % 4
    matrix = next((bytes(s) for s in picture.side_data if "DISPLAYMATRIX" in str(s.type)), None)
    if matrix is None:
        return turns, False
    a, b, _, c, d, *_ = struct.unpack("<9i", matrix)
    if a * d - b * c >= 0:
        return turns, False
    # Taking the mirror out of the matrix negates its first row: half a turn.
    return (turns + 2) % 4, True
