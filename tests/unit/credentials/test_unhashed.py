# SPDX-License-Identifier: Apache-2.0
"""Bytes that anyone may change: counted, and said where they are."""

import io
import struct
from typing import Any

import pytest

from waarmerk.provenance.credentials import cbor
from waarmerk.provenance.credentials.cose import OwnView
from waarmerk.provenance.credentials.jumbf import Superbox
from waarmerk.provenance.credentials.status import Status
from waarmerk.provenance.credentials.unhashed import count
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.window import Window

DATA = (Status("assertion.dataHash.additionalExclusionsPresent", "informational"),)
BMFF = (Status("assertion.bmffHash.additionalExclusionsPresent", "informational"),)


def text(value: str) -> bytes:
    return cbor.encode_text(value)


def number(value: int) -> bytes:
    return b"\x1a" + value.to_bytes(4, "big")


def pairs(*items: tuple[str, bytes]) -> bytes:
    return bytes((0xA0 | len(items),)) + b"".join(text(key) + value for key, value in items)


def view(label: str, exclusions: list[bytes]) -> OwnView:
    assertion = pairs(("exclusions", cbor.encode_array(exclusions)))
    inner = Superbox(bytes(16), label, (), ((b"cbor", assertion),))
    return OwnView(
        claim=b"", signature=None, assertions=Superbox(bytes(16), "c2pa.assertions", (inner,), ()), start=100, end=200
    )


def span(start: int, length: int) -> bytes:
    return pairs(("start", number(start)), ("length", number(length)))


def box(kind: bytes, payload: bytes) -> bytes:
    return struct.pack(">I", 8 + len(payload)) + kind + payload


def counted(data: bytes, media_type: str, own: OwnView | None, entries: Any) -> tuple[int, list[tuple[str, str]]]:
    total, concerns = count(Window(io.BytesIO(data), len(data)), media_type, own, entries, Limits())
    return total, [(finding.code, finding.about) for finding in concerns]


@pytest.mark.parametrize(
    ("exclusions", "total"),
    [
        ([span(100, 100)], 0),
        ([span(100, 100), span(300, 40)], 40),
        ([span(50, 200)], 100),
        ([span(900, 4_000_000)], 100),
        ([span(5_000, 10)], 0),
        ([text("nonsense"), number(4)], 0),
    ],
)
def test_ranges_beside_the_manifest(exclusions: list[bytes], total: int) -> None:
    found = counted(bytes(1000), "image/jpeg", view("c2pa.hash.data", exclusions), DATA)
    assert found == (total, [("credentials.extra-exclusions", str(total))])


def test_where_the_engine_reports_none_nothing_is_summed() -> None:
    assert counted(bytes(1000), "image/jpeg", view("c2pa.hash.data", [span(300, 40)]), ()) == (0, [])
    assert counted(bytes(1000), "image/jpeg", None, DATA) == (0, [("credentials.extra-exclusions", "")])


FILM = (
    box(b"ftyp", b"isom\0\0\0\0")
    + box(b"moov", box(b"udta", bytes(30)) + box(b"udta", bytes(12)))
    + box(b"mdat", bytes(64))
)


def test_boxes_that_everybody_excludes_are_no_news() -> None:
    condition = ("data", cbor.encode_array([pairs(("offset", number(8)), ("value", cbor.encode_bytes(bytes(16))))]))
    usual = [
        pairs(("xpath", text("/uuid")), condition),
        pairs(("xpath", text("/ftyp"))),
        pairs(("xpath", text("/meta/iloc"))),
    ]
    assert counted(FILM, "video/mp4", view("c2pa.hash.bmff.v3", usual), BMFF) == (0, [])


@pytest.mark.parametrize(
    ("path", "total"),
    [("/mdat", 64), ("/moov/udta", 42), ("/moov/udta[1]", 42), ("/uuid", 0), ("/none/at/all", 0), ("", 0)],
)
def test_boxes_that_only_this_signer_excludes(path: str, total: int) -> None:
    found = counted(FILM, "video/mp4", view("c2pa.hash.bmff.v2", [pairs(("xpath", text(path)))]), BMFF)
    assert found == (total, [("credentials.extra-exclusions", path)])


def test_a_second_brand_box_and_a_filled_free_box_are_counted() -> None:
    total, concerns = counted(FILM + box(b"free", b"PK" * 50) + box(b"ftyp", bytes(16)), "video/mp4", None, ())
    assert total == 116
    assert {about for _, about in concerns} == {"free", "ftyp"}
