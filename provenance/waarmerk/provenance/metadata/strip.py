# SPDX-License-Identifier: Apache-2.0
"""Take personal details out of a file's metadata, wherever ``personal`` finds them, without touching its pixels.

EXIF, TIFF: in place (``media/erase``). XMP: the packet written anew without them. Photoshop resources, PNG texts: left
out. What cannot be reached is left to ``personal``, which the caller asks again: it finds it still there.
"""

import re
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from io import BytesIO
from typing import TYPE_CHECKING

from waarmerk.provenance.errors import LimitExceeded, UnsupportedAsset
from waarmerk.provenance.media import Content, asset_from_bytes, asset_of
from waarmerk.provenance.media.erase import erased
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.photoshop import COPIES, PREFIX, iim_without, segments, without, without_data_sets
from waarmerk.provenance.media.segments import jpeg_segments, png_chunks
from waarmerk.provenance.media.stock import GPS_IFD, PHOTOSHOP
from waarmerk.provenance.media.window import Truncated, Window
from waarmerk.provenance.metadata.blocks import BlockKind, blocks
from waarmerk.provenance.metadata.personal import EXIF, IIM, KINDS, PNG, RAW_PROFILE, XMP, exif_kinds, personal
from waarmerk.provenance.metadata.xmp_packet import without as without_properties
from waarmerk.provenance.metadata.xmp_write import earlier_in, earlier_packet, write_packet, write_packet_in

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAMESPACES = {  # by the prefixes of ``personal``
    "exif": "http://ns.adobe.com/exif/1.0/",
    "aux": "http://ns.adobe.com/exif/1.0/aux/",
    "exifEX": "http://cipa.jp/exif/1.0/",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "Iptc4xmpCore": "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/",
    "mwg-rs": "http://www.metadataworkinggroup.com/schemas/regions/",
    "MP": "http://ns.microsoft.com/photo/1.2/",
}
_THUMBNAILS = "{http://ns.adobe.com/xap/1.0/}Thumbnails"
_NAMED = {kind: re.compile(pattern) for kind, pattern in XMP.items()}
_PREFIX_OF = {name: prefix for prefix, name in _NAMESPACES.items()}
_IPTC_TAG = 33723
_RAW = frozenset({"image/x-adobe-dng", "image/x-nikon-nef", "image/x-sony-arw"})  # maker notes say how to decode


def without_personal(data: bytes, media_type: str, limits: Limits) -> tuple[bytes, tuple[str, ...]]:
    """The file without personal details, and their kinds that are gone, in the order of ``KINDS``.

    Content never raises. Rights notices stay, and so does what stands in earlier Content Credentials.
    """
    before = _found(data, limits)
    if not before:
        return data, ()
    found = set[str]()
    data = _packet(data, media_type, limits, lambda name: _noted(found, _kind_of(name)))
    for edit in (_texts, _resources, _fields):
        try:
            data = edit(data, media_type, limits)
        except Truncated:
            continue
    found |= before - _found(data, limits)
    return data, tuple(kind for kind in KINDS if kind in found)


def stripped(content: Content, media_type: str, limits: Limits) -> tuple[Content, tuple[str, ...]]:
    """The same of a content; a clip that lies on a disk is not taken into memory. Raises OSError."""
    if not (content.lies_on_disk and media_type.startswith("video/")):
        data, kinds = without_personal(content.read(), media_type, limits)
        return Content.of(data), kinds
    before = _left(content, limits)
    if not before:
        return content, ()
    found = set[str]()
    with suppress(UnsupportedAsset, LimitExceeded, Truncated):
        packet = earlier_in(content, media_type, limits)
        cleaned = None if packet is None else without_properties(packet, lambda name: _noted(found, _kind_of(name)))
        if cleaned is not None:
            content = write_packet_in(content, media_type, cleaned, limits)
    with suppress(Truncated):
        with content.open() as stream:
            places = [
                (part.start, _without_fields(part.at(0, part.size), limits))
                for part in _exif_parts(Window(stream, content.size), media_type, limits)
            ]
        content = content.edited(places)
    found |= before - _left(content, limits)
    return content, tuple(kind for kind in KINDS if kind in found)


def _left(content: Content, limits: Limits) -> set[str]:
    return set(personal(asset_of(content, name=None, limits=Limits()), limits))


def without_thumbnails(data: bytes, media_type: str, limits: Limits) -> tuple[bytes, bool]:
    """The file without the thumbnails in its XMP, and whether there were any: they show the picture before."""
    found = set[str]()
    return _packet(data, media_type, limits, lambda name: _noted(found, name == _THUMBNAILS and name)), bool(found)


def _found(data: bytes, limits: Limits) -> set[str]:
    return set(personal(asset_from_bytes(data, name=None, limits=Limits()), limits))


def _noted(found: set[str], what: str | bool | None) -> bool:
    if isinstance(what, str):
        found.add(what)
    return bool(what)


