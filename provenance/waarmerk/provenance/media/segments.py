# SPDX-License-Identifier: Apache-2.0
"""The outer structure of JPEG, PNG, RIFF and GIF: where each part stands, nothing of what it means.

Each walk is a single pass forward, ends at the picture data or the end of the file, and gives up with Truncated
where a part reaches past the end, TooManyParts where there are more than ``Limits.parts``.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.window import Truncated, Window


class TooManyParts(Truncated):
    """More parts than may be looked at."""


@dataclass(frozen=True, slots=True)
class Part:
    """A marker segment, chunk or block: its name and where its payload stands."""

    name: bytes
    offset: int
    size: int


_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # TEM, RSTn, SOI carry no length
_SOS, _EOI = 0xDA, 0xD9
_MARKER, _BLOCK_BYTES = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]"), 1 << 20


def jpeg_segments(window: Window, limits: Limits) -> Iterator[Part]:
    """Marker segments up to the first scan (ITU-T T.81, annex B)."""
    at = 2
    for _ in range(limits.parts):
        fill, marker = window.unpack("BB", at)
        if fill != 0xFF:
            raise Truncated
        if marker == 0xFF:  # fill byte
            at += 1
        elif marker in _ALONE:
            at += 2
        elif marker in (_SOS, _EOI):
            return
        else:
            (length,) = window.unpack(">H", at + 2)
            if length < 2 or at + 2 + length > window.size:
                raise Truncated
            yield Part(bytes((marker,)), at + 4, length - 2)
            at += 2 + length
    raise TooManyParts


def jpeg_scans(window: Window, limits: Limits) -> int:
    """Scans of the picture that the file begins with (ITU-T T.81, annex B): what a segment holds is none, nor what
    stands behind its end, such as the film of a motion photo. What is no marker is skipped, as decoders do.

    Raises TooManyParts for more segments than ``Limits.picture_parts`` or scans than ``Limits.scans``.
    """
    found, at = 0, 2
    for _ in range(limits.picture_parts):
        marker = _next_marker(window, at)
        if marker is None or marker[1] == _EOI:
            return found
        at, name = marker[0] + 2, marker[1]
        found += name == _SOS
        if found > limits.scans:
            raise TooManyParts
        if name not in _ALONE:
            length = int.from_bytes(window.up_to(at, 2))
            at += max(2, length)
    raise TooManyParts


def _next_marker(window: Window, at: int) -> tuple[int, int] | None:
    """Where the next marker stands and which it is; in the data of a scan 0xFF is followed by 0 or is a restart."""
    while block := window.up_to(at, _BLOCK_BYTES):
        seen = _MARKER.search(block)
        if seen is not None:
            return at + seen.start(), block[seen.end() - 1]
        if len(block) < _BLOCK_BYTES:
            return None
        at += len(block) - 1  # a marker may begin with the last byte
    return None


def png_chunks(window: Window, limits: Limits) -> Iterator[Part]:
    """All chunks up to IEND (PNG, third edition, section 5); CRCs are for decoders to judge."""
    at = 8
    for _ in range(limits.parts):
        size, name = window.unpack(">I", at)[0], window.at(at + 4, 4)
        if at + 8 + size > window.size:
            raise Truncated
        yield Part(name, at + 8, size)
        if name == b"IEND":
            return
        at += 12 + size
    raise TooManyParts


def riff_chunks(window: Window, limits: Limits) -> Iterator[Part]:
    """Chunks of the outer form, padded to even lengths; LIST chunks of AVI are not entered."""
    end = min(window.size, 8 + window.unpack("<I", 4)[0])
    at = 12
    for _ in range(limits.parts):
        if at + 8 > end:
            return
        name, size = window.at(at, 4), window.unpack("<I", at + 4)[0]
        if at + 8 + size > window.size:
            raise Truncated
        yield Part(name, at + 8, size)
        at += 8 + size + (size & 1)
    raise TooManyParts


_IMAGE, _EXTENSION, _TRAILER = b"\x2c", b"\x21", b"\x3b"


def gif_blocks(window: Window, limits: Limits) -> Iterator[Part]:
    """Images (``,``) and application extensions (named by their 11 bytes); GIF89a, sections 20 to 26.

    ``size`` reaches to the end of the sub-blocks, their length bytes included, the terminator excluded.
    """
    flags = window.at(10, 1)[0]
    at = 13 + _table_bytes(flags)
    left = limits.parts
    while left > 0:
        mark = window.at(at, 1)
        if mark == _TRAILER:
            return
        if mark == _IMAGE:
            start = at + 10 + _table_bytes(window.at(at + 9, 1)[0]) + 1
            name = mark
        elif mark == _EXTENSION:
            label, length = window.unpack("BB", at + 1)
            named = label == 0xFF and length == 11
            start = at + 3 + length if named else at + 2
            name = window.at(at + 3, 11) if named else mark
        else:
            raise Truncated
        end, left = _sub_blocks_end(window, start, left - 1)
        yield Part(name, start, end - start)
        at = end + 1
    raise TooManyParts


def _table_bytes(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _sub_blocks_end(window: Window, at: int, left: int) -> tuple[int, int]:
    """Where the terminator stands, and how many parts may still follow; a sub-block is a part too."""
    while length := window.at(at, 1)[0]:
        at, left = at + 1 + length, left - 1
        if left < 0:
            raise TooManyParts
    return at, left
