# SPDX-License-Identifier: Apache-2.0
"""What container a clip is in and how much it claims, read by our own walk before any demuxer sees the file.

A demuxer that is left to guess follows texts (ffconcat, SDP, playlists) to other files and addresses, and makes room
for every sample an MP4 claims: 3.4 KB claimed 5 x 10^7, for which 3.5 GiB were allocated.
Sources: ISO/IEC 14496-12 (boxes), RFC 9559 and RFC 8794 (Matroska, WebM).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import BinaryIO

MAX_SAMPLES = 2_000_000  # 22 hours at 25 frames a second
MAX_BOXES = 200_000
HEAD_BYTES = 4096


class UnreadableVideo(ValueError):
    """The file is no clip of a container known here, claims the impossible, is cut off, or does not decode."""


class Container(Enum):
    """Containers read and written: name of the demuxer, of the muxer, and whether it is an ISO base media file."""

    MP4 = ("mov", "mp4", True)
    MOV = ("mov", "mov", True)
    MATROSKA = ("matroska", "matroska", False)
    WEBM = ("matroska", "webm", False)

    @property
    def demuxer(self) -> str:
        """FFmpeg's name of what reads it."""
        return self.value[0]

    @property
    def muxer(self) -> str:
        """FFmpeg's name of what writes it."""
        return self.value[1]

    @property
    def of_boxes(self) -> bool:
        """Whether it is an ISO base media file."""
        return self.value[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A container and the parts at its top level that no demuxer hands on, by box type or uuid in hex."""

    container: Container
    extra: tuple[str, ...] = ()


def outline(stream: BinaryIO) -> Outline:
    """Walk a seekable stream; leaves it at its beginning.  Raises UnreadableVideo."""
    stream.seek(0, 2)
    size = stream.tell()
    stream.seek(0)
    head = stream.read(HEAD_BYTES)
    container = _container(head)
    extra: tuple[str, ...] = ()
    if container.of_boxes:
        walk = _Walk(stream)
        extra = walk.top(size)
        if walk.samples > MAX_SAMPLES:
            raise UnreadableVideo(f"the file claims {walk.samples} samples; the most is {MAX_SAMPLES}")
    stream.seek(0)
    return Outline(container=container, extra=extra)


_STILLS = frozenset({b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1", b"heim", b"heis", b"hevc", b"hevx"})


def _container(head: bytes) -> Container:
    if head[:4] == b"\x1a\x45\xdf\xa3":
        kind = re.search(rb"\x42\x82[\x84\x88](webm|matroska)", head[:256])
        if kind is not None:
            return Container.WEBM if kind[1] == b"webm" else Container.MATROSKA
    if head[4:8] == b"ftyp" and head[8:12] not in _STILLS:
        return Container.MOV if head[8:12] == b"qt  " else Container.MP4
    if head[4:8] in (b"moov", b"mdat", b"wide", b"pnot") and head[:2] in (b"\x00\x00", b"\x00\x01", b"\x01\x00"):
        return Container.MOV  # QuickTime before 2001
    raise UnreadableVideo("the file is no MP4, MOV, MKV or WebM")


_INTO = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf", b"mvex"})
_COUNT_AT = {b"stsz": 8, b"stz2": 8, b"stsc": 4, b"stco": 4, b"co64": 4, b"stss": 4, b"stts": 4, b"ctts": 4, b"trun": 4}
_RUNS = frozenset({b"stts", b"ctts"})
_KNOWN = frozenset(
    {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"moof", b"mfra", b"sidx", b"styp", b"pdin", b"pnot"}
)


class _Walk:
    """A bounded walk over boxes that adds up what the tables claim."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._left = MAX_BOXES
        self.samples = 0

    def top(self, size: int) -> tuple[str, ...]:
        """Walk all; types and uuids of the top-level boxes that a demuxer drops, sorted."""
        extra: set[str] = set()
        for name, start, end in self._boxes(0, size):
            if name == b"uuid" and end - start >= 16:
                self._stream.seek(start)
                extra.add(self._stream.read(16).hex())
            elif name not in _KNOWN:
                extra.add(name.decode("latin-1"))
            self._into(name, start, end)
        return tuple(sorted(extra))

    def _into(self, name: bytes, start: int, end: int) -> None:
        if name in _INTO:
            for inner, first, last in self._boxes(start, end):
                self._into(inner, first, last)
        elif name in _COUNT_AT:
            self._count(name, start, end)

    def _boxes(self, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
        """Type, begin and end of the payload of each box; stops where one reaches past the end of what holds it."""
        while at + 8 <= end:
            self._left -= 1
            if self._left < 0:
                raise UnreadableVideo(f"the file has more than {MAX_BOXES} parts")
            self._stream.seek(at)
            head = self._stream.read(16)
            size, name, header = int.from_bytes(head[:4]), head[4:8], 8
            if size == 1 and len(head) == 16:
                size, header = int.from_bytes(head[8:16]), 16
            elif size == 0:
                size = end - at
            if size < header:
                return
            yield name, at + header, min(at + size, end)
            at += size

    def _count(self, name: bytes, start: int, end: int) -> None:
        self._stream.seek(start + _COUNT_AT[name])
        raw = self._stream.read(4)
        if len(raw) < 4:
            return
        claimed = int.from_bytes(raw)
        if name in _RUNS and claimed <= MAX_SAMPLES:
            body = self._stream.read(max(0, min(8 * claimed, end - start - 8)))
            claimed = max(claimed, sum(count for count, _ in struct.iter_unpack(">II", body[: len(body) // 8 * 8])))
        self.samples += claimed if name == b"trun" else 0
        self.samples = max(self.samples, claimed)
