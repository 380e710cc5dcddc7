# SPDX-License-Identifier: Apache-2.0
"""Put an XMP packet into AVIF (HEIF, ISO/IEC 23008-12): an item of type ``mime`` that describes the primary item.

The packet stands in a media data box at the end of the file. Where the tables of the ``meta`` box grow, every offset
that points behind them moves with it; the coded pictures themselves are copied byte for byte.
"""

import struct
from dataclasses import dataclass, field
from io import BytesIO

from waarmerk.provenance.errors import UnsupportedAsset
from waarmerk.provenance.media.bmff import Box, Steps, boxes, child
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.window import Truncated, Window

_XMP_TYPE = b"application/rdf+xml"
_MAX_ITEMS = 4_096


@dataclass(slots=True)
class _Place:
    """One entry of ``iloc``: where an item's bytes stand. ``method`` 0 is the file, 1 the ``idat`` box."""

    item: int
    method: int
    reference: int
    extents: list[tuple[int, int, int]] = field(default_factory=list)  # index, offset, length


def write_heif(window: Window, packet: bytes, limits: Limits) -> bytes:
    """The file with ``packet`` as its XMP item. Raises Truncated and UnsupportedAsset (``metadata.unwritable``)."""
    top = list(boxes(window, Steps(limits.parts)))
    meta = next((box for box in top if box.name == b"meta"), None)
    if meta is None:
        raise Truncated
    tables = {box.name: box for box in boxes(meta.body.part(4, meta.body.size - 4), Steps(limits.parts))}
    if not {b"iinf", b"iloc", b"pitm"} <= tables.keys():
        raise Truncated
    places = _read_places(tables[b"iloc"].body)
    item = _xmp_item(tables[b"iinf"].body, limits)
    added = item is None
    if item is None:
        item = max([place.item for place in places] + _items(tables[b"iinf"].body, limits)) + 1
        if item > 0xFFFF:
            raise UnsupportedAsset("metadata.unwritable", "the picture has more items than a table can number")
    places = [place for place in places if place.item != item]
    mine = _Place(item=item, method=0, reference=0, extents=[(0, 0, len(packet))])
    end = meta.start + 8 + meta.body.size
    bare = _meta(tables, meta, [*places, mine], item if added else None)
    moved = len(bare) - (end - meta.start)
    for place in places:
        if place.method == 0 and place.reference == 0:
            place.extents = [(i, at + moved if at >= end else at, size) for i, at, size in place.extents]
    rest = _closed(window, end, top[-1])
    mine.extents = [(0, meta.start + len(bare) + len(rest) + 8, len(packet))]
    written = _meta(tables, meta, [*places, mine], item if added else None)
    data = struct.pack(">I", 8 + len(packet)) + b"mdat" + packet
    made = bytearray(window.at(0, meta.start) + written + rest)
    _move_samples(made, limits, behind=end, by=moved)
    return bytes(made) + data


def _move_samples(out: bytearray, limits: Limits, *, behind: int, by: int) -> None:
    """Let the tracks of a sequence of pictures point at their samples where these stand now (14496-12, 8.7.5)."""
    window, steps = Window(BytesIO(out), len(out)), Steps(limits.parts)
    for moov in boxes(window, steps):
        for track in boxes(moov.body, steps) if moov.name == b"moov" else ():
            table = child(track.body, steps, b"mdia", b"minf", b"stbl") if track.name == b"trak" else None
            for box in boxes(table, steps) if table is not None else ():
                unit = {b"stco": "I", b"co64": "Q"}.get(box.name)
                if unit is None:
                    continue
                (count,) = box.body.unpack(">I", 4)
                if count * struct.calcsize(unit) > box.body.size:
                    raise Truncated
                places = box.body.unpack(f">{count}{unit}", 8)
                moved = (place + by if place >= behind else place for place in places)
                struct.pack_into(f">{count}{unit}", out, box.body.start + 8, *moved)


def _closed(window: Window, at: int, last: Box) -> bytes:
    """What stands behind the tables; a last box that only says "to the end" gets its size."""
    rest = bytearray(window.at(at, window.size - at))
    if last.start >= at and window.unpack(">I", last.start)[0] == 0:
        struct.pack_into(">I", rest, last.start - at, window.size - last.start)
    return bytes(rest)


def _xmp_item(table: Window, limits: Limits) -> int | None:
    """The number of the item that holds XMP already."""
    for body in _entries(table, limits):
        version = body.at(0, 1)[0]
        number, kind, rest = _described(body, version)
        if kind == b"mime" and _XMP_TYPE in rest.split(b"\x00")[1:2]:
            return number
    return None


