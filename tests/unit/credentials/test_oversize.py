# SPDX-License-Identifier: Apache-2.0
"""A store blown up beyond all measure: a hostile file must not choose what is said of it, nor how long that takes."""

import json
import struct
import time
import zlib
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from waarmerk.provenance.credentials import cbor
from waarmerk.provenance.credentials.container import Embedded
from waarmerk.provenance.credentials.oversize import MAX_ACTIONS, is_altered, is_too_large
from waarmerk.provenance.model import AssetFacts, Credential, CredentialState, Integrity, Report
from waarmerk.provenance.report.document import to_dict
from waarmerk.provenance.trust import TrustStore

Rewritten = Callable[[bytes], Credential]
Boxes = list[tuple[bytes, Any]]


def value(found: Any) -> bytes:
    if isinstance(found, str):
        return cbor.encode_text(found)
    if isinstance(found, list):
        return cbor.encode_array([value(each) for each in found])
    return bytes((0xA0 | len(found),)) + b"".join(value(key) + value(each) for key, each in found.items())


def parsed(data: bytes) -> Boxes:
    found: Boxes = []
    while data:
        size, name = struct.unpack(">I4s", data[:8])
        found.append((name, parsed(data[8:size]) if name == b"jumb" else data[8:size]))
        data = data[size:]
    return found


def written(boxes: Boxes) -> bytes:
    parts = [(name, written(inner) if isinstance(inner, list) else inner) for name, inner in boxes]
    return b"".join(struct.pack(">I4s", 8 + len(body), name) + body for name, body in parts)


def replaced(boxes: Boxes, label: bytes, content: bytes) -> Boxes:
    found: Boxes = []
    for name, inner in boxes:
        if isinstance(inner, list):
            is_it = inner[0][1][17:].partition(b"\0")[0] == label
            inner = [inner[0], (b"cbor", content)] if is_it else replaced(inner, label, content)  # noqa: PLW2901
        found.append((name, inner))
    return found


def chunks(png: bytes) -> list[tuple[bytes, bytes]]:
    found, at = [], 8
    while at < len(png):
        size, name = struct.unpack(">I4s", png[at : at + 8])
        found.append((name, png[at + 8 : at + 8 + size]))
        at += 12 + size
    return found


@pytest.fixture(scope="module")
def signed(kit: Any, desk: Any) -> bytes:
    stream = BytesIO()
    Image.new("RGB", (16, 16)).save(stream, "PNG")
    data: bytes = kit.sign(stream.getvalue(), desk, kit.created(), media_type="image/png")
    return data


@pytest.fixture
def rewritten(signed: bytes, kit: Any, root: Any, stored: Callable[..., TrustStore]) -> Rewritten:
    """The signed picture with other actions put in the place of its own, as it is read."""

    def run(actions: bytes) -> Credential:
        parts = [
            (n, written(replaced(parsed(d), b"c2pa.actions.v2", actions)) if n == b"caBX" else d)
            for n, d in chunks(signed)
        ]
        data = signed[:8] + b"".join(
            struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in parts
        )
        reader = kit.CredentialReader(stored({"user.pem": root.pem}), at=kit.NOW)
        found: Credential = reader.read(kit.asset_of(data, "image/png"))
        reader.manifests(kit.asset_of(data, "image/png"))
        return found

    return run


@pytest.mark.parametrize("count", [MAX_ACTIONS + 1, 100_000])
def test_an_altered_file_says_so_however_many_actions_are_put_into_it(rewritten: Rewritten, count: int) -> None:
    actions = value({"actions": [{"action": "c2pa.edited", "when": "2026-11-14T09:12:41Z"}] * count})
    start = time.perf_counter()
    found = rewritten(actions)
    assert time.perf_counter() - start < 10, "the engine alone takes half a minute"
    assert (found.state, found.integrity) == (CredentialState.EMBEDDED, Integrity.ALTERED)
    assert "credentials.limit" in {finding.code for finding in found.concerns}


def test_long_texts_leave_room_for_the_report(rewritten: Rewritten) -> None:
    one = {"action": "c2pa.edited", "softwareAgent": {"name": "\x7f" * 60_000}, "when": "\x1b" * 60_000}
    others = [{"action": f"\x1b{number}" * 50, "digitalSourceType": f"\x1b{number}" * 99} for number in range(8_000)]
    found = rewritten(value({"actions": [one] * 60 + others}))
    assert found.integrity is Integrity.ALTERED
    assert len(found.actions) == 500
    assert len(found.source_types) <= 64
    asset = AssetFacts(name="a.png")
    document = to_dict(Report(at="2026-11-21T12:00:00Z", asset=asset, credential=found), tool_version="0")
    assert len(json.dumps(document)) < 8 << 20


def test_a_store_of_common_size_is_measured_and_found_small(signed: bytes) -> None:
    (data,) = (data for name, data in chunks(signed) if name == b"caBX")
    store = (Embedded(data, 0, len(data)),)
    assert not is_too_large(store)
    assert not is_altered(store), "every hash that the claim states holds"
    other = replaced(parsed(data), b"c2pa.actions.v2", value({"actions": []}))
    assert is_altered((Embedded(written(other), 0, 1),))


@pytest.mark.parametrize("data", [b"", b"nonsense" * 20_000, b"\0\0\0\0jumb" + bytes(70_000)])
def test_what_is_no_store_is_left_to_the_engine(data: bytes) -> None:
    store = (Embedded(data, 0, len(data)),)
    assert not is_too_large(store)
    assert not is_altered(store)
