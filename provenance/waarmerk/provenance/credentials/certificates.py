# SPDX-License-Identifier: Apache-2.0
"""An authority of one's own: root, intermediate and the leaf that signs (C2PA 2.2, section 14.5; RFC 5280).

A leaf of the profile every validator takes: claimSigning and emailProtection, digitalSignature alone and critical, no
authority, both key identifiers, P-256 or Ed25519. Such a root makes nobody official: whoever imports it sees the
signer as one of their own list, everybody else as unknown.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID

from waarmerk.provenance.credentials.certificate_lint import lint
from waarmerk.provenance.credentials.signing_keys import Algorithm, PrivateKey, PublicKey, Secret
from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.trust.chain import CLAIM_SIGNING, EMAIL_PROTECTION

ROOT_DAYS, INTERMEDIATE_DAYS, LEAF_DAYS = 3653, 1827, 366  # official leaves live 366 days or 90
MAX_NAME = 64  # bytes; X.520, ub-organization-name and ub-common-name, counts characters
_EARLIER = timedelta(hours=1)  # for clocks that run behind

Serial = Callable[[], int]
MakeKey = Callable[[Algorithm], PrivateKey]

__all__ = ["INTERMEDIATE_DAYS", "LEAF_DAYS", "ROOT_DAYS", "Issued", "OwnAuthority", "key_pem", "lint", "make_key"]


def make_key(algorithm: Algorithm) -> PrivateKey:
    """A new private key."""
    if algorithm is Algorithm.ED25519:
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: PrivateKey, passphrase: Secret | None) -> Secret:
    """A key as PEM (PKCS #8), encrypted where there is a passphrase."""
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase is not None:
        encryption = serialization.BestAvailableEncryption(passphrase.reveal())
    return Secret(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption))


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: PrivateKey = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnAuthority:
    """A root and an intermediate. The root's key is needed again only for another intermediate: keep it elsewhere."""

    organisation: str
    root: Issued
    intermediate: Issued

    @classmethod
    def create(
        cls,
        organisation: str,
        *,
        at: datetime,
        algorithm: Algorithm = Algorithm.ES256,
        serial: Serial = x509.random_serial_number,
        make: MakeKey = make_key,
    ) -> "OwnAuthority":
        """A new authority of ``organisation`` from ``at`` on. ConfigurationError for a name that cannot stand."""
        name = _organisation(organisation)
        root_name, middle_name = _name(name, _common(name, "Root")), _name(name, _common(name, "Issuing CA"))
        root, middle = make(algorithm), make(algorithm)
        start = _builder(
            root_name,
            root.public_key(),
            issuer=root_name,
            issuer_key=root.public_key(),
            at=at,
            days=ROOT_DAYS,
            serial=serial(),
        )
        root_certificate = _signed(_as_authority(start, 1), root)
        start = _builder(
            middle_name,
            middle.public_key(),
            issuer=root_name,
            issuer_key=root.public_key(),
            at=at,
            days=INTERMEDIATE_DAYS,
            serial=serial(),
        )
        middle_certificate = _signed(_as_authority(start, 0), root)
        return cls(
            organisation=name,
            root=Issued(certificate=root_certificate, key=root),
            intermediate=Issued(certificate=middle_certificate, key=middle),
        )

    def issue(
        self,
        *,
        at: datetime,
        algorithm: Algorithm = Algorithm.ES256,
        days: int = LEAF_DAYS,
        serial: Serial = x509.random_serial_number,
        make: MakeKey = make_key,
    ) -> Issued:
        """A leaf that signs in the organisation's name and under it alone: readers show it; never a person's."""
        key = make(algorithm)
        issuer = self.intermediate
        subject = _name(self.organisation, self.organisation)
        builder = _builder(
            subject,
            key.public_key(),
            issuer=issuer.certificate.subject,
            issuer_key=issuer.key.public_key(),
            at=at,
            days=days,
            serial=serial(),
        )
        purposes = [x509.ObjectIdentifier(each) for each in (CLAIM_SIGNING, EMAIL_PROTECTION)]
        builder = (
            builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        )
        return Issued(certificate=_signed(builder, issuer.key), key=key)

    def chain_of(self, leaf: Issued) -> tuple[x509.Certificate, ...]:
        """What a signature carries: the leaf and the intermediate. A leaf alone is trusted by nobody."""
        return (leaf.certificate, self.intermediate.certificate)


def _organisation(text: str) -> str:
    name = " ".join(text.split())
    if not name or len(name.encode()) > MAX_NAME or not name.isprintable():
        raise ConfigurationError("keys.organisation", f"the name of the organisation needs 1 to {MAX_NAME} bytes")
    return name


def _common(organisation: str, what: str) -> str:
    room = MAX_NAME - len(what) - 1
    return f"{organisation.encode()[:room].decode(errors='ignore').rstrip()} {what}"


def _name(organisation: str, common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def _builder(
    subject: x509.Name,
    key: PublicKey,
    *,
    issuer: x509.Name,
    issuer_key: PublicKey,
    at: datetime,
    days: int,
    serial: int,
) -> x509.CertificateBuilder:
    start = at.astimezone(UTC).replace(microsecond=0) - _EARLIER
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(serial)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False)
    )


def _as_authority(builder: x509.CertificateBuilder, path_length: int) -> x509.CertificateBuilder:
    return builder.add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True).add_extension(
        _usage(signs_certificates=True), critical=True
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _signed(builder: x509.CertificateBuilder, key: PrivateKey) -> x509.Certificate:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return builder.sign(key, None)
    return builder.sign(key, hashes.SHA256())
