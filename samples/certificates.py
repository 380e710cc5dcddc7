# SPDX-License-Identifier: Apache-2.0
"""Test authorities for the samples: a root, an intermediate and leaves, made anew on every run.

Leaf profile of C2PA 2.2, section 14.5: claimSigning and emailProtection, digitalSignature alone, no CA, both key
identifiers. Valid to 2046 so that the samples do not rot; a real leaf lives a year.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CLAIM_SIGNING = x509.ObjectIdentifier("1.3.6.1.4.1.62558.2.1")
NOT_BEFORE, NOT_AFTER = datetime(2026, 1, 1, tzinfo=UTC), datetime(2046, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signatory:
    """What signing needs: the leaf's key (PEM), the chain leaf first (PEM), and the root that a reader may trust."""

    key: str
    chain: str
    root: str


class Authority:
    """A root and an intermediate of ``organisation``, whose keys live as long as this object."""

    def __init__(self, organisation: str) -> None:
        self._organisation = organisation
        root_key, self._key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        root_name = _name(organisation, f"{organisation} Test Root")
        self._subject = _name(organisation, f"{organisation} Test Issuing CA")
        self._root = _authority(root_name, root_key, root_name, root_key, path=1)
        self._middle = _authority(self._subject, self._key, root_name, root_key, path=0)

    @property
    def root(self) -> str:
        """The root certificate, PEM."""
        return _pem(self._root)

    def signatory(self, product: str) -> Signatory:
        """A new leaf for ``product``, its common name."""
        key = ec.generate_private_key(ec.SECP256R1())
        purposes = x509.ExtendedKeyUsage([CLAIM_SIGNING, ExtendedKeyUsageOID.EMAIL_PROTECTION])
        leaf = (
            _start(_name(self._organisation, product), key, self._subject, self._key)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signing=True), critical=True)
            .add_extension(purposes, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        written = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return Signatory(key=written.decode(), chain=_pem(leaf) + _pem(self._middle), root=self.root)


def _name(organisation: str, common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "NL"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def _start(
    subject: x509.Name, key: ec.EllipticCurvePrivateKey, issuer: x509.Name, issuer_key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOT_BEFORE)
        .not_valid_after(NOT_AFTER)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )


def _authority(
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    path: int,
) -> x509.Certificate:
    builder = _start(subject, key, issuer, issuer_key)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=path), critical=True)
    return builder.add_extension(_usage(signing=False), critical=True).sign(issuer_key, hashes.SHA256())


def _usage(*, signing: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=signing,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=not signing,
        crl_sign=not signing,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
