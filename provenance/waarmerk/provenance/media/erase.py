# SPDX-License-Identifier: Apache-2.0
"""Take fields out of EXIF or TIFF (TIFF 6.0, section 2) in place: nothing else moves, and their values are gone.

A directory keeps its place and gets shorter. Bytes that something else in the file uses as well stay.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BytesIO

from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.stock import EXIF_IFD, GPS_IFD, INTEROP_IFD
from waarmerk.provenance.media.tiff import Entry, Tiff, read_tiff
from waarmerk.provenance.media.window import Truncated, Window

_PIXELS = ((273, 279), (324, 325), (513, 514))  # where strips, tiles and thumbnails stand, and how long they are
_BYTES = {1: 1, 2: 1, 7: 1, 4: 4}  # types in which writers keep bytes, and their size; IPTC often as LONG
Ranges = list[tuple[int, int]]
# New bytes of the value of a field, as long as before or shorter; None leaves it.
Edit = Callable[[int, bytes], bytes | None]


def erased(data: bytes, tags: frozenset[int], limits: Limits, edit: Edit = lambda tag, value: None) -> bytes:
    """The data, equally long, without the fields of ``tags`` in the first directory and in that of EXIF.

    A GPS directory goes with its field. ``edit`` may shorten the value of a field of bytes that stays. What cannot be
    read stays as it is: the caller looks again.
    """
    tiff = read_tiff(Window(BytesIO(data), len(data)))
    if tiff is None:
        return data
    try:
        places = [tiff.first, *tiff.numbers(tiff.directory(tiff.first, limits).fields.get(EXIF_IFD))]
        out = bytearray(data)
        gone: Ranges = []
        for place in dict.fromkeys(places):
            gone += _shortened(out, tiff, place, tags, limits)
        for place in dict.fromkeys(places):
            gone += _edited(out, replace(tiff, window=Window(BytesIO(out), len(out))), place, edit, limits)
        _clear(out, gone, list(_used(replace(tiff, window=Window(BytesIO(out), len(out))), limits)))
    except Truncated:
        return data
    return bytes(out)


def _shortened(out: bytearray, tiff: Tiff, place: int, tags: frozenset[int], limits: Limits) -> Ranges:
    """Move the fields that stay together; where the values of the others stand."""
    count, entries = tiff.entries(place, limits)
    if count > limits.ifd_entries:
        raise Truncated
    start = place + tiff.head
    tail = bytes(out[start + count * tiff.width : start + count * tiff.width + (8 if tiff.big else 4)])
    rows = [bytes(out[start + at * tiff.width :][: tiff.width]) for at in range(count)]
    kept = [row for row, entry in zip(rows, entries, strict=True) if entry.tag not in tags]
    table = b"".join(kept) + tail
    struct.pack_into(tiff.order + ("Q" if tiff.big else "H"), out, place, len(kept))
    out[start : start + count * tiff.width + len(tail)] = table.ljust(count * tiff.width + len(tail), b"\0")
    return [each for entry in entries if entry.tag in tags for each in _of_field(tiff, entry, limits)]


def _edited(out: bytearray, tiff: Tiff, place: int, edit: Edit, limits: Limits) -> Ranges:
    """Shorten values of bytes where they stand."""
    _, entries = tiff.entries(place, limits)
    gone: Ranges = []
    inline = 8 if tiff.big else 4
    for number, entry in enumerate(entries):
        unit = _BYTES.get(entry.kind)
        if unit is None or entry.size <= inline:
            continue
        value = tiff.value(entry, entry.size)
        new = edit(entry.tag, value)
        if new is None or len(new) >= len(value):
            continue
        new = new.ljust(min(len(value), inline + 4), b"\0")  # not so short that it would move into the entry
        new += bytes(-len(new) % unit)
        at = place + tiff.head + number * tiff.width
        struct.pack_into(tiff.order + ("Q" if tiff.big else "I"), out, at + 4, len(new) // unit)
        out[entry.offset : entry.offset + len(new)] = new
        gone.append((entry.offset + len(new), entry.offset + len(value)))
    return gone


def _of_field(tiff: Tiff, entry: Entry, limits: Limits) -> Iterator[tuple[int, int]]:
    yield entry.offset, entry.offset + entry.size
    if entry.tag == GPS_IFD:
        for place in tiff.numbers(entry):
            count, inner = tiff.entries(place, limits)
            yield place, place + tiff.head + count * tiff.width
            yield from ((each.offset, each.offset + each.size) for each in inner)


def _used(tiff: Tiff, limits: Limits) -> Iterator[tuple[int, int]]:
    """Everything that is pointed at from what is left."""
    yield 0, 16 if tiff.big else 8
    for directory in tiff.directories(limits):
        yield from ((entry.offset, entry.offset + entry.size) for entry in directory.fields.values())
        for starts, sizes in _PIXELS:
            pairs = (tiff.numbers(directory.fields.get(tag), limits.parts) for tag in (starts, sizes))
            yield from ((start, start + size) for start, size in zip(*pairs, strict=False))
    waiting, seen = [tiff.first], set[int]()
    while waiting and len(seen) < limits.ifds:
        place = waiting.pop()
        if place == 0 or place in seen:
            continue
        seen.add(place)
        count, entries = tiff.entries(place, limits)
        yield place, place + tiff.head + count * tiff.width + (8 if tiff.big else 4)
        yield from ((entry.offset, entry.offset + entry.size) for entry in entries)
        directory = tiff.directory(place, limits)
        waiting.append(directory.following)
        for pointer in (EXIF_IFD, GPS_IFD, INTEROP_IFD):
            waiting += tiff.numbers(directory.fields.get(pointer))


def _clear(out: bytearray, gone: Ranges, kept: Ranges) -> None:
    before = bytes(out)
    for start, end in gone:
        if 0 <= start < min(end, len(out)):
            out[start:end] = bytes(min(end, len(out)) - start)
    for start, end in kept:
        if 0 <= start < end <= len(out):
            out[start:end] = before[start:end]
