# SPDX-License-Identifier: Apache-2.0
"""Files of 8 MiB made of the smallest parts their container allows: opening and reading them must stay cheap."""

import struct
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from waarmerk.provenance.errors import LimitExceeded
from waarmerk.provenance.media import Limits, asset_from_bytes
from waarmerk.provenance.metadata import read

LIMITS = Limits()
SIZE = 8 * 1024 * 1024


def repeated(head: bytes, unit: bytes) -> bytes:
    return head + unit * ((SIZE - len(head)) // len(unit))


def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, 2 + len(body)) + body


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + bytes(4)


def box(name: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">I4s", 8 + len(body), name) + body


EXIF = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<HHHIII", 1, 0x010F, 2, 40, 8, 0)
PNG = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 4, 8, 2, 0, 0, 0))
GIF = b"GIF89a\1\0\1\0\0\0\0"
MP4 = box(b"ftyp", b"isom\0\0\0\0")
ZEROED_EXTENTS = b"\0\0" + struct.pack(">H", 65535) + b"\0\0\0\0\xff\xff" * 65535

FILES: dict[str, Callable[[], bytes]] = {
    "jpeg, exif": lambda: repeated(b"\xff\xd8\xff", segment(0xE1, EXIF)[1:] + b"\xff"),
    "jpeg, xmp": lambda: repeated(b"\xff\xd8", segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<a/>")),
    "jpeg, fill bytes": lambda: repeated(b"\xff\xd8", b"\xff"),
    "png, empty chunks": lambda: repeated(PNG, chunk(b"abCd", b"")),
    "png, text": lambda: repeated(PNG, chunk(b"tEXt", b"parameters\0S")),
    "gif, sub-blocks": lambda: repeated(GIF + b"!\xfe", b"\x01a"),
    "gif, frames": lambda: repeated(GIF, b",\0\0\0\0\1\0\1\0\0\2\1\0\0"),
    "webp, frames": lambda: repeated(b"RIFF\xff\xff\xff\x7fWEBP", b"ANMF\0\0\0\0"),
    "mp4, empty boxes": lambda: repeated(MP4, box(b"free")),
    "mp4, fragments": lambda: repeated(MP4 + box(b"moov"), box(b"moof", box(b"traf", box(b"trun", bytes(8))))),
    "avif, extents": lambda: (
        box(b"ftyp", b"avif" + bytes(4) + b"avif")
        + box(b"meta", bytes(4) + box(b"iinf", bytes(6)) + box(b"iloc", bytes(4) + ZEROED_EXTENTS))
    ),
    "svg, packets": lambda: repeated(b"<svg>", b"<x:xmpmeta></x:xmpmeta>"),
    "svg, openings": lambda: repeated(b"<svg>", b"<x:xmpmeta "),
}


@pytest.mark.parametrize("name", FILES)
def test_many_small_parts(name: str) -> None:
    data = FILES[name]()
    started = time.process_time()
    with suppress(LimitExceeded):  # to refuse it is an answer
        read(asset_from_bytes(data, name=None, limits=LIMITS), LIMITS)
    assert time.process_time() - started < 4
