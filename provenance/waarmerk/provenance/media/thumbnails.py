# SPDX-License-Identifier: Apache-2.0
"""EXIF without the small picture in it (EXIF 3.0, 4.5.8: second directory): it shows what the picture was before."""

import struct
from io import BytesIO

from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.tiff import Directory, Tiff, read_tiff
from waarmerk.provenance.media.window import Truncated, Window

_PREFIX = b"Exif\0\0"
_OFFSET, _LENGTH, _STRIPS, _STRIP_SIZES = 513, 514, 273, 279


def without_thumbnail(exif: bytes, limits: Limits) -> bytes:
    """The EXIF data (with or without its prefix) whose first directory is its last; the thumbnail's bytes are gone.

    Nothing else moves: maker notes point at places. What cannot be read stays as it is.
    """
    head = _PREFIX if exif.startswith(_PREFIX) else b""
    data = exif[len(head) :]
    tiff = read_tiff(Window(BytesIO(data), len(data)))
    if tiff is None or tiff.big:
        return exif
    try:
        (count,) = tiff.window.unpack(tiff.order + "H", tiff.first)
        first = tiff.directory(tiff.first, limits)
        second = tiff.directory(first.following, limits) if first.following else None
    except Truncated:
        return exif
    if second is None or count > limits.ifd_entries:
        return exif
    out = bytearray(data)
    struct.pack_into(tiff.order + "I", out, tiff.first + 2 + 12 * count, 0)
    (entries,) = tiff.window.unpack(tiff.order + "H", first.following)
    end = first.following + 2 + 12 * entries + 4
    _clear(out, first.following, end - first.following)
    for offset, size in _pictures(tiff, second):
        if offset >= end and offset + size >= len(out):
            del out[offset:]
        else:
            _clear(out, offset, size)
    return head + bytes(out)


def _pictures(tiff: Tiff, directory: Directory) -> list[tuple[int, int]]:
    fields, found = directory.fields, []
    for at, size in ((_OFFSET, _LENGTH), (_STRIPS, _STRIP_SIZES)):
        pairs = zip(tiff.numbers(fields.get(at), 64), tiff.numbers(fields.get(size), 64), strict=False)
        found += [(start, length) for start, length in pairs if length > 0]
    return sorted(found, reverse=True)  # the last first: cutting off leaves the others in place


def _clear(out: bytearray, offset: int, size: int) -> None:
    end = min(len(out), offset + size)
    if 8 <= offset < end:
        out[offset:end] = bytes(end - offset)
