# SPDX-License-Identifier: Apache-2.0
"""Bytes that anyone may change: counted, and said where they are."""

import io
import struct
from pathlib import Path
from typing import Any

import pytest

from waarmerk.provenance.credentials import cbor
from waarmerk.provenance.credentials.cose import OwnView
from waarmerk.provenance.credentials.jumbf import Superbox
from waarmerk.provenance.credentials.status import Status
from waarmerk.provenance.credentials.unhashed import count
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.window import Window
from waarmerk.provenance.sources.credentials import evidence_of
from waarmerk.provenance.verdict import weigh

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
    found = count(Window(io.BytesIO(data), len(data)), media_type, own, entries, Limits())
    return found.total, [(finding.code, finding.about) for finding in found.concerns]


def barred(data: bytes, media_type: str, own: OwnView | None, entries: Any) -> set[str]:
    found = count(Window(io.BytesIO(data), len(data)), media_type, own, entries, Limits())
    return {finding.code for finding in found.bars}


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


@pytest.mark.parametrize(
    ("more", "bars"),
    [
        (b"", set()),
        (box(b"free", b""), set()),
        (box(b"free", bytes(4_000)), set()),  # padding: a writer left room, nobody has used it
        (box(b"free", b"PK" * 50), {"capture.unhashed-bytes"}),
        (box(b"skip", bytes(100) + b"x"), {"capture.unhashed-bytes"}),
        (box(b"ftyp", b"isom"), {"capture.unhashed-bytes"}),
    ],
)
def test_bytes_of_somebodys_choice_are_a_bar(more: bytes, bars: set[str]) -> None:
    assert barred(FILM + more, "video/mp4", None, ()) == bars


def test_only_metadata_may_stand_outside_the_protection() -> None:
    exif = b"\xff\xd8\xff\xe1" + struct.pack(">H", 42) + bytes(40)
    data = exif + b"\xff\xda" + bytes(1000)
    for exclusions, bars in (
        ([span(100, 100), span(2, 44)], set()),
        ([span(100, 100), span(6, 20)], set()),
        ([span(100, 100), span(2, 45)], {"capture.extra-exclusions"}),
        ([span(100, 100), span(300, 4)], {"capture.extra-exclusions"}),
    ):
        assert barred(data, "image/jpeg", view("c2pa.hash.data", exclusions), DATA) == bars
    assert barred(data, "image/jpeg", None, DATA) == {"capture.extra-exclusions"}, "which ones is not known"
    assert barred(FILM, "video/mp4", view("c2pa.hash.bmff.v3", [pairs(("xpath", text("/mdat")))]), BMFF)


def test_a_film_with_bytes_beside_the_signature_is_no_authentic_capture(
    kit: Any, desk: Any, root: Any, stored: Any
) -> None:
    film = (Path(__file__).parents[3] / "samples" / "media" / "clip.mp4").read_bytes()
    signed = kit.sign(film, desk, kit.created(), media_type="video/mp4")
    reader = kit.CredentialReader(stored({"user.pem": root.pem}), at=kit.NOW)
    verdicts = [
        weigh(evidence_of(reader.read(kit.asset_of(data, "video/mp4"))))
        for data in (signed, signed + box(b"free", bytes(1000)), signed + box(b"free", b"x" * 1000))
    ]
    assert [each.authentic_capture for each in verdicts] == [True, True, False]
    assert {"credentials.unhashed-bytes", "capture.unhashed-bytes"} <= {each.code for each in verdicts[2].concerns}