def _kind_of(name: str) -> str | None:
    """What a property of XMP, ``{namespace}name``, says of persons."""
    namespace, _, local = name[1:].partition("}")
    short = f"{_PREFIX_OF.get(namespace, '')}:{local}"
    return next((kind for kind, pattern in _NAMED.items() if pattern.fullmatch(short)), None)


def _packet(data: bytes, media_type: str, limits: Limits, drops: Callable[[str], bool]) -> bytes:
    """The file with its XMP packet written anew, where ``drops`` took something out of it."""
    try:
        packet = earlier_packet(data, media_type, limits)
        cleaned = None if packet is None else without_properties(packet, drops)
        if cleaned is None:
            return data
        return write_packet(_blank(data, media_type, limits), media_type, cleaned, limits)
    except (UnsupportedAsset, LimitExceeded, Truncated):
        return data


def _blank(data: bytes, media_type: str, limits: Limits) -> bytes:
    """The file with spaces where its packets stood: TIFF and AVIF leave an old place as it was."""
    out = bytearray(data)
    for block in blocks(Window(BytesIO(data), len(data)), media_type, limits) or ():
        for part in block.parts if block.kind is BlockKind.XMP else ():
            out[part.start : part.start + part.size] = b" " * part.size
    return bytes(out)


def _texts(data: bytes, media_type: str, limits: Limits) -> bytes:
    """PNG without its texts about an author, and without copies of other metadata."""
    if media_type != "image/png":
        return data
    window, out, at = Window(BytesIO(data), len(data)), [data[:8]], 8
    for part in png_chunks(window, limits):
        end = part.offset + part.size + 4
        key = window.up_to(part.offset, min(part.size, 80)).partition(b"\0")[0].strip().lower()
        is_text = part.name in (b"tEXt", b"zTXt", b"iTXt")
        if not (is_text and (key in PNG or key.startswith(RAW_PROFILE))):
            out.append(data[at:end])
        at = end
    return b"".join([*out, data[at:]])


_SETS = frozenset(IIM)


def _without_copies(resources: bytes) -> bytes:
    return without_data_sets(without(resources, COPIES), _SETS)


def _resources(data: bytes, media_type: str, limits: Limits) -> bytes:
    """JPEG without the personal data sets of its Photoshop segments."""
    if media_type != "image/jpeg":
        return data
    window, out, at = Window(BytesIO(data), len(data)), [data[:2]], 2
    place, bodies = 1, list[bytes]()
    for part in jpeg_segments(window, limits):
        end = part.offset + part.size
        body = window.at(part.offset, part.size) if part.name == b"\xed" else b""
        if body.startswith(PREFIX):
            place = len(out) if not bodies else place
            bodies.append(body)
        else:
            out.append(data[at:end])
        at = end
    cleaned = segments(bodies, _without_copies)
    if cleaned == bodies:
        return data
    written = [b"\xff\xed" + struct.pack(">H", len(body) + 2) + body for body in cleaned]
    return b"".join([*out[:place], *written, *out[place:], data[at:]])


_EDITS: "Mapping[int, Callable[[bytes], bytes]]" = {
    PHOTOSHOP: _without_copies,
    _IPTC_TAG: lambda iim: iim_without(iim, _SETS),
}


def _edited(tag: int, value: bytes) -> bytes | None:
    edit = _EDITS.get(tag)
    return None if edit is None else edit(value)


def _fields(data: bytes, media_type: str, limits: Limits) -> bytes:
    """EXIF blocks, or a TIFF file itself, without the fields that name persons, places and devices."""
    if media_type in _RAW:
        return data
    out = bytearray(data)
    for part in _exif_parts(Window(BytesIO(data), len(data)), media_type, limits):
        out[part.start : part.start + part.size] = _without_fields(part.at(0, part.size), limits)
    if media_type == "image/png":
        _seal(out, limits)
    return bytes(out)


def _without_fields(block: bytes, limits: Limits) -> bytes:
    tags = frozenset(EXIF)
    has_place = "position" in exif_kinds(Window(BytesIO(block), len(block)), limits)
    return erased(block, tags | {GPS_IFD} if has_place else tags, limits, _edited)


def _exif_parts(window: Window, media_type: str, limits: Limits) -> Iterator[Window]:
    for block in blocks(window, media_type, limits) or ():
        if block.kind is BlockKind.EXIF:
            yield block.parts[0]


def _seal(out: bytearray, limits: Limits) -> None:
    """Write the check sums of the EXIF chunks anew (PNG, third edition, 5.5)."""
    for part in png_chunks(Window(BytesIO(bytes(out)), len(out)), limits):
        if part.name == b"eXIf":
            end = part.offset + part.size
            out[end : end + 4] = struct.pack(">I", zlib.crc32(out[part.offset - 4 : end]))
