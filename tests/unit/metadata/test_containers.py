# SPDX-License-Identifier: Apache-2.0
"""The same declaration is found in every container that can hold it."""

import io
import struct
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from waarmerk.provenance.media import Limits, asset_from_bytes
from waarmerk.provenance.metadata import CODES, read
from waarmerk.provenance.model import Declarations, Finding

TRAINED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
    f'Iptc4xmpExt:DigitalSourceType="{TRAINED}"/></rdf:RDF></x:xmpmeta>'
).encode()
LIMITS = Limits()


def declared(data: bytes, limits: Limits = LIMITS) -> Declarations:
    return read(asset_from_bytes(data, name=None, limits=LIMITS), limits)


def picture(form: str, **options: Any) -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (16, 12), (40, 80, 120)).save(target, form, **options)
    return target.getvalue()


def box(name: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), name) + body


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(*chunks: bytes) -> bytes:
    plain = picture("PNG")
    return plain[:33] + b"".join(chunks) + plain[33:]


def jpeg(*segments: tuple[int, bytes]) -> bytes:
    plain = picture("JPEG")
    return (
        plain[:2]
        + b"".join(struct.pack(">BBH", 255, mark, 2 + len(body)) + body for mark, body in segments)
        + plain[2:]
    )


FTYP = box(b"ftyp", b"isom", bytes(4), b"isommp42")
UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")


def gif_with_xmp() -> bytes:
    tail = b"\x01" + bytes(range(255, -1, -1)) + b"\x00"
    plain = picture("GIF")
    return plain[:-1] + b"\x21\xff\x0bXMP DataXMP" + XMP + tail + b"\x3b"


FILES = {
    "jpeg": picture("JPEG", xmp=XMP),
    "png": png(chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP)),
    "png, packed": png(chunk(b"iTXt", b"XML:com.adobe.xmp\0\x01\0\0\0" + zlib.compress(XMP))),
    "webp": picture("WEBP", xmp=XMP),
    "tiff": picture("TIFF", tiffinfo={700: XMP}),
    "gif": gif_with_xmp(),
    "avif": picture("AVIF", xmp=XMP),
    "mp4, uuid": FTYP + box(b"uuid", UUID, XMP) + box(b"moov"),
    "mov, user data": FTYP + box(b"moov", box(b"udta", box(b"XMP_", XMP))),
    "wav": b"RIFF\xff\xff\0\0WAVE_PMX" + struct.pack("<I", len(XMP)) + XMP,
    "jxl": b"\0\0\0\x0cJXL \r\n\x87\n" + box(b"xml ", XMP),
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><metadata>' + XMP + b"</metadata></svg>",
    "pdf": b"%PDF-1.7\n1 0 obj <</Type/Metadata>> stream\n" + XMP + b"\nendstream",
}


@pytest.mark.parametrize("form", FILES)
def test_a_source_type_is_found_in(form: str) -> None:
    found = declared(FILES[form])
    assert found.source_types == (TRAINED,)
    assert "xmp" in found.containers
    assert found.findings == ()


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "GIF"])
def test_a_plain_file_declares_nothing(form: str) -> None:
    assert declared(picture(form)) == Declarations()


@pytest.mark.parametrize(
    "data",
    [b"\x1a\x45\xdf\xa3\x93\x42\x82\x84webm" + bytes(40), b"\x1a\x45\xdf\xa3\x93\x42\x82\x88matroska" + bytes(40)],
)
def test_a_container_that_is_not_read_is_said_to_be_so(data: bytes) -> None:
    (finding,) = declared(data).findings
    assert finding.code == "metadata.unsupported"


@pytest.mark.parametrize("form", ["jpeg", "png", "webp", "tiff", "avif"])
def test_every_cut_is_survived(form: str) -> None:
    data = FILES[form]
    for end in range(40, len(data), 7):
        assert {finding.code for finding in declared(data[:end]).findings} <= CODES


