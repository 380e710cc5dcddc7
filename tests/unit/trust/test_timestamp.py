# SPDX-License-Identifier: Apache-2.0
"""Time-stamp tokens: each thing that must hold, taken away one at a time."""

import random
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID

from waarmerk.provenance.trust import der
from waarmerk.provenance.trust.chain import Anchors
from waarmerk.provenance.trust.timestamp import parse_token, stamped_at

MESSAGE = b"what was signed"


def judged(data: bytes, *anchors: Any, message: bytes = MESSAGE) -> Any:
    token = parse_token(data)
    if token is None:
        return "unreadable"
    return stamped_at(token, message, Anchors.of(each.certificate for each in anchors))


def test_a_token_by_a_listed_authority_vouches_for_its_time(kit: Any, root: Any, authority: Any) -> None:
    assert judged(kit.token(MESSAGE, authority), root) == kit.T0 + timedelta(days=30)
    assert judged(kit.token(MESSAGE, authority, response=True), root) == kit.T0 + timedelta(days=30)
    assert judged(kit.token(MESSAGE, authority, by_key=True), root) == kit.T0 + timedelta(days=30)


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_other_keys(kit: Any, root: Any, kind: str) -> None:
    key = rsa.generate_private_key(65537, 2048) if kind == "rsa" else ed25519.Ed25519PrivateKey.generate()
    other = kit.issue("other", root, purposes=[kit.TIME_STAMPING], key=key)
    assert judged(kit.token(MESSAGE, other), root) is not None


def test_through_an_intermediate(kit: Any, root: Any) -> None:
    middle = kit.issue("middle", root, ca=True)
    below = kit.issue("below", middle, purposes=[kit.TIME_STAMPING])
    assert judged(kit.token(MESSAGE, below, chain=[middle]), root) is not None
    assert judged(kit.token(MESSAGE, below), root) is None


def test_what_must_hold(kit: Any, root: Any, authority: Any) -> None:
    good = kit.token(MESSAGE, authority)
    assert judged(good, root, message=b"something else") is None
    assert judged(good) is None, "an authority on no list"
    assert judged(good, authority) is None, "its own certificate is no anchor"
    assert judged(kit.token(MESSAGE, authority, at=kit.T0 + timedelta(days=400)), root) is None, "after its life"
    assert judged(kit.token(MESSAGE, authority, at=kit.T0 - timedelta(days=1)), root) is None, "before its life"
    assert judged(kit.token(MESSAGE, authority, pinned=root.der), root) is None, "another certificate is pinned"
    assert judged(kit.token(MESSAGE, authority, content_type="1.2.840.113549.1.7.1"), root) is None


def test_a_certificate_for_something_else_stamps_nothing(kit: Any, root: Any) -> None:
    signer = kit.issue("signer", root, purposes=["1.3.6.1.4.1.62558.2.1"])
    plain = kit.issue("plain", root)
    assert judged(kit.token(MESSAGE, signer), root) is None
    assert judged(kit.token(MESSAGE, plain), root) is None


def test_a_changed_time_breaks_the_signature(kit: Any, root: Any, authority: Any) -> None:
    def later(info: bytes) -> bytes:
        return info.replace(b"20260131", b"20260101")

    assert judged(kit.token(MESSAGE, authority, damage=later), root) is None


def test_a_signature_by_another_key_is_none(kit: Any, root: Any, authority: Any) -> None:
    from dataclasses import replace

    thief = replace(authority, key=kit.issue("x").key)
    assert judged(kit.token(MESSAGE, thief), root) is None


def test_two_signatures_are_one_too_many(kit: Any, root: Any, authority: Any) -> None:
    assert judged(kit.token(MESSAGE, authority, signers=2), root) == "unreadable"


def test_a_weak_key_counts_for_nothing(kit: Any, root: Any) -> None:
    weak = kit.issue("weak", root, purposes=[kit.TIME_STAMPING], key=rsa.generate_private_key(65537, 1024))
    assert judged(kit.token(MESSAGE, weak), root) is None


