# SPDX-License-Identifier: Apache-2.0
"""Time-stamp tokens (RFC 3161 in CMS, RFC 5652), verified without the engine.

Why: on a version 1 claim the engine calls every time-stamp authority trusted, a home-made one included. A token
counts here only if it is over the expected bytes, its signature verifies with the certificate it names, and that
certificate was issued for time-stamping and chains to a loaded list at the stated time.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from waarmerk.provenance.trust import der
from waarmerk.provenance.trust.chain import (
    AUTHORITY_PURPOSES,
    MAX_POOL,
    Anchors,
    chains_to,
    load_certificate,
    purposes,
)

MAX_TOKEN_BYTES = 128 * 1024
_SIGNED_DATA = "1.2.840.113549.1.7.2"
_TST_INFO = "1.2.840.113549.1.9.16.1.4"
_CONTENT_TYPE = "1.2.840.113549.1.9.3"
_MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
_SIGNING_CERTIFICATE = "1.2.840.113549.1.9.16.2.12"  # RFC 2634, SHA-1
_SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"  # RFC 5035
_DIGESTS = {
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}
_PRINTABLE_STRING, _UTF8_STRING = 0x13, 0x0C
_PSS = "1.2.840.113549.1.1.10"
_RSA = "1.2.840.113549.1.1.1"
_SIGNATURE_DIGESTS = {
    "1.2.840.113549.1.1.11": "sha256",
    "1.2.840.113549.1.1.12": "sha384",
    "1.2.840.113549.1.1.13": "sha512",
    "1.2.840.10045.4.3.2": "sha256",
    "1.2.840.10045.4.3.3": "sha384",
    "1.2.840.10045.4.3.4": "sha512",
}
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


@dataclass(frozen=True, slots=True)
class Enclosed:
    """A certificate that came with a token: as parsed, and its bytes as they stand there."""

    parsed: x509.Certificate
    encoded: bytes

    @property
    def signed(self) -> bytes:
        """The bytes that its issuer signed."""
        return der.parse(self.encoded).children()[0].encoded


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token as it stands, nothing of it verified."""

    time: datetime
    imprint_digest: str
    imprint: bytes
    content: bytes = field(repr=False)
    certificates: tuple["Enclosed", ...] = field(repr=False)
    signer: der.Node = field(repr=False)


def parse_token(data: bytes) -> Token | None:
    """Read a TimeStampToken, or the TimeStampResp around it that version 1 claims carry; None if it is neither."""
    if len(data) > MAX_TOKEN_BYTES:
        return None
    try:
        return _parse(der.parse(data))
    except (der.DerError, ValueError, IndexError, OverflowError):
        return None


