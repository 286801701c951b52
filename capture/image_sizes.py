"""What size JPEG and TIFF files claim to have, from their headers: before a decoder takes memory for it."""

from __future__ import annotations

import struct

_START_OF_FRAME = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD9)}
_TIFF_ORDERS = {b"II*\x00": "<", b"MM\x00*": ">"}
_TIFF_WIDTH, _TIFF_HEIGHT, _TIFF_KINDS = 256, 257, {3: "H", 4: "I"}


def claimed_size(data: bytes) -> tuple[int, int] | None:
    """Return (width, height) of a JPEG or TIFF file; None where its header does not tell.

    Sources: ITU-T T.81, Annex B (markers); TIFF 6.0, sections 2 and 8 (the first directory).
    """
    try:
        if data.startswith(b"\xff\xd8"):
            return _jpeg_size(data)
        order = _TIFF_ORDERS.get(data[:4])
        return None if order is None else _tiff_size(data, order)
    except struct.error:  # it ends early
        return None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    place = 2
    while place < len(data):
        if data[place] != 0xFF:
            return None
        marker = data[place + 1] if place + 1 < len(data) else 0
        place += 2
        if marker == 0xFF:  # padding before a marker
            place -= 1
        elif marker in _START_OF_FRAME:
            height, width = struct.unpack_from(">HH", data, place + 3)
            return width, height
        elif marker not in _WITHOUT_LENGTH:
            place += max(2, struct.unpack_from(">H", data, place)[0])
    return None


def _tiff_size(data: bytes, order: str) -> tuple[int, int] | None:
    (place,) = struct.unpack_from(f"{order}I", data, 4)
    (count,) = struct.unpack_from(f"{order}H", data, place)
    sizes = {}
    for number in range(count):
        tag, kind, _ = struct.unpack_from(f"{order}HHI", data, place + 2 + 12 * number)
        if tag in (_TIFF_WIDTH, _TIFF_HEIGHT) and kind in _TIFF_KINDS:
            # A value of two bytes stands at the beginning of its field of four.
            (sizes[tag],) = struct.unpack_from(f"{order}{_TIFF_KINDS[kind]}", data, place + 10 + 12 * number)
    return (sizes[_TIFF_WIDTH], sizes[_TIFF_HEIGHT]) if len(sizes) == 2 else None
