# SPDX-License-Identifier: Apache-2.0
"""Our own walk decides what a file is before any demuxer sees it."""

from __future__ import annotations

import struct
from io import BytesIO

import pytest

from waarmerk.watermark.containers import MAX_SAMPLES, Container, UnreadableVideo, outline


def box(name: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), name) + body


def movie(*tables: bytes, brand: bytes = b"isom") -> bytes:
    inner = box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", *tables))))
    return box(b"ftyp", brand, bytes(4)) + box(b"moov", inner)


def table(name: bytes, at: int, count: int, *entries: tuple[int, int]) -> bytes:
    rest = b"".join(struct.pack(">II", *entry) for entry in entries)
    return box(name, bytes(at), struct.pack(">I", count), rest)


@pytest.mark.parametrize(
    ("head", "container"),
    [
        (movie(), Container.MP4),
        (movie(brand=b"qt  "), Container.MOV),
        (box(b"moov") + bytes(16), Container.MOV),
        (b"\x1a\x45\xdf\xa3\x93\x42\x82\x88matroska" + bytes(40), Container.MATROSKA),
        (b"\x1a\x45\xdf\xa3\x93\x42\x82\x84webm" + bytes(40), Container.WEBM),
    ],
)
def test_content_tells_the_container(head: bytes, container: Container) -> None:
    assert outline(BytesIO(head)).container is container


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"ffconcat version 1.0\nfile other.mp4\n",
        b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\nm=video 9999 RTP/AVP 96\r\n",
        b"#EXTM3U\nhttp://127.0.0.1/x.ts\n",
        b"RIFF\x00\x00\x00\x00AVI LIST",
        box(b"ftyp", b"avif", bytes(4)),
        b"\x1a\x45\xdf\xa3" + bytes(60),
        b"\xff\xd8\xff\xe0" + bytes(100),
    ],
)
def test_what_is_no_clip_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadableVideo):
        outline(BytesIO(data))


@pytest.mark.parametrize(
    "made",
    [
        table(b"stsz", 8, MAX_SAMPLES + 1),
        table(b"stts", 4, 1, (50_000_000, 1)),
        table(b"stts", 4, 2, (1_500_000, 1), (1_500_000, 1)),
        table(b"ctts", 4, 1, (2**32 - 1, 1)),
        table(b"stco", 4, 2**31),
    ],
)
def test_claims_beyond_reason_are_refused(made: bytes) -> None:
    with pytest.raises(UnreadableVideo, match="samples"):
        outline(BytesIO(movie(made)))


def test_fragments_add_up() -> None:
    run = box(b"trun", bytes(4), struct.pack(">I", 900_000))
    fragment = box(b"moof", box(b"traf", run))
    assert outline(BytesIO(movie() + 2 * fragment)).container is Container.MP4
    with pytest.raises(UnreadableVideo, match="samples"):
        outline(BytesIO(movie() + 3 * fragment))


def test_a_file_of_empty_boxes_ends() -> None:
    with pytest.raises(UnreadableVideo, match="parts"):
        outline(BytesIO(movie() + 200_001 * box(b"free")))


def test_what_no_demuxer_hands_on_is_named() -> None:
    xmp = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
    seen = outline(BytesIO(movie() + box(b"uuid", xmp, b"<x/>") + box(b"free", b"x") + box(b"meta")))
    assert seen.extra == (xmp.hex(), "meta")


def test_the_stream_is_left_at_its_beginning() -> None:
    stream = BytesIO(movie())
    outline(stream)
    assert stream.tell() == 0
