# SPDX-License-Identifier: Apache-2.0
"""A small certificate authority, a tiny picture, and the engine's Builder to sign it with."""

import hashlib
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from PIL import Image

from waarmerk.provenance.credentials import CredentialReader
from waarmerk.provenance.credentials.settings import EKUS
from waarmerk.provenance.model import Asset
from waarmerk.provenance.trust import TrustStore, load_store

CLAIM_SIGNING = "1.3.6.1.4.1.62558.2.1"
EMAIL = "1.3.6.1.5.5.7.3.4"
TIME_STAMPING = "1.3.6.1.5.5.7.3.8"
CAPTURE = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"
GENERATED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
NOW = datetime.now(UTC).replace(microsecond=0)


@dataclass(frozen=True, kw_only=True)
class Signatory:
    """A leaf with its key and the chain to its root."""

    key: ec.EllipticCurvePrivateKey = field(repr=False)
    chain: tuple[x509.Certificate, ...]

    @property
    def pem(self) -> bytes:
        return b"".join(each.public_bytes(serialization.Encoding.PEM) for each in self.chain)


class Authority:
    """A root that issues leaves."""

    def __init__(self, name: str) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = _name(name)
        self.certificate = (
            _builder(self.name, self.name, self.key.public_key(), NOW - timedelta(days=900), NOW + timedelta(days=9000))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(_usage(key_cert_sign=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False)
            .sign(self.key, hashes.SHA256())
        )

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def issue(
        self,
        name: str = "Test Desk",
        *,
        purposes: Sequence[str] = (CLAIM_SIGNING, EMAIL),
        start: datetime = NOW - timedelta(days=1),
        end: datetime = NOW + timedelta(days=300),
    ) -> Signatory:
        key = ec.generate_private_key(ec.SECP256R1())
        leaf = (
            _builder(_name(name), self.name, key.public_key(), start, end)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(digital_signature=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage([x509.ObjectIdentifier(each) for each in purposes]), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        return Signatory(key=key, chain=(leaf, self.certificate))


def _name(name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "NL"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, name),
            x509.NameAttribute(NameOID.COMMON_NAME, f"{name} CN"),
        ]
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, start: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
    )


def _usage(*, digital_signature: bool = False, key_cert_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=key_cert_sign,
        encipher_only=False,
        decipher_only=False,
    )


def jpeg(colour: tuple[int, int, int] = (90, 120, 60)) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (32, 24), colour).save(stream, "JPEG", quality=90)
    return stream.getvalue()


def asset_of(data: bytes, media_type: str = "image/jpeg") -> Asset:
    return Asset(
        name=None,
        sha256=hashlib.sha256(data).hexdigest(),
        bytes=len(data),
        media_type=media_type,
        open=lambda: io.BytesIO(data),
    )


def created(source_type: str | None = CAPTURE, *more: dict[str, Any], complete: bool = True) -> dict[str, Any]:
    first = {"action": "c2pa.created", **({"digitalSourceType": source_type} if source_type else {})}
    return {
        "claim_generator_info": [{"name": "test camera", "version": "1"}],
        "assertions": [
            {
                "label": "c2pa.actions.v2",
                "data": {"actions": [first, *more], "allActionsIncluded": complete},
                "created": True,
            }
        ],
    }


def sign(
    data: bytes,
    signatory: Signatory,
    manifest: dict[str, Any],
    *,
    media_type: str = "image/jpeg",
    is_edit: bool = False,
    remote_url: str | None = None,
    ingredients: Sequence[tuple[bytes, dict[str, Any]]] = (),
) -> bytes:
    """Sign ``data`` with the engine; as an edit ``data`` also becomes the parent, as it stands, damaged or not.

    ``ingredients`` are files of the same type, each with what the manifest says about it.
    """
    import c2pa

    context = c2pa.Context.from_dict(
        {
            "verify": {"verify_after_sign": False, "remote_manifest_fetch": False},
            "core": {"allowed_network_hosts": []},
            "builder": {"thumbnail": {"enabled": False}},
            "trust": {"trust_config": EKUS},
        }
    )

    def der_signature(message: bytes) -> bytes:
        return signatory.key.sign(message, ec.ECDSA(hashes.SHA256()))

    signer = c2pa.Signer.from_callback(der_signature, c2pa.C2paSigningAlg.ES256, signatory.pem.decode(), None)
    builder = c2pa.Builder(json.dumps(manifest), context=context)
    if is_edit:
        builder.set_intent(c2pa.C2paBuilderIntent.EDIT)
    for ingredient, about in ingredients:
        builder.add_ingredient(about, media_type, io.BytesIO(ingredient))
    if remote_url is not None:
        builder.set_no_embed()
        builder.set_remote_url(remote_url)
    target = io.BytesIO()
    builder.sign(signer, media_type, io.BytesIO(data), target)
    return target.getvalue()


def tampered(signed: bytes) -> bytes:
    """One bit of the picture data changed, far behind the manifest."""
    data = bytearray(signed)
    data[-20] ^= 1
    return bytes(data)


Stored = Callable[..., TrustStore]


@pytest.fixture
def stored(tmp_path: Path) -> Stored:
    """A trust store with the given PEM texts: ``stored({"user.pem": root.pem})``."""

    def build(files: dict[str, bytes], *, at: datetime = NOW) -> TrustStore:
        folder = tmp_path / f"trust{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        for name, data in files.items():
            (folder / name).write_bytes(data)
        return load_store(folder, data_folder=None, at=at)

    return build


@pytest.fixture(scope="session")
def root() -> Authority:
    return Authority("Test Root")


@pytest.fixture(scope="session")
def desk(root: Authority) -> Signatory:
    return root.issue()


@pytest.fixture(scope="session")
def stranger() -> Signatory:
    return Authority("Home Made").issue("Reuters")


@pytest.fixture(scope="session")
def kit() -> Any:
    """The functions of this file, for tests that cannot import a conftest."""
    from types import SimpleNamespace

    return SimpleNamespace(
        Authority=Authority,
        CredentialReader=CredentialReader,
        NOW=NOW,
        CAPTURE=CAPTURE,
        GENERATED=GENERATED,
        TIME_STAMPING=TIME_STAMPING,
        EMAIL=EMAIL,
        CLAIM_SIGNING=CLAIM_SIGNING,
        asset_of=asset_of,
        created=created,
        jpeg=jpeg,
        sign=sign,
        tampered=tampered,
    )
