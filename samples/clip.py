# SPDX-License-Identifier: Apache-2.0
"""A short MP4 without an encoder: JPEG pictures as samples (ISO/IEC 14496-12; object type 0x6C of 14496-1)."""

import struct

_IDENTITY = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


def _box(name: str, *payload: bytes) -> bytes:
    body = b"".join(payload)
    return struct.pack(">I4s", 8 + len(body), name.encode()) + body


def _full(name: str, *payload: bytes, flags: int = 0) -> bytes:
    return _box(name, struct.pack(">I", flags), *payload)


def _descriptor(tag: int, *payload: bytes) -> bytes:
    body = b"".join(payload)
    return bytes((tag, len(body))) + body


def motion_jpeg(frames: list[bytes], width: int, height: int, rate: int) -> bytes:
    """The frames one after the other, ``rate`` of them a second."""
    count = len(frames)
    seconds = struct.pack(">III", 0, 0, rate) + struct.pack(">I", count)
    decoder = _descriptor(4, bytes((0x6C, 0x11)), bytes(3), struct.pack(">II", 0, 0))
    stream = _full("esds", _descriptor(3, struct.pack(">HB", 1, 0), decoder, _descriptor(6, b"\x02")))
    entry = _box(
        "mp4v",
        bytes(6) + struct.pack(">H", 1) + bytes(16) + struct.pack(">HHIII", width, height, 0x480000, 0x480000, 0),
        struct.pack(">H", 1) + bytes(32) + struct.pack(">Hh", 24, -1),
        stream,
    )
    head = _box("ftyp", b"isom", struct.pack(">I", 0x200), b"isomiso2mp41")

    def movie(first: int) -> bytes:
        table = _box(
            "stbl",
            _full("stsd", struct.pack(">I", 1), entry),
            _full("stts", struct.pack(">III", 1, count, 1)),
            _full("stsc", struct.pack(">IIII", 1, 1, count, 1)),
            _full("stsz", struct.pack(">II", 0, count), *(struct.pack(">I", len(frame)) for frame in frames)),
            _full("stco", struct.pack(">II", 1, first)),
        )
        own = _box("dinf", _full("dref", struct.pack(">I", 1), _full("url ", flags=1)))
        media = _box(
            "mdia",
            _full("mdhd", seconds, struct.pack(">HH", 0x55C4, 0)),
            _full("hdlr", bytes(4), b"vide", bytes(12), b"Video\x00"),
            _box("minf", _full("vmhd", bytes(8), flags=1), own, table),
        )
        size = struct.pack(">II", width << 16, height << 16)
        track = _full("tkhd", struct.pack(">IIIII", 0, 0, 1, 0, count), bytes(16), _IDENTITY, size, flags=3)
        header = _full(
            "mvhd", seconds, struct.pack(">IH", 0x10000, 0x100), bytes(10), _IDENTITY, bytes(24), b"\0\0\0\2"
        )
        return _box("moov", header, _box("trak", track, media))

    first = len(head) + len(movie(0)) + 8
    return head + movie(first) + _box("mdat", *frames)
