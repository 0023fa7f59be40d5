"""H.264 packets in the byte stream format (ITU-T H.264, annex B), and their parameter sets."""

_START = b"\x00\x00\x01"
_SLICES = (1, 2, 3, 4, 5)
_PARAMETERS = (7, 8)


def parameter_sets(data: bytes) -> bytes:
    """Return the parameter sets (SPS and PPS) before the first slice of a packet.

    >>> parameter_sets(bytes.fromhex("00000109f000000001674200000168ce00000165888400")).hex()
    '00000001674200000168ce'

    Repeated ones are returned once.

    Args:
        data: Packet in the byte stream format.
    """
    found = []
    place = data.find(_START)
    while 0 <= place < len(data) - 3:
        kind = data[place + 3] & 0x1F
        if kind in _SLICES:
            break
        following = data.find(_START, place + 3)
        if kind in _PARAMETERS:
            unit = data[place + 3 : following if following >= 0 else len(data)]
            found.append(_START + unit.rstrip(b"\x00"))
        place = following
    # A server may repeat the sets that the camera has sent in the same packet.
    return b"\x00" + b"".join(dict.fromkeys(found)) if found else b""


def is_length_prefixed(extradata: bytes) -> bool:
    """Return whether extradata are those of mp4 and FLV files, whose packets are no byte stream."""
    return len(extradata) > 6 and extradata[0] == 1


def read_extradata(extradata: bytes) -> tuple[bytes, int]:
    """Return the parameter sets, and the number of bytes in which a packet gives the length of each
    unit; 0 in the byte stream format.

    Args:
        extradata: Of the stream: an AVCDecoderConfigurationRecord (ISO/IEC 14496-15), or parameter
            sets in the byte stream format.
    """
    if not is_length_prefixed(extradata):
        return parameter_sets(extradata), 0
    units, place = [], 6
    for count in (extradata[5] & 0x1F, None):
        number = count
        if number is None:
            number = extradata[place] if place < len(extradata) else 0
            place += 1
        for _ in range(number):
            size = int.from_bytes(extradata[place : place + 2], "big")
            units.append(extradata[place + 2 : place + 2 + size])
            place += 2 + size
    sets = b"".join(_START + unit for unit in units if unit)
    return (b"\x00" + sets if sets else b""), (extradata[4] & 3) + 1


def byte_stream(data: bytes, length_size: int) -> bytes:
    """Return a packet in the byte stream format.

    >>> byte_stream(bytes.fromhex("0000000265ff"), 4).hex()
    '0000000165ff'

    Args:
        data: Packet.
        length_size: Number of bytes of each length, from `read_extradata`; 0 if it is in the byte
            stream format already.
    """
    if not length_size:
        return data
    units, place = [], 0
    while place + length_size < len(data):
        size = int.from_bytes(data[place : place + length_size], "big")
        place += length_size
        units.append(b"\x00" + _START + data[place : place + size])
        place += size
    return b"".join(units)
