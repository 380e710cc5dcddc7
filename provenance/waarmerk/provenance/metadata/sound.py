# SPDX-License-Identifier: Apache-2.0
"""Keys and texts of sound files: ID3v2 (MP3, WAV), Vorbis comments (FLAC, Ogg), and XMP in an ID3 private frame."""

from collections.abc import Iterator
from dataclasses import dataclass

from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.window import Truncated, Window

_MAX_FRAMES = 1_000
_OGG_BYTES = 128 * 1024  # comments stand in the second packet; those with pictures are longer and cut here


@dataclass(frozen=True, slots=True)
class Tag:
    """One key and its text; ``is_packet`` marks an XMP packet, whose key is empty."""

    key: str
    text: bytes
    is_packet: bool = False


# ID3v2.4, 4.2: text frames that name a program, under the keys that other containers use.
_PROGRAMS = {b"TSSE": "software", b"TENC": "software", b"TSS": "software", b"TEN": "software"}
_CODINGS = {0: "latin-1", 1: "utf-16", 2: "utf-16-be", 3: "utf-8"}


def id3_tags(window: Window, limits: Limits) -> Iterator[Tag]:
    """Text frames of an ID3v2.2, 2.3 or 2.4 tag at the start of ``window``; Truncated where it ends early."""
    head = window.up_to(0, 10)
    if head[:3] != b"ID3" or len(head) < 10 or head[3] not in (2, 3, 4):
        return
    version, end = head[3], 10 + _synchsafe(head[6:10])
    at, id_bytes, head_bytes = 10, 3 if version == 2 else 4, 6 if version == 2 else 10
    if head[5] & 0x40 and version > 2:  # extended header
        extension = window.at(10, 4)
        at += _synchsafe(extension) if version == 4 else 4 + int.from_bytes(extension)
    for _ in range(_MAX_FRAMES):
        if at + head_bytes > min(end, window.size):
            return
        frame = window.at(at, head_bytes)
        name, length = frame[:id_bytes], frame[id_bytes : 2 * id_bytes]
        size = _synchsafe(length) if version == 4 else int.from_bytes(length)
        if not name.strip(b"\0"):
            return
        yield from _frame(name, window.up_to(at + head_bytes, min(size, limits.xmp_bytes)))
        at += head_bytes + size


def _frame(name: bytes, body: bytes) -> Iterator[Tag]:
    if name in (b"TXXX", b"TXX") and body:
        key, _, text = _decoded(body).partition("\0")
        yield Tag(key, text.strip("\0").encode())
    elif name in _PROGRAMS and body:
        yield Tag(_PROGRAMS[name], _decoded(body).strip("\0").encode())
    elif name == b"PRIV" and body.startswith(b"XMP\0"):  # XMP part 3, 1.1.7
        yield Tag("", body[4:], is_packet=True)


def _decoded(body: bytes) -> str:
    text = body[1:].decode(_CODINGS.get(body[0], "latin-1"), "replace")
    return text.replace("\ufeff", "")


def _synchsafe(size: bytes) -> int:
    """Seven bits a byte (ID3v2.4, 6.2)."""
    value = 0
    for byte in size:
        value = value << 7 | byte & 0x7F
    return value


def flac_tags(window: Window, limits: Limits) -> Iterator[Tag]:
    """The Vorbis comment block (RFC 9639, 8.6)."""
    at = 4
    for _ in range(limits.ifds):
        head = window.at(at, 4)
        size = int.from_bytes(head[1:])
        if head[0] & 0x7F == 4:
            yield from _comments(window.up_to(at + 4, min(size, limits.xmp_bytes)))
        if head[0] & 0x80:
            return
        at += 4 + size


def ogg_tags(window: Window, limits: Limits) -> Iterator[Tag]:
    """Vorbis, Opus and Theora comments in the first pages of an Ogg file (RFC 3533, 6; RFC 7845, 5.2)."""
    pages = _ogg_payload(window, limits)
    for mark in (b"\x03vorbis", b"OpusTags", b"\x81theora"):
        start = pages.find(mark)
        if start >= 0:
            yield from _comments(pages[start + len(mark) :])


def _ogg_payload(window: Window, limits: Limits) -> bytes:
    payload, at = b"", 0
    for _ in range(limits.ifds * 4):
        head = window.up_to(at, 27)
        if len(payload) >= _OGG_BYTES or len(head) < 27 or head[:4] != b"OggS":
            break
        sizes = window.up_to(at + 27, head[26])
        payload += window.up_to(at + 27 + head[26], sum(sizes))
        at += 27 + head[26] + sum(sizes)
    return payload


def _comments(data: bytes) -> Iterator[Tag]:
    """``KEY=text`` pairs behind the vendor's name, with lengths in four bytes, least significant first."""
    at = 4 + int.from_bytes(data[:4], "little")
    count = int.from_bytes(data[at : at + 4], "little")
    at += 4
    for _ in range(min(count, _MAX_FRAMES)):
        size = int.from_bytes(data[at : at + 4], "little")
        if at + 4 + size > len(data):
            raise Truncated
        key, found, text = data[at + 4 : at + 4 + size].partition(b"=")
        if found:
            name = key.decode("ascii", "replace")
            yield Tag("software" if name.upper() in ("ENCODER", "SOFTWARE") else name, text)
        at += 4 + size
