# SPDX-License-Identifier: Apache-2.0
"""CBOR, JUMBF and containers: bounded, strict, and quiet about hostile bytes."""

import contextlib
import io
import random
import struct
from typing import Any

import pytest

from waarmerk.provenance.credentials import cbor
from waarmerk.provenance.credentials.container import BMFF_UUID, find_stores, remote_address, shows_store
from waarmerk.provenance.credentials.cose import claims_of, parse_signature, view_of
from waarmerk.provenance.credentials.jumbf import STORE_UUID, JumbfError, parse_store
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.window import Window


@pytest.mark.parametrize(
    ("data", "value"),
    [
        ("00", 0),
        ("1903e8", 1000),
        ("3863", -100),
        ("f93c00", 1.0),
        ("f5", True),
        ("f6", None),
        ("43010203", b"\1\2\3"),
        ("6449455446", "IETF"),
        ("83010203", [1, 2, 3]),
        ("a201020304", {1: 2, 3: 4}),
        ("9f0102ff", [1, 2]),
        ("bf6161 01ff", {"a": 1}),
        ("5f42010243030405ff", b"\1\2\3\4\5"),
        ("c11a514b67b0", 1363896240),
        ("d2846040f640", ["", b"", None, b""]),
    ],
)
def test_cbor_of_the_standard(data: str, value: Any) -> None:
    assert cbor.decode(bytes.fromhex(data)) == value


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00\x00",
        b"\x5b\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x81" * 800 + b"\x00",
        b"\xd8\x20" * 800 + b"\x00",
        b"\x9f" * 200_001,
        b"\xa2\x01\x02\x01\x03",
        b"\xa1\x80\x01",
        b"\xff",
        b"\x82\x01\xff",
        b"\xa1\x01\xff",
        b"\x1f",
        b"\xdf",
        b"\x1c",
        b"\xf8\x63",
        b"\x62\xff\xfe",
        b"\x5f\x61\x61\xff",
        b"\x5f\x5f\xff\xff",
    ],
)
def test_cbor_that_is_none_costs_nothing(data: bytes) -> None:
    with pytest.raises(cbor.CborError):
        cbor.decode(data)


@pytest.mark.parametrize("size", [0, 23, 24, 255, 256, 65_536])
def test_encoded_bytes_are_read_back(size: int) -> None:
    assert cbor.decode(cbor.encode_array([cbor.encode_bytes(bytes(size)), cbor.encode_text("é")])) == [bytes(size), "é"]


def test_random_bytes_raise_nothing_else() -> None:
    source = random.Random(1)
    for _ in range(3_000):
        data = source.randbytes(source.randrange(40))
        with contextlib.suppress(cbor.CborError):
            cbor.decode(data)
        assert parse_signature(data, b"") is None


def box(kind: bytes, payload: bytes) -> bytes:
    return struct.pack(">I", 8 + len(payload)) + kind + payload


def superbox(label: str, *parts: bytes, uuid: bytes = bytes(16)) -> bytes:
    return box(b"jumb", box(b"jumd", uuid + b"\x03" + label.encode() + b"\0") + b"".join(parts))


def store(*manifests: bytes) -> bytes:
    return superbox("c2pa", *manifests, uuid=STORE_UUID)


MANIFEST = superbox("urn:a", superbox("c2pa.claim", box(b"cbor", b"\xa0")))


def test_a_store_and_its_manifests() -> None:
    parsed = parse_store(store(MANIFEST))
    assert [part.label for part in parsed.parts] == ["urn:a"]
    claim = parsed.parts[0].named("c2pa.claim")
    assert claim is not None
    assert claim.payload(b"cbor") == b"\xa0"
    assert parsed.parts[0].named("c2pa.signature") is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        box(b"jumb", b""),
        box(b"free", b""),
        MANIFEST,
        store(MANIFEST)[:-1],
        store(MANIFEST).replace(b"\0\0\0\x09cbor", b"\xff\xff\xff\xffcbor"),
        superbox("c2pa", box(b"cbor", b"")[:6], uuid=STORE_UUID),
        box(b"jumb", box(b"jumd", STORE_UUID + b"\x03c2pa")),
        box(b"jumb", box(b"jumd", STORE_UUID + b"\x03\xff\0")),
    ],
)
def test_a_store_that_cannot_be_read_whole_is_not_read(data: bytes) -> None:
    with pytest.raises(JumbfError):
        parse_store(data)