def _items(table: Window, limits: Limits) -> list[int]:
    return [_described(body, body.at(0, 1)[0])[0] for body in _entries(table, limits)]


def _entries(table: Window, limits: Limits) -> list[Window]:
    skip = 6 if table.at(0, 1)[0] == 0 else 8
    return [box.body for box in boxes(table, Steps(limits.parts), skip) if box.body.at(0, 1)[0] in (2, 3)]


def _described(body: Window, version: int) -> tuple[int, bytes, bytes]:
    (number,) = body.unpack(">H" if version == 2 else ">I", 4)
    at = 8 if version == 2 else 10
    return number, body.at(at, 4), body.up_to(at + 4, 256)


def _read_places(body: Window) -> list[_Place]:
    """The entries of ``iloc``, version 0 to 2 (ISO/IEC 14496-12, 8.11.3), with their offsets added up."""
    version, sizes, more = body.unpack(">BxxxBB", 0)
    widths = sizes >> 4, sizes & 15, more >> 4, more & 15 if version else 0
    at = 10 if version == 2 else 8
    (count,) = body.unpack(">I" if version == 2 else ">H", 6)

    def number(width: int) -> int:
        nonlocal at
        value = int.from_bytes(body.at(at, width))
        at += width
        return value

    places = []
    for _ in range(min(count, _MAX_ITEMS)):
        item = number(4 if version == 2 else 2)
        method = number(2) & 15 if version else 0
        place = _Place(item=item, method=method, reference=number(2))
        base, extents = number(widths[2]), number(2)
        for _ in range(extents):
            index = number(widths[3])
            offset, length = base + number(widths[0]), number(widths[1])
            place.extents.append((index, offset, length))
        places.append(place)
    if count > _MAX_ITEMS:
        raise UnsupportedAsset("metadata.unwritable", f"the picture has more than {_MAX_ITEMS} items")
    return places


def _write_places(places: list[_Place]) -> bytes:
    """``iloc`` with 4-byte offsets and lengths, wide enough for any picture that is read here.

    Version 0 where nothing needs more: other tools that move items along know it best.
    """
    plain = all(place.method == 0 and all(not index for index, _, _ in place.extents) for place in places)
    out = [struct.pack(">BBBBBBH", 0 if plain else 1, 0, 0, 0, 0x44, 0x00 if plain else 0x04, len(places))]
    for place in places:
        method = b"" if plain else struct.pack(">H", place.method)
        out.append(struct.pack(">H", place.item) + method + struct.pack(">HH", place.reference, len(place.extents)))
        for index, offset, length in place.extents:
            out.append((b"" if plain else struct.pack(">I", index)) + struct.pack(">II", offset, length))
    return b"".join(out)


def _meta(tables: dict[bytes, Box], meta: Box, places: list[_Place], added: int | None) -> bytes:
    """The ``meta`` box anew: every table as it was, but for where items stand and, if one is added, what it is."""
    (primary,) = tables[b"pitm"].body.unpack(">I" if tables[b"pitm"].body.at(0, 1)[0] else ">H", 4)
    parts = [meta.body.at(0, 4)]
    for name, box in tables.items():
        body = box.body.at(0, box.body.size)
        if name == b"iloc":
            body = _write_places(places)
        elif name == b"iinf" and added is not None:
            body = _one_more(body, added)
        elif name == b"iref" and added is not None:
            body += _describes(added, primary, wide=body[0] > 0)
        parts.append(_box(name, body))
    if b"iref" not in tables and added is not None:
        parts.append(_box(b"iref", bytes(4) + _describes(added, primary, wide=False)))
    return _box(b"meta", b"".join(parts))


def _box(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", 8 + len(body)) + name + body


def _one_more(table: bytes, item: int) -> bytes:
    """``iinf`` with an ``infe`` entry (version 2) for the packet."""
    layout = ">H" if table[0] == 0 else ">I"
    (count,) = struct.unpack_from(layout, table, 4)
    entry = bytes((2, 0, 0, 1)) + struct.pack(">HH", item, 0) + b"mime" + b"XMP\x00" + _XMP_TYPE + b"\x00"
    head = table[:4] + struct.pack(layout, count + 1)
    return head + table[4 + struct.calcsize(layout) :] + _box(b"infe", entry)


def _describes(item: int, primary: int, *, wide: bool) -> bytes:
    """A reference ``cdsc``: the item describes the primary one (23008-12, 6.5)."""
    number = ">I" if wide else ">H"
    return _box(b"cdsc", struct.pack(number, item) + struct.pack(">H", 1) + struct.pack(number, primary))