def test_an_illegal_subject_of_a_genuine_authority_is_read(kit: Any, root: Any) -> None:
    """A PrintableString with an underscore: a widely used responder has one, the strict parser refuses it."""
    key = kit.issue("x").key
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Responder-NOV", _ASN1Type.PrintableString)])
    legal = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(root.certificate.subject)
        .public_key(key.public_key())
        .serial_number(5)
        .not_valid_before(kit.T0)
        .not_valid_after(kit.T0 + timedelta(days=99))
        .add_extension(x509.ExtendedKeyUsage([x509.ObjectIdentifier(kit.TIME_STAMPING)]), critical=True)
        .sign(root.key, hashes.SHA256())
    )
    signed = legal.tbs_certificate_bytes.replace(b"Responder-NOV", b"Responder_NOV")
    parts = der.parse(legal.public_bytes(Encoding.DER))
    algorithm = parts.children()[1].encoded
    signature = root.key.sign(signed, ec.ECDSA(hashes.SHA256()))
    encoded = kit.der(0x30, signed, algorithm, kit.der(0x03, b"\0", signature))
    with pytest.raises(ValueError, match="PrintableString"):
        x509.load_der_x509_certificate(encoded)
    authority = type("Illegal", (), {"certificate": legal, "key": key, "der": encoded})
    assert judged(kit.token(MESSAGE, authority), root) is not None
    forged = kit.der(
        0x30, signed.replace(b"Responder_NOV", b"Responder_NOW"), algorithm, kit.der(0x03, b"\0", signature)
    )
    authority = type("Forged", (), {"certificate": legal, "key": key, "der": forged})
    assert judged(kit.token(MESSAGE, authority), root) is None, "its signature is over the bytes as they stand"


def test_no_damage_is_believed_and_none_raises(kit: Any, root: Any, authority: Any) -> None:
    good, source = kit.token(MESSAGE, authority), random.Random(3)
    at = good.index(authority.der)
    for position in range(len(good)):
        bad = bytearray(good)
        bad[position] ^= 1 << source.randrange(8)
        found = judged(bytes(bad), root)
        # Outside the certificate's signature, everything that counts is covered by the one or the other.
        assert found in (None, "unreadable", kit.T0 + timedelta(days=30)), position
        if found == kit.T0 + timedelta(days=30):
            assert not at <= position < at + len(authority.der)
    for size in range(0, len(good), 11):
        assert judged(good[:size], root) == "unreadable"


@pytest.mark.parametrize(
    "data",
    [b"", b"\x30", b"\x30\x80", b"\x30\x81\x05abcde", b"\x1f\x01\x00", b"\x30\x85\1\1\1\1\1", b"\x02\x01\x01\x00"],
)
def test_der_is_strict(data: bytes) -> None:
    with pytest.raises(der.DerError):
        der.parse(data)


def test_der_values(kit: Any) -> None:
    assert der.parse(kit.oid("1.2.840.113549.1.9.16.1.4")).oid == "1.2.840.113549.1.9.16.1.4"
    assert der.parse(kit.oid("2.16.840.1.101.3.4.2.1")).oid == "2.16.840.1.101.3.4.2.1"
    assert der.parse(b"\x02\x02\xff\x7f").integer == -129
    for bad in (b"\x02\x00", b"\x04\x00"):
        with pytest.raises(der.DerError):
            _ = der.parse(bad).integer
    for bad in (b"\x06\x00", b"\x06\x01\x80"):
        with pytest.raises(der.DerError):
            _ = der.parse(bad).oid
    with pytest.raises(der.DerError):
        der.parse(b"\x04\x00").children()
    with pytest.raises(der.DerError):
        der.parse(b"\x30\x82\x4e\x22" + b"\x05\x00" * 10_001).children()
