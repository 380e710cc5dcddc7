# SPDX-License-Identifier: Apache-2.0
"""No setting reaches the engine that was not meant to."""

import copy
from typing import Any

import pytest

from waarmerk.provenance.credentials.settings import anchor, settings, validated
from waarmerk.provenance.errors import ConfigurationError


def changed(section: str, key: str, value: Any) -> dict[str, Any]:
    document = copy.deepcopy(settings([]))
    document[section][key] = value
    return document


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("verify", "remote_manifest_fetch", True),
        ("verify", "ocsp_fetch", True),
        ("verify", "verify_trust", False),
        ("verify", "verify_trust", 1),
        ("core", "allowed_network_hosts", None),
        ("core", "allowed_network_hosts", ["c2pa.org"]),
        ("core", "allow_redirects", True),
        ("core", "decode_identity_assertions", "yes"),
        ("trust", "trust_anchor", "x"),
        ("trust", "anchors", [anchor("manifest", "a", "x"), anchor("manifest", "b", "x")]),
        ("trust", "anchors", [anchor("cawg", "a", "x")]),
        ("trust", "anchors", [{**anchor("tsa", "a", "x"), "anchor": "x"}]),
    ],
)
def test_what_must_not_be_changed_cannot_be(section: str, key: str, value: Any) -> None:
    with pytest.raises(ConfigurationError):
        validated(changed(section, key, value))


def test_a_misspelt_section_is_an_error() -> None:
    document = settings([])
    document["verfy"] = document.pop("verify")
    with pytest.raises(ConfigurationError):
        validated(document)


def test_the_engine_takes_what_we_give_it() -> None:
    import c2pa

    assert c2pa.Context.from_dict(settings([], identity=True)).is_valid
