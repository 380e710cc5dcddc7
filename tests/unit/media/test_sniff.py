# SPDX-License-Identifier: Apache-2.0
import io
import struct

import c2pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from waarmerk.provenance.media import (
    CREDENTIAL_TYPES,
    MEDIA_TYPES,
    Kind,
    carries_credentials,
    extension_differs,
    kind_of,
    sniff,
)

SVG_NS = 'xmlns="http://www.w3.org/2000/svg"'


def pillow(form: str) -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (8, 6), (200, 30, 30)).save(target, form)
    return target.getvalue()


def ftyp(major: str, *compatible: str) -> bytes:
    brands = b"".join(brand.encode() for brand in compatible)
    return struct.pack(">I4s4sI", 16 + len(brands), b"ftyp", major.encode(), 0) + brands + b"\0\0\0\x08free"


def tiff(order: str, *entries: tuple[int, int, int, int]) -> bytes:
    mark = b"II*\0" if order == "<" else b"MM\0*"
    table = b"".join(struct.pack(order + "HHII", *entry) for entry in entries)
    return mark + struct.pack(order + "IH", 8, len(entries)) + table + bytes(4) + b"NIKON CORPORATION\0SONY\0"


MP3_FRAME = bytes.fromhex("fffb9064") + bytes(413)  # MPEG 1 layer III, 128 kbit/s, 44.1 kHz: 417 bytes


@pytest.mark.parametrize(
    ("head", "media_type"),
    [
        (pillow("JPEG"), "image/jpeg"),
        (pillow("PNG"), "image/png"),
        (pillow("GIF"), "image/gif"),
        (pillow("WEBP"), "image/webp"),
        (pillow("TIFF"), "image/tiff"),
        (pillow("AVIF"), "image/avif"),
        (pillow("PDF"), "application/pdf"),
        (ftyp("heic", "mif1", "heic"), "image/heic"),
        (ftyp("mif1", "heic", "mif1"), "image/heic"),
        (ftyp("mif1", "avif", "miaf"), "image/avif"),
        (ftyp("mif1", "miaf"), "image/heif"),
        (ftyp("isom", "iso2", "avc1", "mp41"), "video/mp4"),
        (ftyp("xxxx", "mp42"), "video/mp4"),
        (ftyp("qt  "), "video/quicktime"),
        (ftyp("M4A ", "mp42", "isom"), "audio/mp4"),
        (b"\0\0\x10\0moov" + bytes(16), "video/quicktime"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "image/jxl"),
        (b"\xff\x0a\x00\x00", "image/jxl"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "audio/wav"),
        (b"RIFF\x24\0\0\0AVI LIST", "video/x-msvideo"),
        (b"fLaC\0\0\0\x22", "audio/flac"),
        (MP3_FRAME * 2, "audio/mpeg"),
        (b"ID3\x04\0\0\0\0\0\x04" + bytes(4) + MP3_FRAME, "audio/mpeg"),
        (b"ID3\x04\0\0\0\0\0\x04" + bytes(4) + b"fLaC\0\0\0\x22", "audio/flac"),
        (b"ID3\x04\0\0\0\x7f\x7f\x7f" + bytes(64), "audio/mpeg"),
        (b"\x1a\x45\xdf\xa3\x9f\x42\x82\x84webm", "video/webm"),
        (b"\x1a\x45\xdf\xa3\x9f\x42\x82\x88matroska", "video/x-matroska"),
        (b"OggS\0\x02" + bytes(22) + b"OpusHead", "audio/ogg"),
        (b"OggS\0\x02" + bytes(22) + b"\x80theora", "video/ogg"),
        (tiff("<", (50706, 1, 4, 0x01040000)), "image/x-adobe-dng"),
        (tiff("<", (254, 4, 1, 1), (271, 2, 18, 50), (330, 4, 1, 999)), "image/x-nikon-nef"),
        (tiff("<", (254, 4, 1, 1), (271, 2, 5, 68), (330, 4, 1, 999)), "image/x-sony-arw"),
        (tiff("<", (271, 2, 18, 26)), "image/tiff"),
        (b"MM\0+\0\x08\0\0" + bytes(16), "image/tiff"),
        (f"<svg {SVG_NS}/>".encode(), "image/svg+xml"),
        (b'\xef\xbb\xbf \n<?xml version="1.0"?>\n<!-- a\n> b --><svg width="1">', "image/svg+xml"),
        (f"<s:svg xmlns:s='x'>{SVG_NS}".encode(), "image/svg+xml"),
        (b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a "b">]><svg>', "image/svg+xml"),
        (b"\xff\xfe" + "<svg />".encode("utf-16-le"), "image/svg+xml"),
    ],
)
def test_recognises(head: bytes, media_type: str) -> None:
    assert sniff(head) == media_type


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"hello",
        b"ffconcat version 1.0\nfile 'secret.mp4'\n",
        b"v=0\no=- 0 0 IN IP4 127.0.0.1\n",
        b"#EXTM3U\n#EXT-X-VERSION:3\nhttp://127.0.0.1/\n",
        b"<html><body><svg></svg></body></html>",
        b"<!DOCTYPE html><svg>",
        b"<!DOCTYPE html>\n<html><svg>",
        b"<!-- <svg> --><p>",
        b"<!-- never closed <svg>",
        b"<?php echo 1;",
        b"<svgx>",
        b"<script>alert(1)</script>",
        b"textmoov and more text",
        b"\x7fELF\x02\x01\x01" + bytes(32),
        b"PK\x03\x04" + bytes(32),
        b"BM" + bytes(60),
        b"\x1f\x8b\x08" + bytes(32),
        b"RIFF\0\0\0\0ACON" + bytes(8),
        b"\xff\xfb\x90\x64" + bytes(500),  # one frame of sound is no proof
        ftyp("crx ", "isox"),
        b"\x1a\x45\xdf\xa3" + bytes(64),
    ],
)
def test_does_not_take_for_media(head: bytes) -> None:
    assert sniff(head) is None


