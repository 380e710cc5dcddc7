# SPDX-License-Identifier: Apache-2.0
"""Certificate paths of our own, at a given time (RFC 5280, section 6, without revocation).

The engine decides which list a claim signer stands on. Here stands what it does not do, or does wrongly: it calls a
leaf with timeStamping alone a trusted signer, it has no argument for the time of validation, and on a version 1
claim it trusts every time-stamp authority there is. Nothing here can make the engine's answer better, except that
a certificate which ended before today may be judged at an earlier ``at``.
"""

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509.oid import ExtensionOID

CLAIM_SIGNING = "1.3.6.1.4.1.62558.2.1"  # c2pa-kp-claimSigning, C2PA 2.2, section 14.5.1
DOCUMENT_SIGNING = "1.3.6.1.5.5.7.3.36"
EMAIL_PROTECTION = "1.3.6.1.5.5.7.3.4"  # interim and older credentials
MICROSOFT_SIGNING = "1.3.6.1.4.1.311.76.59.1.9"
TIME_STAMPING = "1.3.6.1.5.5.7.3.8"
OCSP_SIGNING = "1.3.6.1.5.5.7.3.9"
ANY_PURPOSE = "2.5.29.37.0"

SIGNER_PURPOSES = frozenset({CLAIM_SIGNING, DOCUMENT_SIGNING, EMAIL_PROTECTION, MICROSOFT_SIGNING})
AUTHORITY_PURPOSES = frozenset({TIME_STAMPING})
_EXCLUSIVE = frozenset({TIME_STAMPING, OCSP_SIGNING, ANY_PURPOSE})  # C2PA 2.2, section 14.5.1.1

MAX_DEPTH = 8
MAX_POOL = 32  # certificates of a file that are looked at
_BROKEN_DIGESTS = frozenset({"md5", "sha1"})
_MAX_SIGNATURES = 64  # signature verifications for one path

_UNDERSTOOD = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.CERTIFICATE_POLICIES,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
    }
)


@dataclass(frozen=True, slots=True, eq=False)
class Anchors:
    """The certificates of some lists, found by subject. A path ends at the first of them."""

    certificates: frozenset[x509.Certificate]
    _by_subject: dict[x509.Name, list[x509.Certificate]] = field(default_factory=dict)

    @classmethod
    def of(cls, certificates: Iterable[x509.Certificate]) -> "Anchors":
        """Index the certificates."""
        distinct = tuple(dict.fromkeys(certificates))
        by_subject: dict[x509.Name, list[x509.Certificate]] = {}
        for certificate in distinct:
            by_subject.setdefault(certificate.subject, []).append(certificate)
        return cls(frozenset(distinct), by_subject)

    def named(self, subject: x509.Name) -> Sequence[x509.Certificate]:
        """The anchors of that name."""
        return self._by_subject.get(subject, ())

    def could_vouch_for(self, chain: Iterable[x509.Certificate]) -> bool:
        """Whether a path is conceivable at all: by name only, no signature is verified.

        False spares a pass of the engine. It errs on the safe side: a pass that is not run trusts nobody.
        """
        return any(each in self.certificates or self.named(each.issuer) for each in chain)


def load_certificate(der: bytes) -> x509.Certificate | None:
    """A certificate of a file, or None if it cannot be read whole, extensions and key included.

    Every part is touched here, once, because the parser reads lazily: no later look at it can raise, and the
    parser's complaints about a stranger's certificate stay off the caller's terminal.
    """
    try:
        with warnings.catch_warnings(action="ignore"):
            certificate = x509.load_der_x509_certificate(der)
            _ = (certificate.subject, certificate.issuer, certificate.extensions, certificate.public_key())
            _ = (certificate.not_valid_before_utc, certificate.not_valid_after_utc, certificate.signature)
            has_serial = certificate.serial_number > 0  # RFC 5280, section 4.1.2.2
    except Exception:  # the parser's errors have no common class, and the bytes are a stranger's
        return None
    return certificate if has_serial else None


def purposes(certificate: x509.Certificate) -> frozenset[str] | None:
    """The extended key usages as dotted numbers, None where the extension is absent."""
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return None
    return frozenset(each.dotted_string for each in usage)


