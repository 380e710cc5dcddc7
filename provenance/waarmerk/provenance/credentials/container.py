# SPDX-License-Identifier: Apache-2.0
"""Where a file keeps its manifest store: the bytes of the store, found without the engine (C2PA 2.2, appendix A).

Two uses. The engine gives neither the certificate chain nor the time-stamp token, so both are read from these bytes.
And where the engine finds nothing or fails, any trace of a store here makes the answer "unreadable", never "none".
"""

import base64
import binascii
import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from waarmerk.provenance.credentials.jumbf import STORE_MARK, STORE_UUID
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.segments import Part, gif_blocks, jpeg_segments, png_chunks, riff_chunks
from waarmerk.provenance.media.window import Truncated, Window

BMFF_UUID = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")  # C2PA 2.2, section A.5.1
_MAX_STORES = 8
_CHUNK = 1 << 20
_APP11, _GIF_NAME = b"\xeb", b"C2PA_GIF\x01\x00\x00"
_SVG = re.compile(rb"<(?:[A-Za-z0-9_]+:)?manifest\b[^>]*>([A-Za-z0-9+/=\s]*)<")
_SVG_OPEN = re.compile(rb"<c2pa:manifest\b|\bc2pa\.org/manifest\b")
# Types of the boxes every store has; several, so that no single damaged byte makes a store invisible.
_TRACES = (STORE_UUID, b"c2ma" + STORE_UUID[4:], b"c2cl" + STORE_UUID[4:], BMFF_UUID, _GIF_NAME)
# What a container calls the place itself, whatever stands in it: frame of ID3 (MP3, FLAC), compressed box (JPEG XL).
_OWN_TRACES = {
    "audio/mpeg": (b"application/x-c2pa-manifest-store",),
    "audio/flac": (b"application/x-c2pa-manifest-store",),
    "image/jxl": (b"brobjumb",),
}
_PROVENANCE = b"dcterms:provenance"
_REMOTE = re.compile(
    _PROVENANCE + rb"""(?:\s*=\s*["'](https?://[!-~]{1,2048}?)["']|>\s*(https?://[!-~]{1,2048}?)\s*<)"""
)
# The byte order mark, or the first "<" where there is none (XML 1.0, appendix F).
_WIDE = (
    (b"\xff\xfe\0\0", "utf-32"),
    (b"\0\0\xfe\xff", "utf-32"),
    (b"<\0\0\0", "utf-32-le"),
    (b"\0\0\0<", "utf-32-be"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
_PURPOSES = (b"manifest", b"original", b"update")


@dataclass(frozen=True, slots=True)
class Embedded:
    """The bytes of one manifest store and the range of the file that carries it, wrapping included."""

    data: bytes = field(repr=False)
    start: int
    end: int


def find_stores(window: Window, media_type: str, limits: Limits) -> tuple[Embedded, ...]:
    """The manifest stores of a file, in its order, as far as the file can be walked; normally none or one."""
    walk = _WALKS.get(media_type, _anywhere)
    found: list[Embedded] = []
    try:
        for store in walk(window, limits):
            found.append(store)
            if len(found) == _MAX_STORES:
                break
    except (Truncated, OSError):
        pass
    return tuple(found)


def shows_store(window: Window, media_type: str, limits: Limits) -> bool:
    """Whether anything in the container speaks of a manifest store, damaged and cut ones included."""
    if media_type in _BMFF_TYPES and window.size > limits.image_bytes:
        return any(True for _ in _bmff_boxes(window, limits))
    if media_type == "image/svg+xml":
        return _SVG_OPEN.search(_markup(window.up_to(0, limits.image_bytes))) is not None
    if media_type in _WALKS and find_stores(window, media_type, limits):
        return True
    if media_type == "image/jpeg" and any(True for _ in _segments_of_boxes(window)):
        return True
    return any(True for _ in _positions(window, _TRACES + _OWN_TRACES.get(media_type, ())))


def _segments_of_boxes(window: Window) -> Iterator[int]:
    """APP11 segments that begin with "JP": boxes, cut into pieces of any size, wherever in the file they stand."""
    for position in _positions(window, (b"\xff" + _APP11,)):
        if window.up_to(position + 4, 2) == b"JP":
            yield position


def _markup(data: bytes) -> bytes:
    """A document of two or four bytes a character as one that the patterns here can read."""
    for mark, encoding in _WIDE:
        if data.startswith(mark):
            return data.decode(encoding, "replace").encode("utf-8", "replace")
    return data


def remote_address(window: Window) -> str | None:
    """The address of a store outside the file, as XMP states it in ``dcterms:provenance`` (C2PA 2.2, section A.8.3).

    The engine looks for it in some containers only. Nothing is parsed: the packet is text in every container.
    """
    for position in _positions(window, (_PROVENANCE,)):
        found = _REMOTE.match(window.up_to(position, 4096))
        if found is not None:
            return html.unescape((found[1] or found[2]).decode("ascii"))
    return None


def _jpeg(window: Window, limits: Limits) -> Iterator[Embedded]:
    """APP11 segments (ISO/IEC 18477-3): "JP", instance, sequence; each repeats the box header of the first."""
    instances: dict[bytes, list[Part]] = {}
    try:
        for part in jpeg_segments(window, limits):
            if part.name == _APP11 and part.size > 16 and window.at(part.offset, 2) == b"JP":
                instances.setdefault(window.at(part.offset + 2, 2), []).append(part)
    except Truncated:
        pass
    for parts in instances.values():
        pieces = [window.at(part.offset + 8, part.size - 8) for part in parts]
        header = 16 if pieces[0][:4] == b"\0\0\0\1" else 8
        data = pieces[0] + b"".join(piece[header:] for piece in pieces[1:])
        if STORE_MARK in data[:64]:
            yield Embedded(data, parts[0].offset - 4, parts[-1].offset + parts[-1].size)


def _png(window: Window, limits: Limits) -> Iterator[Embedded]:
    for part in png_chunks(window, limits):
        if part.name == b"caBX":
            yield Embedded(window.at(part.offset, part.size), part.offset - 8, part.offset + part.size + 4)


def _riff(window: Window, limits: Limits) -> Iterator[Embedded]:
    for part in riff_chunks(window, limits):
        if part.name == b"C2PA":
            end = part.offset + part.size + (part.size & 1)
            yield Embedded(window.at(part.offset, part.size), part.offset - 8, end)


def _gif(window: Window, limits: Limits) -> Iterator[Embedded]:
    for part in gif_blocks(window, limits):
        if part.name != _GIF_NAME:
            continue
        blocks, pieces, position = window.at(part.offset, part.size), [], 0
        while position < len(blocks):
            size = blocks[position]
            pieces.append(blocks[position + 1 : position + 1 + size])
            position += 1 + size
        yield Embedded(b"".join(pieces), part.offset - 14, part.offset + part.size + 1)


def _bmff_boxes(window: Window, limits: Limits) -> Iterator[tuple[int, int, int]]:
    """Start, start of the payload and end of the top-level boxes of our type; the last may reach past the file."""
    at = 0
    for _ in range(limits.parts):
        if at + 8 > window.size:
            return
        size, name, header = int.from_bytes(window.at(at, 4), "big"), window.at(at + 4, 4), 8
        if size == 1:
            size, header = int.from_bytes(window.at(at + 8, 8), "big"), 16
        elif size == 0:
            size = window.size - at
        if size < header:
            return
        if name == b"uuid" and window.up_to(at + header, 16) == BMFF_UUID:
            yield at, at + header, at + size
        at += size


def _bmff(window: Window, limits: Limits) -> Iterator[Embedded]:
    """``uuid`` boxes: type, version and flags, purpose, offset of a Merkle box, then the store."""
    for start, body, end in _bmff_boxes(window, limits):
        purpose, found, _ = window.up_to(body + 20, 32).partition(b"\0")
        if found and purpose in _PURPOSES and end - body <= limits.manifest_bytes:
            first = body + 20 + len(purpose) + 1 + 8
            yield Embedded(window.at(first, end - first), start, end)


def _svg(window: Window, limits: Limits) -> Iterator[Embedded]:
    for match in _SVG.finditer(window.up_to(0, limits.image_bytes)):
        try:
            data = base64.b64decode(b"".join(match[1].split()), validate=True)
        except binascii.Error:
            continue
        if STORE_MARK in data[:64]:
            yield Embedded(data, match.start(1), match.end(1))


def _anywhere(window: Window, limits: Limits) -> Iterator[Embedded]:
    """Formats that hold the store in one piece (TIFF, PDF, MP3, FLAC, JPEG XL): found by its first bytes.

    A store inside a store, as a manifest may carry one in a thumbnail, is not another store of the file.
    """
    beyond = 0
    for position in _positions(window, (STORE_MARK,)):
        start = position - 12  # before "jumd": length and "jumb" of the store, length of the description
        if start < beyond or window.up_to(start + 4, 4) != b"jumb":
            continue
        size = int.from_bytes(window.at(start, 4), "big")
        size = window.size - start if size == 0 else size
        if 24 < size <= min(limits.manifest_bytes, window.size - start):
            beyond = start + size
            yield Embedded(window.at(start, size), start, beyond)


def _positions(window: Window, needles: tuple[bytes, ...]) -> Iterator[int]:
    """Where any of the byte strings stands; the file is read in pieces that overlap by the longest of them."""
    overlap = max(map(len, needles)) - 1
    for at in range(0, window.size, _CHUNK):
        piece = window.up_to(at, _CHUNK + overlap)
        found = {position for needle in needles for position in _find_all(piece, needle) if position < _CHUNK}
        yield from (at + position for position in sorted(found))


def _find_all(data: bytes, needle: bytes) -> Iterator[int]:
    position = data.find(needle)
    while position >= 0:
        yield position
        position = data.find(needle, position + 1)


_BMFF_TYPES = frozenset(
    {"video/mp4", "video/quicktime", "audio/mp4", "image/avif", "image/heic", "image/heif"},
)
_WALKS: dict[str, Callable[[Window, Limits], Iterator[Embedded]]] = {
    "image/jpeg": _jpeg,
    "image/png": _png,
    "image/webp": _riff,
    "audio/wav": _riff,
    "video/x-msvideo": _riff,
    "image/gif": _gif,
    "image/svg+xml": _svg,
    **dict.fromkeys(_BMFF_TYPES, _bmff),
}


def is_bmff(media_type: str) -> bool:
    """Whether the container is an ISO base media file."""
    return media_type in _BMFF_TYPES
