# SPDX-License-Identifier: Apache-2.0
"""Where each container keeps EXIF, XMP, IIM and text, as windows that have not been read yet."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO

from waarmerk.provenance.media.bmff import Steps, intact_boxes
from waarmerk.provenance.media.heif import metadata_items
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.segments import gif_blocks, jpeg_segments, png_chunks, riff_chunks
from waarmerk.provenance.media.tiff import read_tiff
from waarmerk.provenance.media.window import Window
from waarmerk.provenance.metadata.sound import Tag, flac_tags, id3_tags, ogg_tags


class BlockKind(StrEnum):
    """What a block holds; the first word is the name of its container in the report."""

    EXIF = "exif"
    XMP = "xmp"
    XMP_EXTENSION = "xmp-extension"
    IIM = "iptc"
    RESOURCES = "iptc-resources"  # Photoshop image resources, one of which is IIM
    PNG_TEXT = "png-text"
    TAG = "tag"  # a key and a text, as movies keep them


@dataclass(frozen=True, slots=True)
class Block:
    """One block of metadata; ``parts`` together are its bytes, ``name`` its chunk type or key where that matters."""

    kind: BlockKind
    parts: tuple[Window, ...]
    name: bytes = b""

    @property
    def size(self) -> int:
        """Bytes of all parts."""
        return sum(part.size for part in self.parts)

    def read(self, max_bytes: int) -> bytes:
        """The first ``max_bytes`` of it."""
        found = b""
        for part in self.parts:
            found += part.up_to(0, max_bytes - len(found))
        return found


def blocks(window: Window, media_type: str, limits: Limits) -> Iterator[Block] | None:
    """The blocks of a file in file order, None for a container that is not read.

    The iterator raises Truncated where the structure of the file ends before it should.
    """
    walk = _WALKS.get(media_type)
    return walk(window, limits) if walk is not None else None


_EXIF, _XMP = b"Exif\x00\x00", b"http://ns.adobe.com/xap/1.0/\x00"
_EXTENSION, _PHOTOSHOP = b"http://ns.adobe.com/xmp/extension/\x00", b"Photoshop 3.0\x00"
_APP1, _APP13 = b"\xe1", b"\xed"
_JPEG = (
    (_APP1, _EXIF, BlockKind.EXIF),
    (_APP1, _XMP, BlockKind.XMP),
    (_APP1, _EXTENSION, BlockKind.XMP_EXTENSION),
    (_APP13, _PHOTOSHOP, BlockKind.RESOURCES),
)


def _jpeg(window: Window, limits: Limits) -> Iterator[Block]:
    """APP1 and APP13 (EXIF 3.0, 4.7.2; XMP part 3, 1.1.3). Resources may be split over several segments."""
    resources: list[Window] = []
    for part in jpeg_segments(window, limits):
        if part.name not in (_APP1, _APP13):
            continue
        head = window.up_to(part.offset, min(part.size, 40))
        for marker, prefix, kind in _JPEG:
            if part.name == marker and head.startswith(prefix):
                body = window.part(part.offset + len(prefix), part.size - len(prefix))
                if kind is BlockKind.RESOURCES:
                    resources.append(body)
                else:
                    yield Block(kind, (body,))
    if resources:
        yield Block(BlockKind.RESOURCES, tuple(resources))


def _png(window: Window, limits: Limits) -> Iterator[Block]:
    for part in png_chunks(window, limits):
        body = window.part(part.offset, part.size)
        if part.name in (b"tEXt", b"zTXt", b"iTXt"):
            yield Block(BlockKind.PNG_TEXT, (body,), part.name)
        elif part.name == b"eXIf":
            yield Block(BlockKind.EXIF, (body,))


_RIFF = {b"EXIF": BlockKind.EXIF, b"XMP ": BlockKind.XMP, b"_PMX": BlockKind.XMP}


def _riff(window: Window, limits: Limits) -> Iterator[Block]:
    """WebP (RFC 9649, 2.7.1.5) and WAV (XMP part 3, 1.2.6)."""
    for part in riff_chunks(window, limits):
        if part.name in _RIFF:
            skip = 6 if window.up_to(part.offset, 6) == _EXIF else 0  # some writers keep the JPEG prefix
            yield Block(_RIFF[part.name], (window.part(part.offset + skip, part.size - skip),))


def _gif(window: Window, limits: Limits) -> Iterator[Block]:
    """The packet stands outside sub-blocks; a tail of descending bytes leads older readers to the end."""
    for part in gif_blocks(window, limits):
        if part.name == b"XMP DataXMP":
            yield Block(BlockKind.XMP, (window.part(part.offset, part.size),))


_TIFF_TAGS = {700: BlockKind.XMP, 33723: BlockKind.IIM, 34377: BlockKind.RESOURCES}


def _tiff(window: Window, limits: Limits) -> Iterator[Block]:
    yield Block(BlockKind.EXIF, (window,))
    tiff = read_tiff(window)
    if tiff is None:
        return
    fields = tiff.directory(tiff.first, limits).fields
    for tag, kind in _TIFF_TAGS.items():
        if tag in fields:
            yield Block(kind, (window.part(fields[tag].offset, fields[tag].size),))


_XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")  # XMP part 3, 1.2.7


def _bmff(window: Window, limits: Limits) -> Iterator[Block]:
    """Top-level ``uuid``, ``moov/udta`` and its key-value list, and the items of HEIF."""
    steps = Steps(limits.parts)
    for box in intact_boxes(window, steps):
        if box.name == b"uuid" and box.body.up_to(0, 16) == _XMP_UUID:
            yield Block(BlockKind.XMP, (box.body.part(16, box.body.size - 16),))
        elif box.name == b"moov":
            yield from _user_data(box.body, steps)
    for item in metadata_items(window, limits):
        if item.kind == b"Exif" and item.extents and item.extents[0].size >= 4:
            first = item.extents[0]
            skip = 4 + first.unpack(">I", 0)[0]
            yield Block(BlockKind.EXIF, (first.part(skip, first.size - skip),))
        elif item.content_type == b"application/rdf+xml":
            yield Block(BlockKind.XMP, item.extents)


def _user_data(moov: Window, steps: Steps) -> Iterator[Block]:
    for data in intact_boxes(moov, steps):
        inner = data.body if data.name == b"udta" else None
        if data.name == b"meta":
            yield from _keyed(data.body, steps)
        for box in intact_boxes(inner, steps) if inner else ():
            if box.name == b"XMP_":
                yield Block(BlockKind.XMP, (box.body,))
            elif box.name == b"meta":
                yield from _keyed(box.body, steps)


def _keyed(meta: Window, steps: Steps) -> Iterator[Block]:
    """QuickTime metadata: ``keys`` numbers the names under which ``ilst`` holds ``data``; or four-letter names."""
    full = 4 if meta.up_to(0, 4) == bytes(4) else 0  # ISO's meta has version and flags, QuickTime's has not
    names: list[bytes] = []
    for box in intact_boxes(meta, steps, full):
        if box.name == b"keys":
            names = [key.body.up_to(0, 256) for key in intact_boxes(box.body, steps, 8)]
        elif box.name == b"ilst":
            for entry in intact_boxes(box.body, steps):
                number = int.from_bytes(entry.name)
                name = names[number - 1] if 0 < number <= len(names) else entry.name
                for data in intact_boxes(entry.body, steps):
                    if data.name == b"data" and data.body.size >= 8:
                        yield Block(BlockKind.TAG, (data.body.part(8, data.body.size - 8),), name)


def _jxl(window: Window, limits: Limits) -> Iterator[Block]:
    """ISO/IEC 18181-2: boxes ``xml `` and ``Exif``; Brotli-compressed ones are not unpacked."""
    if window.up_to(0, 2) == b"\xff\x0a":
        return
    for box in intact_boxes(window, Steps(limits.parts)):
        if box.name == b"xml ":
            yield Block(BlockKind.XMP, (box.body,))
        elif box.name == b"Exif" and box.body.size >= 4:
            skip = 4 + box.body.unpack(">I", 0)[0]
            yield Block(BlockKind.EXIF, (box.body.part(skip, box.body.size - skip),))


def _tagged(tags: Callable[[Window, Limits], Iterator[Tag]]) -> Callable[[Window, Limits], Iterator[Block]]:
    """A walk over keys and texts that had to be unpacked: each becomes a block with bytes of its own."""

    def walk(window: Window, limits: Limits) -> Iterator[Block]:
        for tag in tags(window, limits):
            body = Window(BytesIO(tag.text), len(tag.text))
            kind = BlockKind.XMP if tag.is_packet else BlockKind.TAG
            yield Block(kind, (body,), tag.key.encode("latin-1", "replace"))

    return walk


_id3 = _tagged(id3_tags)


def _wave(window: Window, limits: Limits) -> Iterator[Block]:
    """RIFF chunks, and the ID3 tag that some writers put into one."""
    yield from _riff(window, limits)
    for part in riff_chunks(window, limits):
        if part.name in (b"id3 ", b"ID3 "):
            yield from _id3(window.part(part.offset, part.size), limits)


_PDF_LABEL = re.compile(rb"/AIGC\s{0,9}\(((?:[^()\\]|\\.|\([^()]{0,4096}\)){1,8192})\)", re.DOTALL)


def _pdf(window: Window, limits: Limits) -> Iterator[Block]:
    """XMP packets, and an ``AIGC`` entry of the document information dictionary written as a plain literal string."""
    yield from _packets(window, limits)
    label = _PDF_LABEL.search(window.up_to(0, limits.image_bytes))
    if label is not None:
        text = re.sub(rb"\\([()\\])", rb"\1", label[1])
        yield Block(BlockKind.TAG, (Window(BytesIO(text), len(text)),), b"AIGC")


def _packets(window: Window, limits: Limits) -> Iterator[Block]:
    """Packet scanning for text formats (XMP part 3, 2.2): whole packets that stand in the file uncompressed."""
    data = window.up_to(0, limits.image_bytes)
    at = 0
    for _ in range(16):
        start = data.find(b"<x:xmpmeta", at)
        end = data.find(b"</x:xmpmeta>", start) if start >= 0 else -1
        if end < 0:
            return
        at = end + len(b"</x:xmpmeta>")
        yield Block(BlockKind.XMP, (window.part(start, at - start),))


_WALKS: dict[str, Callable[[Window, Limits], Iterator[Block]]] = {
    "image/jpeg": _jpeg,
    "image/png": _png,
    "image/webp": _riff,
    "audio/wav": _wave,
    "audio/mpeg": _id3,
    "audio/flac": _tagged(flac_tags),
    **dict.fromkeys(("audio/ogg", "video/ogg"), _tagged(ogg_tags)),
    "video/x-msvideo": _riff,
    "image/gif": _gif,
    **dict.fromkeys(("image/tiff", "image/x-adobe-dng", "image/x-nikon-nef", "image/x-sony-arw"), _tiff),
    **dict.fromkeys(("image/avif", "image/heic", "image/heif"), _bmff),
    **dict.fromkeys(("video/mp4", "video/quicktime", "audio/mp4"), _bmff),
    "image/jxl": _jxl,
    "image/svg+xml": _packets,
    "application/pdf": _pdf,
}