def test_nesting_is_bounded() -> None:
    deep = b""
    for _ in range(40):
        deep = superbox("x", deep)
    with pytest.raises(JumbfError):
        parse_store(store(deep))
    with pytest.raises(JumbfError):
        parse_store(store(box(b"free", b"") * 50_001))


def embedded(data: bytes, media_type: str) -> Any:
    return find_stores(Window(io.BytesIO(data), len(data)), media_type, Limits())


def test_what_is_ambiguous_is_not_read() -> None:
    """Two readers must not be made to look at two different manifests."""
    raw = store(MANIFEST)
    once, twice = embedded(raw, "application/pdf"), embedded(raw + raw, "application/pdf")
    assert view_of(once, "urn:a") is not None
    assert view_of(once, "urn:b") is None
    assert len(twice) == 2
    assert view_of(twice, "urn:a") is None
    repeated = embedded(store(MANIFEST, MANIFEST), "application/pdf")
    assert view_of(repeated, "urn:a") is None
    assert claims_of(repeated) == {}
    assert claims_of(once) == {"urn:a": b"\xa0"}


def test_a_store_inside_a_store_is_part_of_it() -> None:
    inner = superbox("urn:b", box(b"bidb", store(MANIFEST)))
    assert len(embedded(store(inner), "image/tiff")) == 1


def riff(payload: bytes, form: bytes = b"WEBP") -> bytes:
    body = form + b"C2PA" + struct.pack("<I", len(payload)) + payload + b"\0" * (len(payload) & 1)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def jpeg(payload: bytes, piece: int) -> bytes:
    head, rest = payload[:8], payload[8:]
    pieces = [rest[at : at + piece] for at in range(0, len(rest), piece)]
    segments = [b"JP\0\1" + struct.pack(">I", number + 1) + head + each for number, each in enumerate(pieces)]
    body = b"".join(b"\xff\xeb" + struct.pack(">H", len(each) + 2) + each for each in segments)
    return b"\xff\xd8" + body + b"\xff\xda\0\2\xff\xd9"


def gif(payload: bytes) -> bytes:
    blocks = b"".join(
        bytes((len(payload[at : at + 255]),)) + payload[at : at + 255] for at in range(0, len(payload), 255)
    )
    return b"GIF89a\1\0\1\0\0\0\0" + b"\x21\xff\x0bC2PA_GIF\1\0\0" + blocks + b"\0;"


def bmff(payload: bytes, purpose: bytes = b"manifest") -> bytes:
    return box(b"ftyp", b"isom\0\0\0\0") + box(b"uuid", BMFF_UUID + bytes(4) + purpose + b"\0" + bytes(8) + payload)


def svg(payload: bytes) -> bytes:
    import base64

    return b"<svg><metadata><c2pa:manifest>" + base64.b64encode(payload) + b"</c2pa:manifest></metadata></svg>"


STORE = store(superbox("urn:a", superbox("c2pa.claim", box(b"cbor", b"\x59\x01\x90" + bytes(400)))))
CONTAINERS = [
    ("image/jpeg", jpeg(STORE, 90)),
    ("image/webp", riff(STORE)),
    ("image/gif", gif(STORE)),
    ("video/mp4", bmff(STORE)),
    ("image/svg+xml", svg(STORE)),
    ("audio/flac", b"fLaC" + bytes(2_000_000) + STORE + bytes(99)),
]


@pytest.mark.parametrize(("media_type", "data"), CONTAINERS, ids=[each[0] for each in CONTAINERS])
def test_every_container_gives_the_store_back(media_type: str, data: bytes) -> None:
    (found,) = embedded(data, media_type)
    assert found.data == STORE
    assert 0 < found.start < found.end <= len(data)
    assert view_of((found,), "urn:a") is not None
    assert shows_store(Window(io.BytesIO(data), len(data)), media_type, Limits())


