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
KINDS = ("position", "author", "owner", "persons", "contact", "serial", "maker-note")

_EXIF_IFD, _GPS = 34665, 34853
# EXIF 3.0, 4.6; 40093 is Windows' author. A maker note is the camera maker's own and often holds serial numbers.
_EXIF = {315: "author", 40093: "author", 42032: "owner", 42033: "serial", 42037: "serial", 37500: "maker-note"}
_IIM = {80: "author", 85: "author", 118: "contact"}  # IPTC-IIM 4.2, record 2: by-line, its title, contact
_RESOURCE_IIM = re.compile(rb"\x1c\x02([\x50\x55\x76])[\x00-\x7f][\x01-\xff]")
_XMP = {
    "position": r"exif:GPSL\w+|LocationCreated|LocationShown",
    "author": r"dc:creator|tiff:Artist|photoshop:AuthorsPosition|photoshop:CaptionWriter",
    "owner": r"aux:OwnerName|exifEX:CameraOwnerName",
    "persons": r"PersonInImage|mwg-rs:Regions|MP:RegionInfo",
    "contact": r"CreatorContactInfo",
    "serial": r"(?:aux|exifEX):\w*Serial\w*",
}
_NAMED = {kind: re.compile(rf"\b(?:{pattern})".encode()) for kind, pattern in _XMP.items()}
_PNG = {b"author": "author", b"artist": "author"}


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
            yield from _exif(block.parts[0], limits)
        case BlockKind.XMP | BlockKind.XMP_EXTENSION:
            packet = block.read(limits.xmp_bytes)
            yield from (kind for kind, pattern in _NAMED.items() if pattern.search(packet))
        case BlockKind.IIM | BlockKind.RESOURCES:
            data = block.read(limits.xmp_bytes)
            yield from (_IIM[each[0]] for each in _RESOURCE_IIM.findall(data))
        case BlockKind.PNG_TEXT:
            key = block.parts[0].up_to(0, 80).partition(b"\0")[0].strip().lower()
            if key in _PNG:
                yield _PNG[key]
            elif key == b"xml:com.adobe.xmp":
                packet = block.read(limits.xmp_bytes)
                yield from (kind for kind, pattern in _NAMED.items() if pattern.search(packet))
        case BlockKind.TAG if b"location" in block.name.lower() or block.name == b"\xa9xyz":
            yield "position"
        case _:
            return


def _exif(window: Window, limits: Limits) -> Iterator[str]:
    tiff = read_tiff(window)
    if tiff is None:
        return
    try:
        fields = tiff.directory(tiff.first, limits).fields
        for offset in tiff.numbers(fields.get(_EXIF_IFD)):
            fields = {**tiff.directory(offset, limits).fields, **fields}
        for tag, kind in _EXIF.items():
            if tag in fields and tiff.value(fields[tag], 256).strip(b"\0 "):
                yield kind
        for offset in tiff.numbers(fields.get(_GPS)):
            if {2, 4} & tiff.directory(offset, limits).fields.keys():  # latitude, longitude
                yield "position"
    except Truncated:
        return
