# SPDX-License-Identifier: Apache-2.0
"""What a kept store tells of parts decides whether what is said of the whole holds for a crop."""

import json
from typing import Any

import pytest

from tests.unit.credentials.test_oversize import value
from tests.unit.credentials.test_structures import box, superbox
from waarmerk.provenance.credentials.composed import is_put_together
from waarmerk.provenance.credentials.jumbf import STORE_UUID

IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/"
MADE = {"action": "c2pa.created", "digitalSourceType": f"{IPTC}trainedAlgorithmicMedia"}


def store(*assertions: tuple[str, Any]) -> bytes:
    parts = [superbox(label, box(b"cbor", value(content))) for label, content in assertions]
    manifest = superbox("urn:c2pa:one", superbox("c2pa.assertions", *parts))
    return superbox("c2pa", manifest, uuid=STORE_UUID)


def actions(*listed: dict[str, str]) -> tuple[str, Any]:
    return "c2pa.actions.v2", {"actions": list(listed)}


@pytest.mark.parametrize(
    ("assertions", "expected"),
    [
        ((actions(MADE),), False),
        ((actions(MADE, {"action": "c2pa.cropped"}),), False),
        ((actions(MADE), ("c2pa.ingredient.v3", {"relationship": "parentOf"})), False),
        ((actions(MADE), ("c2pa.ingredient.v3", {"relationship": "componentOf"})), True),
        ((actions(MADE, {"action": "c2pa.placed"}),), True),
        ((actions({**MADE, "digitalSourceType": f"{IPTC}compositeWithTrainedAlgorithmicMedia"}),), True),
        ((actions(MADE), ("c2pa.actions__1", {"actions": [{"digitalSourceType": f"{IPTC}digitalCapture"}]})), True),
    ],
)
def test_a_part_that_was_put_in_is_told(assertions: tuple[tuple[str, Any], ...], expected: bool) -> None:
    assert is_put_together(store(*assertions)) is expected


def test_metadata_in_json_is_read_and_what_cannot_be_read_counts_as_put_together() -> None:
    text = json.dumps({"Iptc4xmpExt:DigitalSourceType": f"{IPTC}compositeSynthetic"}).encode()
    part = superbox("c2pa.metadata", box(b"json", text))
    manifest = superbox("urn:c2pa:one", superbox("c2pa.assertions", part))
    assert is_put_together(superbox("c2pa", manifest, uuid=STORE_UUID))
    for broken in (b"", store(actions(MADE))[:-4], superbox("c2pa", uuid=STORE_UUID)[:20]):
        assert is_put_together(broken)
    deep = superbox("c2pa.metadata", box(b"json", b"[" * 100_000))
    nested = superbox("urn:c2pa:one", superbox("c2pa.assertions", deep))
    assert is_put_together(superbox("c2pa", nested, uuid=STORE_UUID))