def test_a_cut_file_is_said_to_be_cut() -> None:
    data = FILES["jpeg"]
    assert declared(data[: len(XMP)]).findings == (Finding("metadata.truncated", "image/jpeg"),)


@settings(max_examples=250, deadline=None)
@given(st.sampled_from(sorted(FILES)), st.data())
def test_mutated_files_never_raise(form: str, data: st.DataObject) -> None:
    good = FILES[form]
    at = data.draw(st.integers(12, len(good) - 1))
    bad = good[:at] + data.draw(st.binary(max_size=8)) + good[at + data.draw(st.integers(0, 6)) :]
    found = declared(bad)
    assert {finding.code for finding in found.findings} <= CODES


def extended(length: int, *pieces: tuple[int, bytes], name: bytes = b"A" * 32) -> list[tuple[int, bytes]]:
    head = b"http://ns.adobe.com/xmp/extension/\0"
    return [(0xE1, head + name + struct.pack(">II", length, offset) + piece) for offset, piece in pieces]


MAIN = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description xmlns:xmpNote="http://ns.adobe.com/xmp/note/" '
    f'xmpNote:HasExtendedXMP="{"A" * 32}"/></rdf:RDF></x:xmpmeta>'
).encode()
MAIN_SEGMENT = (0xE1, b"http://ns.adobe.com/xap/1.0/\0" + MAIN)


def test_an_extended_packet_is_put_together() -> None:
    pieces = extended(len(XMP), (0, XMP[:100]), (100, XMP[100:]))
    assert declared(jpeg(MAIN_SEGMENT, *pieces)).source_types == (TRAINED,)


@pytest.mark.parametrize(
    ("pieces", "code"),
    [
        (extended(len(XMP), (0, XMP[:100])), "metadata.unreadable"),
        (extended(len(XMP), (50, XMP)), "metadata.unreadable"),
        (extended(len(XMP), (0, XMP), name=b"B" * 32), "metadata.unreadable"),
        (extended(2**32 - 1, (0, XMP)), "metadata.too-large"),
    ],
)
def test_an_extended_packet_that_does_not_fit_together(pieces: list[tuple[int, bytes]], code: str) -> None:
    found = declared(jpeg(MAIN_SEGMENT, *pieces))
    assert found.source_types == ()
    assert found.findings == (Finding(code, "xmp"),)


def test_a_packet_larger_than_the_limit_is_not_read() -> None:
    assert declared(FILES["webp"], Limits(xmp_bytes=100)).findings == (Finding("metadata.too-large", "xmp"),)


def test_keyed_tags_of_a_movie() -> None:
    names = [b"AIGC", b"com.apple.quicktime.software", b"com.apple.quicktime.model"]
    keys = box(b"keys", bytes(8), *(box(b"mdta", name) for name in names))
    texts = [b'{"Label":"1"}', b"Midjourney", b"iPhone 17"]
    entries = [
        struct.pack(">II", 8 + len(data), number) + data
        for number, data in enumerate((box(b"data", bytes(8), text) for text in texts), 1)
    ]
    found = declared(FTYP + box(b"moov", box(b"meta", keys, box(b"ilst", *entries))))
    assert found.aigc_label == "1"
    assert [hint.tool for hint in found.hints] == ["Midjourney"]
    assert (found.software, found.camera, found.containers) == ("Midjourney", "iPhone 17", ("tags",))


def test_image_items_without_bytes_in_the_table_end() -> None:
    """``iloc`` with all sizes zero: 65,535 extents an item and no byte of the table used for them."""
    items = b"".join(struct.pack(">HHH", number, 0, 65535) for number in range(4000))
    meta = box(
        b"meta", bytes(4), box(b"iinf", bytes(6)), box(b"iloc", bytes(4), b"\0\0", struct.pack(">H", 4000), items)
    )
    found = declared(box(b"ftyp", b"avif", bytes(4), b"avif") + meta)
    assert found.findings == (Finding("metadata.truncated", "image/avif"),)
