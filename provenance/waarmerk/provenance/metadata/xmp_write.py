# SPDX-License-Identifier: Apache-2.0
"""Put an XMP packet into a file without touching its pixels: only the packet's own place in the container changes.

JPEG: APP1 (XMP part 3, 1.1.3). PNG: iTXt (1.1.4). WebP: chunk ``XMP `` (RFC 9649, 2.7.1.5). TIFF: tag 700 in a copy of
the first directory at the end of the file. MP4: top-level ``uuid`` box (1.2.7). AVIF: ``xmp_heif``.
"""

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO

from waarmerk.provenance.errors import LimitExceeded, UnsupportedAsset
from waarmerk.provenance.media.bmff import Steps, boxes
from waarmerk.provenance.media.content import Content
from waarmerk.provenance.media.image import read_header
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.segments import jpeg_segments, png_chunks, riff_chunks
from waarmerk.provenance.media.tiff import Tiff, read_tiff
from waarmerk.provenance.media.window import Truncated, Window
from waarmerk.provenance.metadata.blocks import BlockKind, blocks
from waarmerk.provenance.metadata.found import Found
from waarmerk.provenance.metadata.png import XMP_KEY, Budget, read_text
from waarmerk.provenance.metadata.xmp_heif import write_heif
from waarmerk.provenance.metadata.xmp_packet import Statement, compose

__all__ = [
    "WRITABLE",
    "Statement",
    "earlier_in",
    "earlier_packet",
    "state",
    "state_in",
    "write_packet",
    "write_packet_in",
]


def state(data: bytes, media_type: str, statement: Statement, limits: Limits) -> bytes:
    """The file with ``statement`` in its XMP; everything else that its packet says is kept.

    Raises UnsupportedAsset (``metadata.unwritable``, ``metadata.unreadable``), LimitExceeded (``metadata.too-large``).
    """
    earlier = earlier_packet(data, media_type, limits)
    return write_packet(data, media_type, compose(statement, earlier), limits)


def earlier_packet(data: bytes, media_type: str, limits: Limits) -> bytes | None:
    """The first XMP packet of the file, None where it has none. Raises as ``state`` does for one too large."""
    return _earlier(Window(BytesIO(data), len(data)), media_type, limits)


def _earlier(window: Window, media_type: str, limits: Limits) -> bytes | None:
    try:
        for block in blocks(window, media_type, limits) or ():
            if block.kind is BlockKind.XMP:
                if block.size > limits.xmp_bytes:
                    raise LimitExceeded("metadata.too-large", f"the XMP packet is longer than {limits.xmp_bytes} bytes")
                return block.read(block.size)
            if block.kind is BlockKind.PNG_TEXT and block.parts[0].up_to(0, len(XMP_KEY) + 1) == _PNG_KEY:
                return read_text(block.name, block.parts[0], Found(limits), Budget(limits.xmp_bytes))
    except Truncated:
        return None
    return None


def state_in(content: Content, media_type: str, statement: Statement, limits: Limits) -> Content:
    """The same of a content; of a clip nothing but its boxes is read into memory. Raises as ``state`` does, OSError."""
    if media_type not in _MOVIES:
        return Content.of(state(content.read(), media_type, statement, limits))
    return write_packet_in(content, media_type, compose(statement, earlier_in(content, media_type, limits)), limits)


def earlier_in(content: Content, media_type: str, limits: Limits) -> bytes | None:
    """The first XMP packet of a content. Raises as ``earlier_packet`` does, OSError."""
    with content.open() as stream:
        return _earlier(Window(stream, content.size), media_type, limits)


def write_packet_in(content: Content, media_type: str, packet: bytes, limits: Limits) -> Content:
    """The content with ``packet`` as its XMP in place of an earlier one. Raises as ``state`` does, OSError."""
    if media_type not in _MOVIES:
        return Content.of(write_packet(content.read(), media_type, packet, limits))
    if len(packet) > limits.xmp_bytes:
        raise LimitExceeded("metadata.too-large", f"the XMP packet is longer than {limits.xmp_bytes} bytes")
    try:
        with content.open() as stream:
            change = _change(Window(stream, content.size), packet, limits)
    except (Truncated, struct.error) as error:
        raise UnsupportedAsset("metadata.unwritable", "the structure of the file ends before it should") from error
    return content.edited(change.places, size=change.size, tail=change.tail)


