# SPDX-License-Identifier: Apache-2.0
"""Put the metadata of one TIFF file into another (TIFF 6.0, section 2), value for value.

Encoders carry some fields and choke on others. Here the encoded file stays as it is, byte for byte; a new directory
behind it holds its own fields about the pixels and the source's fields about everything else.
"""

import struct
from dataclasses import dataclass, replace

from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.photoshop import THUMBNAILS
from waarmerk.provenance.media.photoshop import without as without_resources
from waarmerk.provenance.media.stock import EXIF_IFD, GPS_IFD, INTEROP_IFD, PHOTOSHOP, STRUCTURE
from waarmerk.provenance.media.tiff import Directory, Entry, Tiff, read_tiff
from waarmerk.provenance.media.window import Truncated, Window

_UNITS = {3: 2, 8: 2, 4: 4, 9: 4, 11: 4, 13: 4, 5: 4, 10: 4, 12: 8}  # bytes that a change of byte order turns around
_CLASSIC = frozenset(range(1, 14))  # types that BigTIFF added cannot stand in a classic file
_BYTE, _LONG = 1, 4


@dataclass(frozen=True, slots=True)
class _Field:
    tag: int
    kind: int
    count: int
    value: bytes


def graft(encoded: Window, source: Window, limits: Limits, *, without: frozenset[int]) -> bytes:
    """``encoded``, a classic TIFF of one page, with the metadata of ``source`` but for the tags in ``without``.

    Raises Truncated where a directory of either cannot be read.
    """
    new, old = read_tiff(encoded), read_tiff(source)
    if new is None or old is None or new.big:
        raise Truncated
    out = bytearray(encoded.at(0, encoded.size))
    fields = {field.tag: field for field in _fields(new, new.directory(new.first, limits), new.order, frozenset())}
    writer = _Writer(out, old, new.order, limits)
    fields.update(writer.metadata(old.directory(old.first, limits), without))
    out[4:8] = struct.pack(new.order + "I", writer.directory(list(fields.values())))
    return bytes(out)


def _fields(tiff: Tiff, directory: Directory, order: str, without: frozenset[int]) -> list[_Field]:
    return [
        _Field(tag, entry.kind, entry.count, _value(tiff, entry, order))
        for tag, entry in directory.fields.items()
        if tag not in without and entry.kind in _CLASSIC
    ]


def _without_thumbnails(field: _Field) -> _Field:
    """Photoshop's resources may show the picture as it was before."""
    if field.tag != PHOTOSHOP:
        return field
    value = without_resources(field.value, THUMBNAILS)
    return field if value == field.value else replace(field, count=len(value), value=value, kind=_BYTE)


def _value(tiff: Tiff, entry: Entry, order: str) -> bytes:
    data = tiff.window.at(entry.offset, entry.size)
    unit = _UNITS.get(entry.kind, 1)
    if order == tiff.order or unit == 1:
        return data
    return b"".join(data[at : at + unit][::-1] for at in range(0, len(data), unit))


@dataclass(frozen=True, slots=True)
class _Writer:
    out: bytearray
    source: Tiff
    order: str
    limits: Limits

    def metadata(self, directory: Directory, without: frozenset[int], depth: int = 0) -> dict[int, _Field]:
        """The fields of a directory of the source; the directories that they point to are written first."""
        fields = _fields(self.source, directory, self.order, without | STRUCTURE)
        kept = {field.tag: field for field in map(_without_thumbnails, fields) if field.count or field.tag != PHOTOSHOP}
        for pointer in (EXIF_IFD, GPS_IFD, INTEROP_IFD):
            for offset in self.source.numbers(directory.fields.get(pointer)) if depth < 2 else ():
                inner = self.metadata(self.source.directory(offset, self.limits), frozenset(), depth + 1)
                at = self.directory(list(inner.values()))
                kept[pointer] = _Field(pointer, _LONG, 1, struct.pack(self.order + "I", at))
        return kept

    def directory(self, fields: list[_Field]) -> int:
        """Write a directory and its values; returns where it stands."""
        table = struct.pack(self.order + "H", len(fields))
        for field in sorted(fields, key=lambda each: each.tag):
            value = field.value.ljust(4, b"\0")
            if len(value) > 4:
                value = struct.pack(self.order + "I", self._place(value))
            table += struct.pack(self.order + "HHI", field.tag, field.kind, field.count) + value
        return self._place(table + bytes(4))

    def _place(self, data: bytes) -> int:
        self.out.extend(bytes(len(self.out) & 1))  # offsets are even
        at = len(self.out)
        self.out.extend(data)
        return at
