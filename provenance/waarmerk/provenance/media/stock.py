# SPDX-License-Identifier: Apache-2.0
"""Taking stock of a picture file: every part that is not pixels, by a name and a value to recognise it by.

Unknown parts are counted too, under the name their container gives them.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from waarmerk.provenance.media.bmff import Steps, child, intact_boxes
from waarmerk.provenance.media.heif import metadata_items
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.photoshop import PREFIX, THUMBNAILS, resources
from waarmerk.provenance.media.segments import Part, jpeg_segments, png_chunks, riff_chunks
from waarmerk.provenance.media.tiff import SUB_IFDS, SUBFILE, Directory, Tiff, read_tiff
from waarmerk.provenance.media.window import Truncated, Window


@dataclass(frozen=True, slots=True)
class Item:
    """One part of a file: what kind, which one, and a value by which it can be recognised in another file."""

    code: str
    about: str
    value: str


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _whole(window: Window, offset: int, size: int) -> str:
    return _digest(window.at(offset, size))


# JPEG

_EXIF, _XMP = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"
_NAMED = (  # what begins an APPn segment, and what it is (ITU-T T.81; CIPA DC-007; ISO 21496-1)
    (b"\xe1", _XMP, "xmp"),
    (b"\xe1", b"http://ns.adobe.com/xmp/extension/\0", "xmp"),
    (b"\xe2", b"ICC_PROFILE\0", "icc"),
    (b"\xe2", b"MPF\0", "further-pictures"),
    (b"\xe2", b"urn:iso:std:iso:ts:21496:-1\0", "gain-map"),
    (b"\xed", b"Photoshop 3.0\0", "iptc"),
    (b"\xe0", b"JFXX\0", "thumbnail"),
)


def segment_code(name: bytes, head: bytes) -> str | None:
    """What a JPEG segment is, by its marker and its first bytes; None for what belongs to the coding of pixels."""
    if name == b"\xfe":
        return "comment"
    if not b"\xe0" <= name <= b"\xef" or (name == b"\xee" and head.startswith(b"Adobe")):
        return None
    if name == b"\xe0" and head.startswith(b"JFIF\0"):
        return "density"
    if name == b"\xeb" and head.startswith(b"JP"):
        return "credentials" if b"c2pa" in head else "application-data"
    if name == b"\xe1" and head.startswith(_EXIF):
        return "exif"
    return next(
        (code for marker, start, code in _NAMED if marker == name and head.startswith(start)), "application-data"
    )


def coded_segments(window: Window, limits: Limits) -> Iterator[tuple[Part, str | None]]:
    """The segments of a JPEG file, each with what it is.

    A manifest store longer than one segment goes on in others of the same box number (ISO/IEC 18477-3, annex B).
    """
    stores: set[bytes] = set()
    for part in jpeg_segments(window, limits):
        head = window.up_to(part.offset, min(part.size, 64))
        code = segment_code(part.name, head)
        if code == "credentials":
            stores.add(head[2:4])
        elif part.name == b"\xeb" and head[:2] == b"JP" and head[2:4] in stores and head[4:8] != b"\0\0\0\1":
            code = "credentials"
        yield part, code


def _jpeg(window: Window, limits: Limits) -> Iterator[Item]:
    end, hdr, photoshop = 2, False, b""
    for part, code in coded_segments(window, limits):
        end = part.offset + part.size
        if code == "exif":
            yield from _exif(window.part(part.offset + 6, part.size - 6), limits)
        elif code == "density":
            yield Item(code, "", window.at(part.offset + 7, 5).hex())
        elif code == "iptc":
            photoshop += window.at(part.offset, part.size).removeprefix(PREFIX)
        elif code is not None:
            about = f"APP{part.name[0] - 0xE0}" if code == "application-data" else ""
            yield Item(code, about, _whole(window, part.offset, part.size))
            hdr = hdr or (code == "xmp" and b"hdrgm:Version" in window.at(part.offset, part.size))
    yield from _photoshop(photoshop)
    rest = window.size - _end_of_scans(window.up_to(0, limits.image_bytes), end)
    if rest:
        yield Item("gain-map" if hdr else "trailing-data", "", _whole(window, window.size - rest, rest))


def _photoshop(data: bytes) -> Iterator[Item]:
    """Each Photoshop resource by itself: the thumbnails among them show the picture before."""
    for each in resources(data):
        yield Item("thumbnail" if each.number in THUMBNAILS else "iptc", "", _digest(each.whole))


_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")


def _end_of_scans(data: bytes, at: int) -> int:
    """Where the picture ends: behind EOI, or the end of the file where there is none (T.81, B.1.1.2)."""
    while found := _MARKER.search(data, at):
        if data[found.end() - 1] == 0xD9:
            return found.end()
        at = found.end() + int.from_bytes(data[found.end() : found.end() + 2])
    return len(data)


# PNG and WebP

_CODING = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"fcTL", b"fdAT"}
_PNG = {
    **dict.fromkeys((b"sRGB", b"gAMA", b"cHRM", b"cICP", b"mDCV", b"cLLI"), "colour"),
    b"iCCP": "icc",
    b"pHYs": "density",
    b"caBX": "credentials",
    b"acTL": "animation",
}


def _png(window: Window, limits: Limits) -> Iterator[Item]:
    end = window.size
    for part in png_chunks(window, limits):
        end = part.offset + part.size + 4
        if part.name == b"IHDR" and window.at(part.offset + 8, 1) == b"\x10":
            yield Item("depth", "", "16")
        elif part.name == b"eXIf":
            yield from _exif(window.part(part.offset, part.size), limits)
        elif part.name in (b"tEXt", b"zTXt", b"iTXt"):
            word = window.up_to(part.offset, min(part.size, 80)).partition(b"\0")[0].decode("latin-1")
            code, about = ("xmp", "") if word == "XML:com.adobe.xmp" else ("text", word)
            yield Item(code, about, _whole(window, part.offset, part.size))
        elif part.name not in _CODING:
            code = _PNG.get(part.name, "chunk")
            about = part.name.decode("latin-1") if code in ("chunk", "colour") else ""
            yield Item(code, about, _whole(window, part.offset, part.size))
    if end < window.size:
        yield Item("trailing-data", "", _whole(window, end, window.size - end))


_WEBP = {b"ICCP": "icc", b"XMP ": "xmp", b"C2PA": "credentials", b"ANIM": "animation"}


def _webp(window: Window, limits: Limits) -> Iterator[Item]:
    end = 12
    for part in riff_chunks(window, limits):
        end = part.offset + part.size + (part.size & 1)
        if part.name == b"EXIF":
            skip = 6 if window.up_to(part.offset, 6) == _EXIF else 0
            yield from _exif(window.part(part.offset + skip, part.size - skip), limits)
        elif part.name not in (b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANMF"):
            code = _WEBP.get(part.name, "chunk")
            about = part.name.decode("latin-1") if code == "chunk" else ""
            yield Item(code, about, _whole(window, part.offset, part.size))
    if end < window.size:
        yield Item("trailing-data", "", _whole(window, end, window.size - end))


# AVIF

_C2PA_BOX = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")  # C2PA 2.2, section A.5.1


def _avif(window: Window, limits: Limits) -> Iterator[Item]:
    steps = Steps(limits.parts)
    for box in intact_boxes(window, steps):
        if box.name == b"moov":
            yield Item("animation", "", "yes")
        elif box.name not in (b"ftyp", b"meta", b"mdat", b"free", b"skip"):
            credentials = box.name == b"uuid" and box.body.up_to(0, 16) == _C2PA_BOX
            about = "" if credentials else box.name.decode("latin-1")
            yield Item("credentials" if credentials else "box", about, _whole(box.body, 0, box.body.size))
    for item in metadata_items(window, limits):
        if item.kind == b"Exif" and item.extents and item.extents[0].size >= 4:
            first = item.extents[0]
            skip = 4 + first.unpack(">I", 0)[0]
            yield from _exif(first.part(skip, first.size - skip), limits)
        elif item.kind == b"mime":
            code = "xmp" if item.content_type == b"application/rdf+xml" else "box"
            yield Item(code, "", _digest(b"".join(part.at(0, part.size) for part in item.extents)))
    yield from _avif_properties(window, steps)


_CURVES = {b"\0\x10": "nclx-pq", b"\0\x12": "nclx-hlg"}  # ISO/IEC 23091-2, table 3: transfer 16 and 18 are HDR


def _avif_properties(window: Window, steps: Steps) -> Iterator[Item]:
    meta = child(window, steps, b"meta")
    inner = meta.part(4, meta.size - 4) if meta is not None and meta.size > 4 else None
    table = child(inner, steps, b"iprp", b"ipco") if inner is not None else None
    for box in intact_boxes(table, steps) if table is not None else ():
        if box.name == b"colr":
            kind = box.body.up_to(0, 4)
            if kind in (b"prof", b"rICC"):
                yield Item("icc", "", _whole(box.body, 4, box.body.size - 4))
            elif kind == b"nclx":  # primaries and transfer say what a value means; the matrix only how it is stored
                said = box.body.at(4, 4)
                yield Item("colour", _CURVES.get(said[2:], "nclx"), said.hex())
        elif box.name == b"av1C" and box.body.size >= 3 and box.body.at(2, 1)[0] & 0x40:
            yield Item("depth", "", "10")
        elif box.name in (b"clli", b"mdcv", b"pasp", b"clap"):
            yield Item("box", box.name.decode("latin-1"), _whole(box.body, 0, box.body.size))
    kinds = child(inner, steps, b"iinf") if inner is not None else None
    if kinds is not None and b"tmap" in kinds.up_to(0, 65_536):
        yield Item("gain-map", "", "yes")


# EXIF and TIFF

EXIF_IFD, GPS_IFD, INTEROP_IFD, _MAKER_NOTE, PHOTOSHOP = 34665, 34853, 40965, 37500, 34377
_POINTERS = {EXIF_IFD, GPS_IFD, INTEROP_IFD, SUB_IFDS}
# How pixels are stored, which a rewrite decides anew (TIFF 6.0): sizes, strips, tiles, compression, sample layout.
STRUCTURE = _POINTERS | {254, 255, 256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 280, 281, 284, 288, 289, 290, 291}
STRUCTURE |= {292, 293, 317, 320, 322, 323, 324, 325, 338, 339, 347, 512, 513, 514, 519, 520, 521, 529, 530, 531, 532}
_TIFF = {274: "orientation", 282: "density", 283: "density", 296: "density"}
_TIFF |= {700: "xmp", 33723: "iptc", 34675: "icc", 52545: "credentials"}


def _exif(window: Window, limits: Limits) -> Iterator[Item]:
    tiff = read_tiff(window)
    if tiff is None:
        yield Item("exif", "", _digest(window.up_to(0, window.size)))
        return
    main, *others = tiff.directories(limits) or [Directory({}, 0)]
    yield from _tags(tiff, main, limits, lambda tag: "orientation" if tag == 274 else "exif")
    if others:
        yield Item("thumbnail", "", "yes")


def _tags(tiff: Tiff, directory: Directory, limits: Limits, code: Callable[[int], str]) -> Iterator[Item]:
    """The fields of a directory and of those that it points to, by value, so that byte order plays no part."""
    for tag, entry in directory.fields.items():
        if tag == PHOTOSHOP:
            yield from _photoshop(tiff.value(entry, entry.size))
        elif tag not in STRUCTURE:
            kind = "maker-note" if tag == _MAKER_NOTE else code(tag)
            if kind != "orientation":  # the decoder states it, whichever way the container keeps it
                yield Item(kind, f"tag {tag}" if kind == "exif" else "", _value(tiff, entry.tag, directory))
        elif tag in (EXIF_IFD, GPS_IFD, INTEROP_IFD):
            for offset in tiff.numbers(entry):
                inner = tiff.directory(offset, limits)
                kept = {key: value for key, value in inner.fields.items() if key not in (EXIF_IFD, GPS_IFD)}
                yield from _tags(tiff, Directory(kept, 0), limits, lambda _: "exif")


def _value(tiff: Tiff, tag: int, directory: Directory) -> str:
    entry = directory.fields[tag]
    numbers = tiff.numbers(entry, 4096)
    if numbers:
        return f"{tag}:{numbers}"
    data = tiff.value(entry, entry.size)
    if entry.kind in (5, 10):  # rationals: writers reduce them
        layout = tiff.order + ("Ii"[entry.kind == 10] * (len(data) // 4))
        pairs = Window.unpack(tiff.window.part(entry.offset, len(data) // 8 * 8), layout[: 1 + len(data) // 8 * 2], 0)
        return f"{tag}:{[f'{a / b:.9g}' if b else 'inf' for a, b in zip(pairs[::2], pairs[1::2], strict=True)]}"
    return f"{tag}:{_digest(data.rstrip(bytes(1)))}"


def _tiff(window: Window, limits: Limits) -> Iterator[Item]:
    tiff = read_tiff(window)
    directories = tiff.directories(limits) if tiff is not None else []
    if tiff is None or not directories:
        raise Truncated
    main, *others = directories
    yield from _tags(tiff, main, limits, lambda tag: _TIFF.get(tag, "exif"))
    if any(bits > 8 for bits in tiff.numbers(main.fields.get(258), 8)):
        yield Item("depth", "", "16")
    for other in others:
        reduced = (*tiff.numbers(other.fields.get(SUBFILE)), 0)[0] & 1
        yield Item("thumbnail" if reduced else "pages", "", "yes")


# Each raises Truncated where the structure ends before it should.
WALKS: dict[str, Callable[[Window, Limits], Iterator[Item]]] = {
    "image/jpeg": _jpeg,
    "image/png": _png,
    "image/webp": _webp,
    "image/avif": _avif,
    "image/tiff": _tiff,
}
