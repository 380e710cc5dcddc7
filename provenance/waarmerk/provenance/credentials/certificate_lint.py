# SPDX-License-Identifier: Apache-2.0
"""Why a certificate cannot sign credentials: every reason by name, where the engine says only "invalid".

C2PA 2.2, section 14.5.1, as the engine enforces it, and what it lets pass but is refused here: no key identifier, no
organisation, a life of ten years, timeStamping alone.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from waarmerk.provenance.credentials.signing_keys import spki
from waarmerk.provenance.model import Finding
from waarmerk.provenance.trust.chain import (
    ANY_PURPOSE,
    OCSP_SIGNING,
    SIGNER_PURPOSES,
    TIME_STAMPING,
    purposes,
)

_Extension = TypeVar("_Extension", bound=x509.ExtensionType)
MAX_LEAF_DAYS = 825  # the S/MIME baseline requirements allow no more; official leaves live 366 days or 90
MIN_RSA_BITS = 2048
_CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)  # C2PA 2.2, section 13.2.1
_BROKEN_DIGESTS = frozenset({"md5", "sha1"})

# Every reason; each has a sentence in ``report/wording``. ``about`` is the certificate's name, a date or a number.
CODES = frozenset(
    f"certificate.{reason}"
    for reason in (
        "any-purpose",
        "ca",
        "client-auth",
        "code-signing",
        "expired",
        "issuer-mismatch",
        "key-mismatch",
        "leaf-alone",
        "long-life",
        "mixed-purposes",
        "no-authority-key-id",
        "no-digital-signature",
        "no-key-usage",
        "no-organisation",
        "no-purpose",
        "no-subject-key-id",
        "not-yet-valid",
        "ocsp-signing",
        "other-purpose",
        "server-auth",
        "signs-certificates",
        "time-stamping",
        "unreadable",
        "weak-curve",
        "weak-digest",
        "weak-rsa",
        "wrong-key-type",
    )
)
_NEVER = {ANY_PURPOSE: "any-purpose", OCSP_SIGNING: "ocsp-signing"}  # beside any other purpose, too
_INSTEAD = {  # named where nothing in the certificate is for signing; beside such a purpose validators take them
    ExtendedKeyUsageOID.CLIENT_AUTH.dotted_string: "client-auth",
    ExtendedKeyUsageOID.CODE_SIGNING.dotted_string: "code-signing",
    ExtendedKeyUsageOID.SERVER_AUTH.dotted_string: "server-auth",
}


def lint(
    certificates: Sequence[x509.Certificate],
    at: datetime,
    *,
    key: bytes | None = None,
    max_days: int = MAX_LEAF_DAYS,
) -> tuple[Finding, ...]:
    """Each reason why these certificates, the signer's own first, would be refused at that time; empty if none.

    ``key`` is the SubjectPublicKeyInfo of the key that is to sign. Never raises for what stands in a certificate.
    """
    if not certificates:
        return (_found("unreadable"),)
    leaf = certificates[0]
    found: list[Finding] = []
    for rule in (_key, _life(at, max_days), _usage, _purposes, _identifiers, _digest):
        try:
            found += rule(leaf)
        except (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension):
            found.append(_found("unreadable", _name(leaf)))
    if key is not None and not _is_about(leaf, key):
        found.append(_found("key-mismatch", _name(leaf)))
    return tuple(sorted({*found, *_chain(certificates, at)}))


def _found(reason: str, about: str = "") -> Finding:
    return Finding(f"certificate.{reason}", about)


def _name(certificate: x509.Certificate) -> str:
    try:
        return certificate.subject.rfc4514_string()
    except ValueError:
        return ""


def _key(leaf: x509.Certificate) -> Iterator[Finding]:
    key = leaf.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < MIN_RSA_BITS:
            yield _found("weak-rsa", str(key.key_size))
    elif isinstance(key, ec.EllipticCurvePublicKey):
        if not isinstance(key.curve, _CURVES):
            yield _found("weak-curve", key.curve.name)
    elif not isinstance(key, ed25519.Ed25519PublicKey):
        yield _found("wrong-key-type", type(key).__name__)


def _life(at: datetime, max_days: int) -> Callable[[x509.Certificate], Iterator[Finding]]:
    def rule(leaf: x509.Certificate) -> Iterator[Finding]:
        yield from _dates(leaf, at)
        days = (leaf.not_valid_after_utc - leaf.not_valid_before_utc).days
        if days > max_days:
            yield _found("long-life", str(days))

    return rule


def _dates(certificate: x509.Certificate, at: datetime) -> Iterator[Finding]:
    if at > certificate.not_valid_after_utc:
        yield _found("expired", f"{_name(certificate)}, {certificate.not_valid_after_utc:%Y-%m-%d}")
    if at < certificate.not_valid_before_utc:
        yield _found("not-yet-valid", f"{_name(certificate)}, {certificate.not_valid_before_utc:%Y-%m-%d}")


def _extension(certificate: x509.Certificate, kind: type[_Extension]) -> _Extension | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _usage(leaf: x509.Certificate) -> Iterator[Finding]:
    constraints = _extension(leaf, x509.BasicConstraints)
    if constraints is not None and constraints.ca:
        yield _found("ca")
    usage = _extension(leaf, x509.KeyUsage)
    if usage is None:
        yield _found("no-key-usage")
        return
    if not usage.digital_signature:
        yield _found("no-digital-signature")
    if usage.key_cert_sign:
        yield _found("signs-certificates")


def _purposes(leaf: x509.Certificate) -> Iterator[Finding]:
    found = purposes(leaf)
    if not found:
        yield _found("no-purpose")
        return
    for purpose in sorted(found & _NEVER.keys()):
        yield _found(_NEVER[purpose])
    if TIME_STAMPING in found:
        yield _found("time-stamping" if found == {TIME_STAMPING} else "mixed-purposes")
    elif not found & (SIGNER_PURPOSES | _NEVER.keys()):
        named = sorted(found & _INSTEAD.keys())
        yield from (_found(_INSTEAD[purpose]) for purpose in named)
        if not named:
            yield _found("other-purpose", ", ".join(sorted(found)))


def _identifiers(leaf: x509.Certificate) -> Iterator[Finding]:
    if _extension(leaf, x509.SubjectKeyIdentifier) is None:
        yield _found("no-subject-key-id")
    identifier = _extension(leaf, x509.AuthorityKeyIdentifier)
    if identifier is None or identifier.key_identifier is None:
        yield _found("no-authority-key-id")
    if not any(str(each.value).strip() for each in leaf.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)):
        yield _found("no-organisation")


def _digest(leaf: x509.Certificate) -> Iterator[Finding]:
    digest = leaf.signature_hash_algorithm
    if digest is not None and digest.name in _BROKEN_DIGESTS:
        yield _found("weak-digest", digest.name)


def _chain(certificates: Sequence[x509.Certificate], at: datetime) -> Iterator[Finding]:
    if len(certificates) == 1:
        yield _found("leaf-alone")
    for subject, issuer in pairwise(certificates):
        try:
            subject.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
            yield _found("issuer-mismatch", _name(issuer))
        yield from _dates(issuer, at)


def _is_about(leaf: x509.Certificate, key: bytes) -> bool:
    try:
        return spki(leaf.public_key()) == key
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False