@pytest.mark.parametrize(("media_type", "data"), CONTAINERS, ids=[each[0] for each in CONTAINERS])
def test_cut_anywhere_nothing_is_raised(media_type: str, data: bytes) -> None:
    for size in range(0, min(len(data), 600), 7):
        for found in embedded(data[:size], media_type):
            view_of((found,), "urn:a")
        shows_store(Window(io.BytesIO(data[:size]), size), media_type, Limits())


def test_a_film_too_large_to_search_is_walked_by_its_boxes() -> None:
    data = bmff(STORE)[:-300]
    window, small = Window(io.BytesIO(data), len(data)), Limits(image_bytes=16)
    assert shows_store(window, "video/mp4", small)
    assert not shows_store(Window(io.BytesIO(box(b"ftyp", bytes(64))), 72), "video/mp4", small)


XMP = b"<x:xmpmeta><rdf:Description %s/></x:xmpmeta>"


@pytest.mark.parametrize(
    ("packet", "address"),
    [
        (XMP % b'dcterms:provenance="https://example.org/a?b=1&amp;c=2"', "https://example.org/a?b=1&c=2"),
        (XMP % b"dcterms:provenance = 'http://127.0.0.1/x'", "http://127.0.0.1/x"),
        (b"<dcterms:provenance> https://example.org/x </dcterms:provenance>", "https://example.org/x"),
        (XMP % b'dcterms:provenance="self#jumbf=/c2pa/urn:a"', None),
        (XMP % b'dcterms:provenance="file:///etc/passwd"', None),
        (b"the term dcterms:provenance is explained below", None),
        (b"dcterms:provenance", None),
    ],
)
def test_the_address_of_a_store_elsewhere(packet: bytes, address: str | None) -> None:
    data = bytes((1 << 20) - 9) + packet + bytes(50)
    assert remote_address(Window(io.BytesIO(data), len(data))) == address


@pytest.mark.parametrize("piece", [1, 10, 40, 1_000])
def test_a_store_cut_into_pieces_of_any_size_is_seen(piece: int) -> None:
    data = jpeg(bytes(range(32, 127)) * 20, piece)
    assert shows_store(Window(io.BytesIO(data), len(data)), "image/jpeg", Limits())
    renamed = data.replace(b"\xff\xeb", b"\xff\xec", 1)
    assert piece > 500 or shows_store(Window(io.BytesIO(renamed), len(renamed)), "image/jpeg", Limits())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"])
def test_a_picture_in_markup_shows_its_store_in_any_encoding(encoding: str) -> None:
    plain = "<svg xmlns='http://www.w3.org/2000/svg'><metadata>{}</metadata></svg>"
    for inner, seen in (
        ("<c2pa:manifest>AAAA</c2pa:manifest>", True),
        ("<manifest xmlns='http://c2pa.org/manifest'>AAAA</manifest>", True),
        ("<manifest/>", False),
    ):
        data = plain.format(inner).encode(encoding)
        assert shows_store(Window(io.BytesIO(data), len(data)), "image/svg+xml", Limits()) is seen


@pytest.mark.parametrize(
    ("media_type", "data"),
    [
        ("image/webp", riff(b"nothing of a store")),
        ("audio/mpeg", b"ID3\x04" + bytes(20) + b"GEOB\0application/x-c2pa-manifest-store\0"),
        ("image/jxl", box(b"JXL ", b"\r\n\x87\n") + box(b"brob", b"jumb" + bytes(9))),
    ],
)
def test_the_place_itself_is_a_trace_whatever_stands_in_it(media_type: str, data: bytes) -> None:
    assert shows_store(Window(io.BytesIO(data), len(data)), media_type, Limits())


def test_four_letters_in_a_picture_are_no_store() -> None:
    data = b"\xff\xd8" + b"caBX" * 9 + b"C2PA jumb jumd c2pa.claim"
    assert not shows_store(Window(io.BytesIO(data), len(data)), "image/jpeg", Limits())
