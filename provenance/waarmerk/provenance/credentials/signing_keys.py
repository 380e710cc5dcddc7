# SPDX-License-Identifier: Apache-2.0
"""Who signs: a chain of certificates and something that signs bytes; the key itself never comes past here.

A ``Signer`` may be a file, a token (``signing_token.py``) or a service that holds the key elsewhere. The engine asks
it through a callback, so that a key in a device never leaves it (security of keys: docs/signing.md).
"""

import os
import stat
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import NoReturn, Protocol

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

from waarmerk.provenance.errors import ConfigurationError, TrustListError
from waarmerk.provenance.trust.lists import parse_certificates

MAX_KEY_BYTES = 64 * 1024
PublicKey = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


class Algorithm(StrEnum):
    """The signature algorithms that are written here (C2PA 2.2, section 13.2.1). No RSA: slow, and larger."""

    ES256 = "es256"
    ED25519 = "ed25519"


class Secret:
    """Bytes that no message, log, traceback or pickle ever shows."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        self._value = value

    def reveal(self) -> bytes:
        """The bytes, for the one call that needs them."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(hidden)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not written down")


AskPassphrase = Callable[[], Secret]


class Signer(Protocol):
    """Anything that can sign in the name of a certificate."""

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """The certificates, the signer's own first, then the intermediates; no root."""
        ...

    @property
    def algorithm(self) -> Algorithm:
        """How it signs."""
        ...

    def sign(self, message: bytes) -> bytes:
        """The signature over the message itself; for ES256 as r||s or in DER."""
        ...


class FileSigner:
    """Signs with a key read from a file."""

    __slots__ = ("_key", "algorithm", "chain")

    def __init__(self, key: PrivateKey, chain: tuple[x509.Certificate, ...]) -> None:
        """Raises ConfigurationError where key and certificate do not belong together."""
        self.algorithm = algorithm_of(key.public_key())
        require_match(key.public_key(), chain)
        self._key = key
        self.chain = chain

    def sign(self, message: bytes) -> bytes:
        """The signature over ``message``."""
        if isinstance(self._key, ed25519.Ed25519PrivateKey):
            return self._key.sign(message)
        return self._key.sign(message, ec.ECDSA(hashes.SHA256()))

    def __repr__(self) -> str:
        return f"FileSigner({key_id(self.chain[0])})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a signing key is not written down")


def load_signer(certificates: Path, key: Path, ask: AskPassphrase | None = None) -> FileSigner:
    """The signer of a chain file (PEM, own certificate first) and a key file (PEM, PKCS #8 or SEC 1).

    ``ask`` is called only for an encrypted key. Raises ConfigurationError: ``signing.key-exposed`` for a key that group
    or others may read, whether encrypted or not, ``signing.passphrase``, ``signing.key-unreadable``,
    ``signing.certificate-unreadable``, ``signing.key-algorithm``, ``signing.key-mismatch``.
    """
    chain = load_chain(certificates)
    return FileSigner(_load_key(_read_private(key), key, ask), chain)


def load_chain(path: Path) -> tuple[x509.Certificate, ...]:
    """The certificates of a PEM file, in its order."""
    try:
        return parse_certificates(_bounded(path), path.name)
    except (OSError, TrustListError) as fault:
        why = fault.message if isinstance(fault, TrustListError) else f"{path}: {fault.strerror or 'not readable'}"
        raise ConfigurationError("signing.certificate-unreadable", why) from None


def algorithm_of(key: object) -> Algorithm:
    """How a key signs. Raises ConfigurationError for one that signs in no way that is written here."""
    if isinstance(key, ed25519.Ed25519PublicKey):
        return Algorithm.ED25519
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return Algorithm.ES256
    raise ConfigurationError("signing.key-algorithm", "signing takes a P-256 or an Ed25519 key")


def require_match(key: PublicKey, chain: tuple[x509.Certificate, ...]) -> None:
    """Raise ConfigurationError unless the first certificate is about this key."""
    if not chain or spki(chain[0].public_key()) != spki(key):
        raise ConfigurationError("signing.key-mismatch", "the key does not belong to the first certificate")


def spki(key: CertificatePublicKeyTypes) -> bytes:
    """A public key as its SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7), which two keys can be compared by."""
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def fingerprint(certificate: x509.Certificate) -> str:
    """The SHA-256 of a certificate, in hexadecimal."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def key_id(certificate: x509.Certificate) -> str:
    """A short name for a certificate, in messages."""
    return fingerprint(certificate)[:16]


def pem_of(certificates: tuple[x509.Certificate, ...]) -> str:
    """Certificates as one PEM text."""
    return b"".join(each.public_bytes(serialization.Encoding.PEM) for each in certificates).decode("ascii")


def _bounded(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(MAX_KEY_BYTES)


def _read_private(path: Path) -> Secret:
    """The bytes of a key file that only its owner may read; what was looked at is what is read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as fault:
        raise ConfigurationError("signing.key-unreadable", f"{path}: {fault.strerror or 'not readable'}") from None
    with os.fdopen(descriptor, "rb") as stream:
        seen = os.fstat(stream.fileno())
        if not stat.S_ISREG(seen.st_mode):
            raise ConfigurationError("signing.key-unreadable", f"{path}: not a regular file")
        if seen.st_mode & 0o077:
            raise ConfigurationError(
                "signing.key-exposed", f"{path}: others than its owner may read this key; chmod 600 it and ask why"
            )
        return Secret(stream.read(MAX_KEY_BYTES))


def _load_key(pem: Secret, path: Path, ask: AskPassphrase | None) -> PrivateKey:
    passphrase = None
    if b"ENCRYPTED" in pem.reveal():
        if ask is None:
            raise ConfigurationError("signing.passphrase", f"{path}: the key is encrypted and nobody gave a passphrase")
        passphrase = ask()
    try:
        key = serialization.load_pem_private_key(
            pem.reveal(), password=None if passphrase is None else passphrase.reveal()
        )
    except (ValueError, TypeError, UnsupportedAlgorithm):
        if passphrase is not None:
            raise ConfigurationError("signing.passphrase", f"{path}: not the passphrase of this key") from None
        raise ConfigurationError("signing.key-unreadable", f"{path}: no private key in PEM can be read") from None
    if not isinstance(key, (ec.EllipticCurvePrivateKey, ed25519.Ed25519PrivateKey)):
        raise ConfigurationError("signing.key-algorithm", "signing takes a P-256 or an Ed25519 key")
    return key
