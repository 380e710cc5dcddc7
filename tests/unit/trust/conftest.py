# SPDX-License-Identifier: Apache-2.0
"""Certificates of every kind a path may meet, and time-stamp tokens made by hand."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

T0 = datetime(2026, 1, 1, tzinfo=UTC)
TIME_STAMPING = "1.3.6.1.5.5.7.3.8"
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


@dataclass(frozen=True)
class Issued:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: Key = field(repr=False)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)


def issue(
    name: str,
    by: Issued | None = None,
    *,
    ca: bool = False,
    purposes: Sequence[str] = (),
    start: datetime = T0,
    end: datetime = T0 + timedelta(days=365),
    key: Key | None = None,
    path_length: int | None = None,
    extra: tuple[x509.ExtensionType, bool] | None = None,
) -> Issued:
    """A certificate, self-signed where nobody issues it."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signer, issuer = (key, subject) if by is None else (by.key, by.certificate.subject)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=path_length if ca else None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if purposes:
        usage = x509.ExtendedKeyUsage([x509.ObjectIdentifier(each) for each in purposes])
        builder = builder.add_extension(usage, critical=True)
    if extra is not None:
        builder = builder.add_extension(extra[0], critical=extra[1])
    digest = None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return Issued(builder.sign(signer, digest), key)


def der(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    if len(body) < 0x80:
        return bytes((tag, len(body))) + body
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(size))) + size + body


def oid(dotted: str) -> bytes:
    first, second, *rest = map(int, dotted.split("."))
    body = b""
    for arc in (40 * first + second, *rest):
        piece = bytes((arc & 0x7F,))
        while arc := arc >> 7:
            piece = bytes((arc & 0x7F | 0x80,)) + piece
        body += piece
    return der(0x06, body)


def integer(value: int) -> bytes:
    return der(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


SHA256 = der(0x30, oid("2.16.840.1.101.3.4.2.1"))


def token(
    message: bytes,
    authority: Issued,
    *,
    at: datetime = T0 + timedelta(days=30),
    chain: Sequence[Issued] = (),
    pinned: bytes | None = None,
    content_type: str = "1.2.840.113549.1.9.16.1.4",
    damage: Any = None,
    by_key: bool = False,
    response: bool = False,
    signers: int = 1,
) -> bytes:
    """A token over ``message``, correct unless one of the arguments makes it otherwise."""
    imprint = der(0x30, SHA256, der(0x04, hashlib.sha256(message).digest()))
    time = der(0x18, at.strftime("%Y%m%d%H%M%SZ").encode())
    info = der(0x30, integer(1), oid("1.2.3"), imprint, integer(7), time)
    identifier = der(0x30, der(0x04, hashlib.sha256(pinned or authority.der).digest()))
    attributes = [
        der(0x30, oid("1.2.840.113549.1.9.3"), der(0x31, oid(content_type))),
        der(0x30, oid("1.2.840.113549.1.9.4"), der(0x31, der(0x04, hashlib.sha256(info).digest()))),
        der(0x30, oid("1.2.840.113549.1.9.16.2.47"), der(0x31, der(0x30, der(0x30, identifier)))),
    ]
    signature, algorithm = _signed(authority.key, der(0x31, *attributes))
    certificate = authority.certificate
    name = der(0x30, certificate.issuer.public_bytes(), integer(certificate.serial_number))
    if by_key:
        digest = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
        name = der(0x80, digest)
    signer = der(0x30, integer(1), name, SHA256, der(0xA0, *attributes), algorithm, der(0x04, signature))
    if damage is not None:
        info = damage(info)
    content = der(0x30, oid("1.2.840.113549.1.9.16.1.4"), der(0xA0, der(0x04, info)))
    certificates = der(0xA0, authority.der, *(each.der for each in chain))
    signed = der(0x30, integer(3), der(0x31, SHA256), content, certificates, der(0x31, *[signer] * signers))
    whole = der(0x30, oid("1.2.840.113549.1.7.2"), der(0xA0, signed))
    return der(0x30, der(0x30, integer(0)), whole) if response else whole


def _signed(key: Key, message: bytes) -> tuple[bytes, bytes]:
    from cryptography.hazmat.primitives.asymmetric import padding

    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(message, ec.ECDSA(hashes.SHA256())), der(0x30, oid("1.2.840.10045.4.3.2"))
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(message), der(0x30, oid("1.3.101.112"))
    return key.sign(message, padding.PKCS1v15(), hashes.SHA256()), der(0x30, oid("1.2.840.113549.1.1.1"), der(0x05))


@pytest.fixture(scope="session")
def kit() -> SimpleNamespace:
    return SimpleNamespace(T0=T0, TIME_STAMPING=TIME_STAMPING, issue=issue, token=token, der=der, oid=oid)


@pytest.fixture(scope="session")
def root() -> Issued:
    return issue("root", ca=True, end=T0 + timedelta(days=3650))


@pytest.fixture(scope="session")
def authority(root: Issued) -> Issued:
    return issue("authority", root, purposes=[TIME_STAMPING])