def test_doctype_of_html_never_becomes_svg() -> None:
    assert sniff(b"<!DOCTYPE html><html>" + b" " * 5000 + f"<svg {SVG_NS}>".encode()) is None


@given(st.binary(max_size=400))
def test_any_bytes_have_a_known_type_or_none(head: bytes) -> None:
    assert sniff(head) in MEDIA_TYPES | {None}


@given(st.sampled_from([pillow("TIFF"), ftyp("isom", "mp42"), MP3_FRAME * 2, b"<svg >"]), st.data())
def test_mutated_heads_never_raise(head: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, min(len(head), 64) - 1))
    mutated = head[:at] + data.draw(st.binary(max_size=6)) + head[at + 1 :]
    assert sniff(mutated) in MEDIA_TYPES | {None}


def test_the_engine_reads_every_type_that_is_said_to_carry_credentials() -> None:
    assert set(c2pa.Reader.get_supported_mime_types()) >= CREDENTIAL_TYPES


def test_no_container_of_the_engine_is_overlooked() -> None:
    """A new container of the engine must be decided on, not missed."""
    spelled_otherwise = {
        *("application/mp4", "application/svg+xml", "audio/mp3", "audio/mpeg3", "audio/x-mp3", "audio/vnd.wave"),
        *("audio/wave", "audio/x-wav", "image/dng", "image/x-webp", "video/avi", "video/msvideo", "video/x-m4v"),
        "application/x-troff-msvideo",
    }
    stores = {"application/c2pa", "application/x-c2pa-manifest-store"}
    names = {name for name in c2pa.Reader.get_supported_mime_types() if "/" in name}
    archives = {name for name in names if name.startswith("application/")} - {"application/pdf", *spelled_otherwise}
    assert names - archives - stores - spelled_otherwise == CREDENTIAL_TYPES
    assert archives - stores == {
        name for name in archives if any(word in name for word in ("office", "open", "epub", "zip", "oxps", "ms-"))
    }


def test_kinds_and_credentials() -> None:
    assert [kind_of(name) for name in ("image/png", "video/mp4", "audio/wav", "application/pdf")] == list(Kind)
    assert carries_credentials("audio/flac")
    assert not carries_credentials("video/webm")


@pytest.mark.parametrize(
    ("name", "media_type", "differs"),
    [
        ("a.jpg", "image/jpeg", False),
        ("a.JPEG", "image/jpeg", False),
        ("a.jpg", "image/png", True),
        ("a.heic", "image/heif", False),
        ("a.mp4", "audio/mp4", False),
        ("a.mp4", "video/quicktime", True),
        ("a.png.webp", "image/webp", False),
        ("a", "image/png", False),
        ("a.backup", "image/png", False),
        ("jpg", "image/png", False),
        (None, "image/png", False),
    ],
)
def test_extension(name: str | None, media_type: str, differs: bool) -> None:
    assert extension_differs(name, media_type) is differs
