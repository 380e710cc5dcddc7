# SPDX-License-Identifier: Apache-2.0
"""A certificate on the denylist is revoked, whatever list its issuer stands on."""

import json
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509

from waarmerk.provenance.credentials import CredentialReader
from waarmerk.provenance.model import Assurance, Integrity, SignerStatus
from waarmerk.provenance.sources.credentials import assurance_of


def denylist(entry: dict[str, Any]) -> bytes:
    stated = {"reason": "false captures", "source": "https://example.org/notice", **entry}
    return json.dumps({"format": "waarmerk.denylist/1", "issued": "2026-11-20T08:00:00Z", "entries": [stated]}).encode()


def by_number(certificate: x509.Certificate) -> dict[str, Any]:
    return {"issuer": certificate.issuer.rfc4514_string(), "serial": f"{certificate.serial_number:x}"}


def by_key(certificate: x509.Certificate) -> dict[str, Any]:
    return {"ski": x509.SubjectKeyIdentifier.from_public_key(certificate.public_key()).digest.hex()}


@pytest.mark.parametrize("how", ["leaf by number", "leaf by key", "issuer by number", "issuer by key", "window"])
def test_a_denied_signer_is_revoked(kit: Any, root: Any, desk: Any, stored: Any, how: str) -> None:
    leaf, issuer = desk.chain
    entry = {
        "leaf by number": by_number(leaf),
        "leaf by key": by_key(leaf),
        "issuer by number": by_number(issuer),
        "issuer by key": by_key(issuer),
        "window": {**by_number(leaf), "until": (kit.NOW - timedelta(days=900)).isoformat()},
    }[how]
    trust = stored({"user.pem": root.pem, "denylist.json": denylist(entry)})
    found = CredentialReader(trust, at=kit.NOW).read(kit.asset_of(kit.sign(kit.jpeg(), desk, kit.created())))
    assert found.integrity is Integrity.INTACT
    assert found.signer.status is SignerStatus.REVOKED, "without a time anybody vouches for, no window is escaped"
    assert found.signer.list is None
    assert not found.signer.verified_name
    assert assurance_of(found) is Assurance.INVALID
    told = {finding.code: finding.about for finding in found.concerns}
    assert told["signer.denied"] == "false captures (https://example.org/notice)"
    assert "signer.revoked" in told
    document = CredentialReader(trust, at=kit.NOW).crjson(kit.asset_of(kit.sign(kit.jpeg(), desk, kit.created())))
    failed = {each["code"] for each in document["manifests"][0]["validationResults"]["failure"]}
    assert "signingCredential.ocsp.revoked" in failed


def test_others_under_the_same_root_stay_trusted(kit: Any, root: Any, desk: Any, stored: Any) -> None:
    trust = stored({"user.pem": root.pem, "denylist.json": denylist(by_number(desk.chain[0]))})
    reader = CredentialReader(trust, at=kit.NOW)
    other = root.issue("Other Desk")
    found = reader.read(kit.asset_of(kit.sign(kit.jpeg(), other, kit.created())))
    assert found.signer.status is SignerStatus.USER
    assert "signer.denied" not in {finding.code for finding in found.concerns}


def test_a_signature_that_does_not_hold_denies_nobody(kit: Any, root: Any, desk: Any, stored: Any) -> None:
    """Anyone can put somebody's certificate beside a signature of no worth; that says nothing of its owner."""
    signed = bytearray(kit.sign(kit.jpeg(), desk, kit.created()))
    place = signed.find(b"digitalCapture")
    signed[place] ^= 1
    trust = stored({"user.pem": root.pem, "denylist.json": denylist(by_number(desk.chain[0]))})
    found = CredentialReader(trust, at=kit.NOW).read(kit.asset_of(bytes(signed)))
    assert found.integrity is Integrity.ALTERED
    assert found.signer.status in (SignerStatus.REVOKED, SignerStatus.UNKNOWN)
