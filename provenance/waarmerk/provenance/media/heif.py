# SPDX-License-Identifier: Apache-2.0
"""HEIF and AVIF (ISO/IEC 23008-12): the primary picture's size and where metadata items stand."""

from collections.abc import Iterator
from dataclasses import dataclass

from waarmerk.provenance.media.bmff import Steps, child, intact_boxes
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.window import Truncated, Window

_ITEMS = 4_096  # more items than this have only been seen in files made to hurt


@dataclass(frozen=True, slots=True)
class Item:
    """A metadata item: its type (``Exif``, ``mime``), content type and the windows that hold it, in order."""

    kind: bytes
    content_type: bytes
    extents: tuple[Window, ...]


def _meta(window: Window, steps: Steps) -> Window | None:
    """The contents of the file's ``meta`` box, behind its version and flags."""
    body = child(window, steps, b"meta")
    return body.part(4, body.size - 4) if body is not None and body.size >= 4 else None


def picture_size(window: Window, limits: Limits) -> tuple[int, int] | None:
    """The ``ispe`` property of the primary item, else the largest one (a grid's tiles are smaller)."""
    steps = Steps(limits.parts)
    meta = _meta(window, steps)
    properties = child(meta, steps, b"iprp", b"ipco") if meta else None
    if meta is None or properties is None:
        return None
    sizes: dict[int, tuple[int, int]] = {}
    for index, box in enumerate(intact_boxes(properties, steps), 1):
        if box.name == b"ispe" and box.body.size >= 12:
            width, height = box.body.unpack(">II", 4)
            sizes[index] = width, height
    try:
        linked = _properties_of_primary(meta, steps)
    except Truncated:
        linked = set()
    return next((sizes[index] for index in sorted(linked) if index in sizes), max(sizes.values(), default=None))


def _properties_of_primary(meta: Window, steps: Steps) -> set[int]:
    """Indices of the properties associated with the primary item (``pitm``, ``ipma``)."""
    primary, links = child(meta, steps, b"pitm"), child(meta, steps, b"iprp", b"ipma")
    if primary is None or links is None:
        return set()
    wanted = primary.unpack(">I" if primary.at(0, 1)[0] else ">H", 4)[0]
    wide_ids, wide_links = links.at(0, 1)[0] > 0, links.at(3, 1)[0] & 1
    (count,), at = links.unpack(">I", 4), 8
    for _ in range(min(count, _ITEMS)):
        item = links.unpack(">I" if wide_ids else ">H", at)[0]
        at += 4 if wide_ids else 2
        many = links.at(at, 1)[0]
        found = links.unpack(f">{many}{'H' if wide_links else 'B'}", at + 1)
        at += 1 + many * (2 if wide_links else 1)
        if item == wanted:
            return {index & (0x7FFF if wide_links else 0x7F) for index in found}
    return set()


def metadata_items(window: Window, limits: Limits) -> Iterator[Item]:
    """Items of type ``Exif`` and ``mime``; Truncated where the tables cannot be read."""
    steps = Steps(limits.parts)
    meta = _meta(window, steps)
    if meta is None:
        return
    table, places = child(meta, steps, b"iinf"), child(meta, steps, b"iloc")
    if table is None or places is None:
        return
    wanted = dict(_described(table, steps))
    for number, extents in _located(window, meta, places, steps):
        if number in wanted:
            kind, content_type = wanted[number]
            yield Item(kind, content_type, extents)


def _described(table: Window, steps: Steps) -> Iterator[tuple[int, tuple[bytes, bytes]]]:
    """Item number, type and content type from the ``infe`` entries, version 2 and 3 (14496-12, 8.11.6)."""
    skip = 6 if table.at(0, 1)[0] == 0 else 8
    for box in intact_boxes(table, steps, skip):
        version = box.body.up_to(0, 1)
        if box.name != b"infe" or version not in (b"\x02", b"\x03"):
            continue
        at = 6 if version == b"\x02" else 8
        (number,) = box.body.unpack(">H" if version == b"\x02" else ">I", 4)
        kind = box.body.at(at + 2, 4)
        if kind in (b"Exif", b"mime"):
            rest = box.body.up_to(at + 6, 256).split(b"\x00")
            yield number, (kind, rest[1] if len(rest) > 1 else b"")


def _located(window: Window, meta: Window, places: Window, steps: Steps) -> Iterator[tuple[int, tuple[Window, ...]]]:
    """Item number and extents from ``iloc`` (14496-12, 8.11.3); items built from other items are left out."""
    version, sizes, more = places.unpack(">BxxxBB", 0)
    offset_size, length_size, base_size, index_size = sizes >> 4, sizes & 15, more >> 4, more & 15 if version else 0
    (count,) = places.unpack(">I" if version == 2 else ">H", 6)
    at = 10 if version == 2 else 8
    data = child(meta, steps, b"idat")

    def number(size: int) -> int:
        nonlocal at
        value = int.from_bytes(places.at(at, size))
        at += size
        return value

    for _ in range(min(count, _ITEMS)):
        item = number(4 if version == 2 else 2)
        method = number(2) & 15 if version else 0
        number(2)  # data reference
        base, many = number(base_size), number(2)
        source = {0: window, 1: data}.get(method)
        found: list[Window] = []
        for _ in range(many):
            steps.take()  # an extent may take no bytes at all in the table, so that no end is ever reached
            number(index_size)
            start, length = base + number(offset_size), number(length_size)
            if source is not None:
                found.append(source.part(start, length or max(source.size - start, 0)))
        yield item, tuple(found)
