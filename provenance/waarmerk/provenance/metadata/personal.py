# SPDX-License-Identifier: Apache-2.0
"""Which kinds of personal details the metadata of a file hold; the kinds alone, never what stands there."""

import re
from collections.abc import Iterator

from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.tiff import read_tiff
from waarmerk.provenance.media.window import Truncated, Window
from waarmerk.provenance.metadata.blocks import Block, BlockKind, blocks
from waarmerk.provenance.model import Asset

# In the order in which they are told; each has a word in section ``personal`` of ``report/wording``.
KINDS = ("position", "author", "owner", "persons", "contact", "serial", "maker-note", "copies", "rights")
STAYS = frozenset({"rights"})  # a notice of whose it is: it may hold a name, and is not ours to take out

_EXIF_IFD, _GPS = 34665, 34853
# EXIF 3.0, 4.6; 40093 is Windows' author. A maker note is the camera maker's own and often holds serial numbers.
EXIF = {315: "author", 40093: "author", 42032: "owner", 42033: "serial", 42037: "serial", 37500: "maker-note"}
_RIGHTS = {33432: "rights"}
_WHERE = frozenset(range(1, 32)) - {7, 29}  # fields of GPS but for its version and the time
# IPTC-IIM 4.2, record 2: by-line, its title, writer; city, sublocation, state; contact; credit, copyright
IIM = {80: "author", 85: "author", 122: "author", 90: "position", 92: "position", 95: "position", 118: "contact"}
_IIM = {**IIM, 110: "rights", 116: "rights"}
_RESOURCE_IIM = re.compile(rb"\x1c\x02([%s])(?:[\x00-\x7f][\x01-\xff]|[\x01-\x7f]\x00)" % re.escape(bytes(_IIM)))
_COPIES = re.compile(rb"8BIM\x04[\x22-\x24]")  # resources 1058 to 1060: EXIF and XMP once more
XMP = {
    "position": r"exif:GPS\w+|Iptc4xmpExt:Location(?:Created|Shown)|Iptc4xmpCore:Location|photoshop:(?:City|State)",
    "author": r"dc:creator|tiff:Artist|photoshop:(?:AuthorsPosition|CaptionWriter)",
    "owner": r"aux:OwnerName|exifEX:CameraOwnerName",
    "persons": r"Iptc4xmpExt:PersonInImage\w*|mwg-rs:Regions|MP:RegionInfo",
    "contact": r"Iptc4xmpCore:CreatorContactInfo",
    "serial": r"(?:aux|exifEX):\w*Serial\w*",
}
_NAMED = {kind: re.compile(rf"\b(?:{pattern})\b".encode()) for kind, pattern in XMP.items()}
_NAMED["rights"] = re.compile(rb"\b(?:dc:rights|xmpRights:\w+|photoshop:Credit|plus:CopyrightOwner\w*)\b")
PNG = {b"author": "author", b"artist": "author"}
RAW_PROFILE = b"raw profile type "  # ImageMagick's copies of EXIF, IPTC and XMP


def personal(asset: Asset, limits: Limits) -> tuple[str, ...]:
    """The kinds found in the metadata that are read here, in the order of ``KINDS``. Content never raises."""
    found: set[str] = set()
    with asset.open() as stream:
        walk = blocks(Window(stream, asset.bytes), asset.media_type, limits)
        try:
            for number, block in enumerate(walk or ()):
                if number == limits.metadata_blocks:
                    break
                found.update(_kinds(block, limits))
        except Truncated:
            pass  # what stood before the break was read
    return tuple(kind for kind in KINDS if kind in found)


def _kinds(block: Block, limits: Limits) -> Iterator[str]:
    match block.kind:
        case BlockKind.EXIF:
            yield from exif_kinds(block.parts[0], limits)
        case BlockKind.XMP | BlockKind.XMP_EXTENSION:
            packet = block.read(limits.xmp_bytes)
            yield from (kind for kind, pattern in _NAMED.items() if pattern.search(packet))
        case BlockKind.IIM | BlockKind.RESOURCES:
            data = block.read(limits.xmp_bytes)
            yield from (_IIM[each[0]] for each in _RESOURCE_IIM.findall(data))
            if _COPIES.search(data):
                yield "copies"
        case BlockKind.PNG_TEXT:
            key = block.parts[0].up_to(0, 80).partition(b"\0")[0].strip().lower()
            if key in PNG or key == b"copyright":
                yield PNG.get(key, "rights")
            elif key.startswith(RAW_PROFILE):
                yield "copies"
            elif key == b"xml:com.adobe.xmp":
                packet = block.read(limits.xmp_bytes)
                yield from (kind for kind, pattern in _NAMED.items() if pattern.search(packet))
        case BlockKind.TAG if b"location" in block.name.lower() or block.name == b"\xa9xyz":
            yield "position"
        case _:
            return


def exif_kinds(window: Window, limits: Limits) -> Iterator[str]:
    """The kinds found in the bytes of EXIF, or in the first directory of TIFF."""
    tiff = read_tiff(window)
    if tiff is None:
        return
    try:
        fields = tiff.directory(tiff.first, limits).fields
        for offset in tiff.numbers(fields.get(_EXIF_IFD)):
            fields = {**tiff.directory(offset, limits).fields, **fields}
        for tag, kind in (EXIF | _RIGHTS).items():
            if tag in fields and tiff.value(fields[tag], 256).strip(b"\0 "):
                yield kind
        for offset in tiff.numbers(fields.get(_GPS)):
            if _WHERE & tiff.directory(offset, limits).fields.keys():
                yield "position"
    except Truncated:
        return