def stamped_at(token: Token, message: bytes, anchors: Anchors) -> datetime | None:
    """The time for which an authority under ``anchors`` vouches that ``message`` existed; None if none does."""
    if hashlib.new(token.imprint_digest, message).digest() != token.imprint:
        return None
    try:
        authority = _signing_authority(token)
    except (der.DerError, ValueError, IndexError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return None
    if authority is None or not (purposes(authority.parsed) or frozenset()) & AUTHORITY_PURPOSES:
        return None
    listed = chains_to(
        authority.parsed,
        (each.parsed for each in token.certificates if each != authority),
        anchors,
        at=token.time,
        allowed=AUTHORITY_PURPOSES,
        leaf_signed=authority.signed,
    )
    return token.time if listed else None


def _parse(root: der.Node) -> Token:
    parts = root.expect(der.SEQUENCE).children()
    if parts[0].tag == der.SEQUENCE:  # TimeStampResp: PKIStatusInfo, then the token
        if parts[0].children()[0].integer not in (0, 1):
            raise der.DerError("the authority refused")
        parts = parts[1].expect(der.SEQUENCE).children()
    if parts[0].oid != _SIGNED_DATA:
        raise der.DerError("not signed data")
    signed = parts[1].expect(0xA0).children()[0].expect(der.SEQUENCE).children()
    wrapped = signed[2].expect(der.SEQUENCE).children()
    if wrapped[0].oid != _TST_INFO:
        raise der.DerError("not a time-stamp")
    content = wrapped[1].expect(0xA0).children()[0].expect(der.OCTET_STRING).content
    signers = signed[-1].expect(der.SET).children()
    if len(signers) != 1:  # RFC 3161, section 2.4.2: only the authority signs
        raise der.DerError("more than one signature")
    info = der.parse(content).expect(der.SEQUENCE).children()
    imprint = info[2].expect(der.SEQUENCE).children()
    return Token(
        time=_generalized_time(info[4]),
        imprint_digest=_digest_name(imprint[0]),
        imprint=imprint[1].expect(der.OCTET_STRING).content,
        content=content,
        certificates=tuple(_certificates(signed[3:-1])),
        signer=signers[0],
    )


def _certificates(parts: Iterable[der.Node]) -> Iterable[Enclosed]:
    for part in parts:
        if part.tag != 0xA0:
            continue
        for node in part.children()[:MAX_POOL]:
            certificate = load_certificate(node.encoded) or load_certificate(_with_legal_subject(node))
            if certificate is not None:
                yield Enclosed(certificate, node.encoded)


def _with_legal_subject(certificate: der.Node) -> bytes:
    """The certificate with its subject's PrintableStrings retagged as UTF8String, so that it can be parsed.

    A widely used DigiCert responder carries an underscore there, which the type does not allow; the strict parser
    refuses the whole certificate. Its signature is still verified over the bytes as they stand.
    """
    signed = certificate.children()[0].children()
    subject = signed[5 if signed[0].tag == 0xA0 else 4]
    legal = subject.encoded
    for relative_name in subject.children():
        for attribute in relative_name.children():
            value = attribute.children()[1]
            if value.tag == _PRINTABLE_STRING:
                legal = legal.replace(value.encoded, bytes((_UTF8_STRING,)) + value.encoded[1:])
    return certificate.encoded.replace(subject.encoded, legal)


def _generalized_time(node: der.Node) -> datetime:
    text = node.expect(der.GENERALIZED_TIME).content.decode("ascii")
    if not text.endswith("Z"):
        raise der.DerError("a time not in UTC")
    whole, _, _fraction = text[:-1].partition(".")  # reports show seconds
    return datetime.strptime(whole, "%Y%m%d%H%M%S").replace(tzinfo=UTC)


def _digest_name(algorithm: der.Node) -> str:
    try:
        return _DIGESTS[algorithm.expect(der.SEQUENCE).children()[0].oid]
    except KeyError as fault:
        raise der.DerError("a digest that no longer counts") from fault


def _signing_authority(token: Token) -> Enclosed | None:
    """The certificate that made the token's signature, if the signed attributes say what they must."""
    parts = token.signer.expect(der.SEQUENCE).children()
    digest = _digest_name(parts[2])
    signed = parts[3].expect(0xA0)
    attributes = _attributes(signed)
    if attributes[_CONTENT_TYPE].oid != _TST_INFO:
        return None
    if attributes[_MESSAGE_DIGEST].expect(der.OCTET_STRING).content != hashlib.new(digest, token.content).digest():
        return None
    authority = next((each for each in token.certificates if _is_named(parts[1], each.parsed)), None)
    if authority is None or not _is_pinned(attributes, authority):
        return None
    # RFC 5652, section 5.4: the signature is over the attributes as a SET, not under their implicit tag.
    message = bytes((der.SET,)) + signed.encoded[1:]
    _verify(authority.parsed, parts[4], digest, parts[5].expect(der.OCTET_STRING).content, message)
    return authority


def _attributes(signed: der.Node) -> dict[str, der.Node]:
    found: dict[str, der.Node] = {}
    for attribute in signed.children():
        parts = attribute.expect(der.SEQUENCE).children()
        values = parts[1].expect(der.SET).children()
        if parts[0].oid in found or len(values) != 1:
            raise der.DerError("an attribute more than once")
        found[parts[0].oid] = values[0]
    if not {_CONTENT_TYPE, _MESSAGE_DIGEST} <= found.keys():
        raise der.DerError("a required attribute is absent")
    return found


def _is_named(identifier: der.Node, certificate: x509.Certificate) -> bool:
    if identifier.tag == 0x80:
        try:
            key = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
        except x509.ExtensionNotFound:
            return False
        return key == identifier.content
    issuer, serial = identifier.expect(der.SEQUENCE).children()
    return serial.integer == certificate.serial_number and issuer.encoded == certificate.issuer.public_bytes()


def _is_pinned(attributes: dict[str, der.Node], certificate: Enclosed) -> bool:
    """RFC 3161, section 2.4.2: the signature covers a digest of the certificate it is to be verified with."""
    encoded = certificate.encoded
    if _SIGNING_CERTIFICATE_V2 in attributes:
        first = _first_identifier(attributes[_SIGNING_CERTIFICATE_V2])
        digest = _digest_name(first[0]) if first[0].tag == der.SEQUENCE else "sha256"
        value = first[1] if first[0].tag == der.SEQUENCE else first[0]
        return value.expect(der.OCTET_STRING).content == hashlib.new(digest, encoded).digest()
    if _SIGNING_CERTIFICATE in attributes:
        first = _first_identifier(attributes[_SIGNING_CERTIFICATE])
        # SHA-1 only tells which certificate is meant; forging the signature takes that certificate's key anyway.
        return first[0].expect(der.OCTET_STRING).content == hashlib.sha1(encoded, usedforsecurity=False).digest()
    return False


def _first_identifier(attribute: der.Node) -> list[der.Node]:
    return attribute.expect(der.SEQUENCE).children()[0].expect(der.SEQUENCE).children()[0].children()


def _verify(authority: x509.Certificate, algorithm: der.Node, digest: str, signature: bytes, message: bytes) -> None:
    """Raise InvalidSignature unless the signature is the authority's."""
    key = authority.public_key()
    oid = algorithm.expect(der.SEQUENCE).children()[0].oid
    chosen = _HASHES[_SIGNATURE_DIGESTS.get(oid, digest)]
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < 2048 or not (oid in (_RSA, _PSS) or oid in _SIGNATURE_DIGESTS):
            raise InvalidSignature
        scheme: padding.AsymmetricPadding = padding.PKCS1v15()
        if oid == _PSS:
            scheme = padding.PSS(padding.MGF1(chosen), padding.PSS.AUTO)
        key.verify(signature, message, scheme, chosen)
    elif isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signature, message, ec.ECDSA(chosen))
    elif isinstance(key, ed25519.Ed25519PublicKey):
        key.verify(signature, message)
    else:
        raise InvalidSignature