def write_packet(data: bytes, media_type: str, packet: bytes, limits: Limits) -> bytes:
    """The file with ``packet`` as its XMP in place of an earlier one. Raises as ``state`` does."""
    write = _WRITERS.get(media_type)
    if write is None:
        raise UnsupportedAsset("metadata.unwritable", f"XMP is not written into {media_type} here")
    if len(packet) > limits.xmp_bytes:
        raise LimitExceeded("metadata.too-large", f"the XMP packet is longer than {limits.xmp_bytes} bytes")
    try:
        return write(Window(BytesIO(data), len(data)), packet, limits)
    except (Truncated, struct.error) as error:
        raise UnsupportedAsset("metadata.unwritable", "the structure of the file ends before it should") from error


_JPEG_XMP = b"http://ns.adobe.com/xap/1.0/\x00"
_JPEG_FIRST = (b"\xe0", b"\xe1")  # JFIF and EXIF stand before anything else
_MAX_SEGMENT = 65_533


def _jpeg(window: Window, packet: bytes, limits: Limits) -> bytes:
    body = _JPEG_XMP + packet
    if len(body) > _MAX_SEGMENT:
        raise LimitExceeded("metadata.too-large", "the XMP packet does not fit into one JPEG segment")
    out, placed, at = [window.at(0, 2)], False, 2
    segment = b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body
    for part in jpeg_segments(window, limits):
        head = window.up_to(part.offset, min(part.size, len(_JPEG_XMP)))
        is_packet = part.name == b"\xe1" and head == _JPEG_XMP
        if not placed and (is_packet or part.name not in _JPEG_FIRST):
            out.append(segment)
            placed = True
        end = part.offset + part.size
        if not is_packet:
            out.append(window.at(at, end - at))
        at = end
    if not placed:
        out.append(segment)
    return b"".join([*out, window.at(at, window.size - at)])


_PNG_KEY = XMP_KEY.encode("ascii") + b"\x00"


def _png(window: Window, packet: bytes, limits: Limits) -> bytes:
    content = b"iTXt" + _PNG_KEY + bytes(4) + packet  # not compressed, no language, no translated key
    chunk = struct.pack(">I", len(content) - 4) + content + struct.pack(">I", zlib.crc32(content))
    out, at = [window.at(0, 8)], 8
    for part in png_chunks(window, limits):
        end = part.offset + part.size + 4
        if part.name == b"IHDR":
            out += [window.at(at, end - at), chunk]
        elif not (part.name in _PNG_TEXTS and window.up_to(part.offset, min(part.size, len(_PNG_KEY))) == _PNG_KEY):
            out.append(window.at(at, end - at))
        at = end
    return b"".join([*out, window.at(at, window.size - at)])


_PNG_TEXTS = (b"iTXt", b"tEXt", b"zTXt")
_HAS_XMP, _HAS_ALPHA = 0x04, 0x10
_WEBP_PICTURES = frozenset({b"VP8 ", b"VP8L", b"ANMF"})


def _webp(window: Window, packet: bytes, limits: Limits) -> bytes:
    chunks, alpha = [], False
    for part in riff_chunks(window, limits):
        body = window.at(part.offset, part.size)
        if part.name == b"VP8L":
            alpha = bool(struct.unpack_from("<I", body, 1)[0] >> 28 & 1)
        if part.name != b"XMP ":
            chunks.append((part.name, body))
    if not any(name in _WEBP_PICTURES for name, _ in chunks):
        raise Truncated
    if chunks[0][0] == b"VP8X":
        flags = chunks[0][1]
        chunks[0] = (b"VP8X", bytes((flags[0] | _HAS_XMP,)) + flags[1:])
    else:
        header = read_header(window, "image/webp", limits)
        sides = (((side or 1) - 1).to_bytes(3, "little") for side in (header.width, header.height))
        flags = bytes((_HAS_XMP | (_HAS_ALPHA if alpha else 0),)) + bytes(3) + b"".join(sides)
        chunks.insert(0, (b"VP8X", flags))
    credentials = next((at for at, chunk in enumerate(chunks) if chunk[0] == b"C2PA"), len(chunks))
    chunks.insert(credentials, (b"XMP ", packet))
    body = b"".join(name + struct.pack("<I", len(part)) + part + bytes(len(part) & 1) for name, part in chunks)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