def may_sign_claims(leaf: x509.Certificate) -> bool:
    """Whether the leaf was issued for signing claims, and for nothing that excludes it (C2PA 2.2, section 14.5.1)."""
    found = purposes(leaf)
    return found is not None and bool(found & SIGNER_PURPOSES) and not found & _EXCLUSIVE and not _is_authority(leaf)


def is_valid_at(certificate: x509.Certificate, at: datetime) -> bool:
    """Whether ``at`` lies within the certificate's life."""
    return certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc


def chains_to(
    leaf: x509.Certificate,
    pool: Iterable[x509.Certificate],
    anchors: Anchors,
    *,
    at: datetime,
    allowed: frozenset[str],
    leaf_signed: bytes | None = None,
) -> bool:
    """Whether a path leads from the leaf to an anchor at that time, each issuer being allowed the purpose.

    ``pool`` are the certificates that came with the file; they are never trusted, only passed through.
    ``leaf_signed`` are the bytes the leaf's signature is over where the leaf had to be repaired to be read at all.
    """
    if not is_valid_at(leaf, at) or not _critical_understood(leaf):
        return False
    signed = {} if leaf_signed is None else {leaf: leaf_signed}
    search = _Search(tuple(pool)[:MAX_POOL], anchors, at, allowed, signed)
    return search.reaches_anchor(leaf, 0, frozenset({leaf}))


@dataclass(slots=True)
class _Search:
    pool: tuple[x509.Certificate, ...]
    anchors: Anchors
    at: datetime
    allowed: frozenset[str]
    signed: dict[x509.Certificate, bytes]
    signatures: int = 0

    def reaches_anchor(self, certificate: x509.Certificate, below: int, seen: frozenset[x509.Certificate]) -> bool:
        """Depth first; ``below`` counts the intermediate certificates under the issuer that is looked for."""
        for anchor in self.anchors.named(certificate.issuer):
            if self._issued(anchor, certificate, below):
                return True
        if below >= MAX_DEPTH:
            return False
        for issuer in self.pool:
            if issuer in seen or issuer.subject != certificate.issuer:
                continue
            if self._issued(issuer, certificate, below) and self.reaches_anchor(issuer, below + 1, seen | {issuer}):
                return True
        return False

    def _issued(self, issuer: x509.Certificate, subject: x509.Certificate, below: int) -> bool:
        try:
            if not (is_valid_at(issuer, self.at) and _may_issue(issuer, below, self.allowed)):
                return False
        except (ValueError, x509.DuplicateExtension):  # an anchor of the operator's with an unreadable extension
            return False
        self.signatures += 1
        signed = self.signed.get(subject, subject.tbs_certificate_bytes)
        return self.signatures <= _MAX_SIGNATURES and _is_signed_by(subject, signed, issuer)


def _is_signed_by(subject: x509.Certificate, signed: bytes, issuer: x509.Certificate) -> bool:
    try:
        key = issuer.public_key()
        scheme, digest = subject.signature_algorithm_parameters, subject.signature_hash_algorithm
        if isinstance(key, rsa.RSAPublicKey) and isinstance(scheme, (padding.PKCS1v15, padding.PSS)) and digest:
            key.verify(subject.signature, signed, scheme, digest)
        elif isinstance(key, ec.EllipticCurvePublicKey) and isinstance(scheme, ec.ECDSA):
            key.verify(subject.signature, signed, scheme)
        elif isinstance(key, ed25519.Ed25519PublicKey) and scheme is None:
            key.verify(subject.signature, signed)
        else:
            return False
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return digest is None or digest.name not in _BROKEN_DIGESTS


def _may_issue(issuer: x509.Certificate, below: int, allowed: frozenset[str]) -> bool:
    if not _is_authority(issuer) or not _critical_understood(issuer):
        return False
    length = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length
    if length is not None and below > length:
        return False
    found = purposes(issuer)
    return found is None or ANY_PURPOSE in found or bool(found & allowed)


def _is_authority(certificate: x509.Certificate) -> bool:
    extensions = certificate.extensions
    try:
        if not extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            return False
    except x509.ExtensionNotFound:
        return False
    try:
        return extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    except x509.ExtensionNotFound:
        return True


def _critical_understood(certificate: x509.Certificate) -> bool:
    """A critical extension that is not understood ends the path (RFC 5280, section 4.2); name constraints do too."""
    return all(not each.critical or each.oid in _UNDERSTOOD for each in certificate.extensions)