_XMP_TAG, _BYTE = 700, 1


def _tiff(window: Window, packet: bytes, limits: Limits) -> bytes:
    """A copy of the first directory, with tag 700, behind the file; strips, tiles and other directories stay put."""
    tiff = read_tiff(window)
    if tiff is None:
        raise Truncated
    count_layout, entry_size, pointer = ("Q", 20, "Q") if tiff.big else ("H", 12, "I")
    skip = struct.calcsize(count_layout)
    (count,) = window.unpack(tiff.order + count_layout, tiff.first)
    if count > limits.ifd_entries:
        raise LimitExceeded("metadata.too-large", f"a directory has more than {limits.ifd_entries} entries")
    table = window.at(tiff.first + skip, count * entry_size)
    following = window.at(tiff.first + skip + count * entry_size, struct.calcsize(pointer))
    packet_at = window.size + (window.size & 1)
    entries = [table[at : at + entry_size] for at in range(0, len(table), entry_size)]
    kept = [entry for entry in entries if struct.unpack_from(tiff.order + "H", entry)[0] != _XMP_TAG]
    kept.append(struct.pack(f"{tiff.order}HH{pointer}{pointer}", _XMP_TAG, _BYTE, len(packet), packet_at))
    kept.sort(key=lambda entry: struct.unpack_from(tiff.order + "H", entry)[0])
    directory_at = packet_at + len(packet) + (len(packet) & 1)
    out = bytearray(window.at(0, window.size).ljust(packet_at, b"\x00"))
    out += packet.ljust(directory_at - packet_at, b"\x00")
    out += struct.pack(tiff.order + count_layout, len(kept)) + b"".join(kept) + following
    _point(out, tiff, directory_at)
    return bytes(out)


def _point(out: bytearray, tiff: Tiff, first: int) -> None:
    """Let the header point at another first directory."""
    struct.pack_into(tiff.order + ("Q" if tiff.big else "I"), out, 8 if tiff.big else 4, first)


_XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    """Other bytes at some places, where the file is cut off, and what stands behind it then."""

    places: tuple[tuple[int, bytes], ...]
    size: int
    tail: bytes = b""


def _mp4(window: Window, packet: bytes, limits: Limits) -> bytes:
    change = _change(window, packet, limits)
    content = Content.of(window.at(0, window.size))
    return content.edited(change.places, size=change.size, tail=change.tail).read()


def _change(window: Window, packet: bytes, limits: Limits) -> _Change:
    """In place where the earlier box is large enough, else at the end: no offset of a sample table moves."""
    top = list(boxes(window, Steps(limits.parts)))
    if not top:
        raise Truncated
    earlier = [box for box in top if box.name == b"uuid" and box.body.up_to(0, 16) == _XMP_UUID]
    fitting = next((box for box in earlier if box.body.size - 16 >= len(packet)), None)
    places: list[tuple[int, bytes]] = []
    for box in earlier:
        if box is fitting:
            places.append((box.body.start + 16, packet.ljust(box.body.size - 16, b" ")))
        elif box is not top[-1]:
            places += [(box.start + 4, b"free"), (box.body.start, bytes(box.body.size))]
    if fitting is not None:
        return _Change(places=tuple(places), size=window.size)
    last, size = top[-1], window.size
    if last in earlier:
        size = last.start
    elif window.unpack(">I", last.start)[0] == 0:
        places.append((last.start, _whole(window.size - last.start)))
    tail = struct.pack(">I", 24 + len(packet)) + b"uuid" + _XMP_UUID + packet
    return _Change(places=tuple(places), size=size, tail=tail)


def _whole(size: int) -> bytes:
    """The size field of a last box that only says "to the end"."""
    if size >= 1 << 32:
        raise LimitExceeded("metadata.too-large", "the last box is longer than its size field can say")
    return struct.pack(">I", size)


_MOVIES = frozenset({"video/mp4", "video/quicktime"})
_WRITERS: dict[str, Callable[[Window, bytes, Limits], bytes]] = {
    "image/jpeg": _jpeg,
    "image/png": _png,
    "image/webp": _webp,
    "image/tiff": _tiff,
    "image/avif": write_heif,
    "video/mp4": _mp4,
    "video/quicktime": _mp4,
}
WRITABLE = frozenset(_WRITERS)
