# SPDX-License-Identifier: Apache-2.0
"""The own authority makes certificates every validator takes; the linter names each reason against the others."""

import io
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.conftest import AT
from waarmerk.provenance.credentials.certificate_lint import CODES, MAX_LEAF_DAYS, lint
from waarmerk.provenance.credentials.certificates import Issued, OwnAuthority, key_pem, make_key
from waarmerk.provenance.credentials.signing_engine import signing_settings
from waarmerk.provenance.credentials.signing_keys import Algorithm, Secret, pem_of, spki
from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.report.wording import LANGUAGES, wording
from waarmerk.provenance.trust.chain import Anchors, chains_to, may_sign_claims

CLAIM, EMAIL, STAMP = "1.3.6.1.4.1.62558.2.1", "1.3.6.1.5.5.7.3.4", "1.3.6.1.5.5.7.3.8"
CLIENT, SERVER = "1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.1"
CODE, OCSP, ANY = "1.3.6.1.5.5.7.3.3", "1.3.6.1.5.5.7.3.9", "2.5.29.37.0"


@pytest.fixture(scope="module")
def authority(kit: Any) -> OwnAuthority:
    return OwnAuthority.create("Campagne Delta", at=kit.NOW)


def odd(
    authority: OwnAuthority,
    kit: Any,
    *,
    purposes: Sequence[str] = (CLAIM, EMAIL),
    usage: str | None = "sign",
    ca: bool = False,
    identifiers: str = "ski aki",
    organisation: bool = True,
    days: tuple[int, int] = (-1, 300),
    key: Any = None,
    digest: Any = None,
) -> tuple[x509.Certificate, ...]:
    """A leaf of the profile but for what the arguments change, with its intermediate."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    issuer = authority.intermediate
    names = [x509.NameAttribute(NameOID.COMMON_NAME, "Odd")]
    names += [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Odd")] if organisation else []
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name(names))
        .issuer_name(issuer.certificate.subject)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(kit.NOW + timedelta(days=days[0]))
        .not_valid_after(kit.NOW + timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if purposes:
        listed = x509.ExtendedKeyUsage([x509.ObjectIdentifier(each) for each in purposes])
        builder = builder.add_extension(listed, critical=False)
    if usage is not None:
        flags = dict.fromkeys(
            (
                "content_commitment",
                "key_encipherment",
                "data_encipherment",
                "crl_sign",
                "encipher_only",
                "decipher_only",
            ),
            False,
        )
        used = x509.KeyUsage(
            digital_signature="sign" in usage, key_cert_sign="cert" in usage, key_agreement="agree" in usage, **flags
        )
        builder = builder.add_extension(used, critical=True)
    if "ski" in identifiers:
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    if "aki" in identifiers:
        known = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())  # type: ignore[arg-type]
        builder = builder.add_extension(known, critical=False)
    return builder.sign(issuer.key, digest or hashes.SHA256()), issuer.certificate


ODD: dict[str, dict[str, Any]] = {
    "any-purpose": {"purposes": (CLAIM, ANY)},
    "ca": {"ca": True},
    "client-auth": {"purposes": (CLIENT,)},
    "code-signing": {"purposes": (CODE,)},
    "expired": {"days": (-300, -1)},
    "long-life": {"days": (-1, 3650)},
    "mixed-purposes": {"purposes": (EMAIL, STAMP)},
    "no-authority-key-id": {"identifiers": "ski"},
    "no-digital-signature": {"usage": "agree"},
    "no-key-usage": {"usage": None},
    "no-organisation": {"organisation": False},
    "no-purpose": {"purposes": ()},
    "no-subject-key-id": {"identifiers": "aki"},
    "not-yet-valid": {"days": (2, 300)},
    "ocsp-signing": {"purposes": (CLAIM, OCSP)},
    "other-purpose": {"purposes": ("1.2.3.4.5",)},
    "server-auth": {"purposes": (SERVER,)},
    "signs-certificates": {"usage": "sign cert"},
    "time-stamping": {"purposes": (STAMP,)},
    "weak-curve": {"key": ec.generate_private_key(ec.SECP256K1())},
    "weak-rsa": {"key": rsa.generate_private_key(65537, 1024)},
}
# What the engine lets pass, and is refused here all the same.
LENIENT = {"long-life", "no-organisation", "no-subject-key-id", "time-stamping"}


@pytest.mark.parametrize("reason", ODD)
def test_each_reason_is_named(authority: OwnAuthority, kit: Any, reason: str) -> None:
    codes = [each.code for each in lint(odd(authority, kit, **ODD[reason]), kit.NOW)]
    assert codes == [f"certificate.{reason}"]


def test_reasons_are_named_together(authority: OwnAuthority, kit: Any) -> None:
    chain = odd(authority, kit, purposes=(CLIENT,), usage=None, days=(-900, -1), identifiers="")
    codes = {each.code.removeprefix("certificate.") for each in lint(chain[:1], kit.NOW)}
    assert codes == {
        "client-auth",
        "no-key-usage",
        "expired",
        "long-life",
        "no-authority-key-id",
        "no-subject-key-id",
        "leaf-alone",
    }


@pytest.mark.parametrize("reason", sorted(ODD.keys() - {"weak-rsa", "weak-curve"}))
def test_what_the_engine_refuses_is_named_and_what_it_lets_pass_is_known(
    authority: OwnAuthority, kit: Any, reason: str
) -> None:
    import c2pa

    key = ec.generate_private_key(ec.SECP256R1())
    chain = odd(authority, kit, **{**ODD[reason], "key": key})

    def sign(message: bytes) -> bytes:
        return key.sign(message, ec.ECDSA(hashes.SHA256()))

    engine = c2pa.Signer.from_callback(sign, c2pa.C2paSigningAlg.ES256, pem_of(chain), None)
    builder = c2pa.Builder(kit.created(), context=c2pa.Context.from_dict(signing_settings(())))
    if reason in LENIENT:
        builder.sign(engine, "image/jpeg", io.BytesIO(kit.jpeg()), io.BytesIO())
    else:
        with pytest.raises(c2pa.C2paError):
            builder.sign(engine, "image/jpeg", io.BytesIO(kit.jpeg()), io.BytesIO())


@pytest.mark.parametrize("purpose", [CLIENT, CODE, SERVER])
def test_a_further_purpose_beside_signing_is_no_reason(authority: OwnAuthority, kit: Any, purpose: str) -> None:
    """A bought S/MIME certificate is often for logging in as well; the engine and our reader take it."""
    chain = odd(authority, kit, purposes=(EMAIL, purpose))
    assert lint(chain, kit.NOW) == ()
    assert may_sign_claims(chain[0])


def test_chain_and_key(authority: OwnAuthority, kit: Any) -> None:
    leaf = authority.issue(at=kit.NOW)
    good = authority.chain_of(leaf)
    assert lint(good, kit.NOW, key=spki(leaf.key.public_key())) == ()
    assert [each.code for each in lint(good[:1], kit.NOW)] == ["certificate.leaf-alone"]
    other = spki(ec.generate_private_key(ec.SECP256R1()).public_key())
    assert [each.code for each in lint(good, kit.NOW, key=other)] == ["certificate.key-mismatch"]
    strange = OwnAuthority.create("Another", at=kit.NOW).intermediate.certificate
    assert [each.code for each in lint((good[0], strange), kit.NOW)] == ["certificate.issuer-mismatch"]
    assert [each.code for each in lint((), kit.NOW)] == ["certificate.unreadable"]
    later = kit.NOW + timedelta(days=MAX_LEAF_DAYS * 3)
    assert [each.code for each in lint(good, later)] == ["certificate.expired"] * 2  # the leaf and its issuer


def test_every_reason_has_a_sentence_in_each_language() -> None:
    for language in LANGUAGES:
        sentences = wording(language).sections["certificate"]
        assert sentences.keys() == CODES
        assert len(set(sentences.values())) == len(CODES)


@pytest.mark.parametrize("algorithm", Algorithm)
def test_the_profile_of_the_leaf(kit: Any, algorithm: Algorithm) -> None:
    authority = OwnAuthority.create("Campagne Delta", at=kit.NOW, algorithm=algorithm)
    leaf = authority.issue(at=kit.NOW, algorithm=algorithm)
    found, of = leaf.certificate, leaf.certificate.extensions.get_extension_for_class
    usage = of(x509.KeyUsage)
    assert usage.critical
    assert usage.value.digital_signature
    assert not usage.value.key_cert_sign
    assert not usage.value.content_commitment
    assert {each.dotted_string for each in of(x509.ExtendedKeyUsage).value} == {CLAIM, EMAIL}
    assert not of(x509.BasicConstraints).value.ca
    middle = authority.intermediate.certificate.extensions
    assert (
        of(x509.AuthorityKeyIdentifier).value.key_identifier
        == middle.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    )
    assert (found.not_valid_after_utc - found.not_valid_before_utc).days == 366
    assert isinstance(leaf.key, ed25519.Ed25519PrivateKey) == (algorithm is Algorithm.ED25519)
    anchors = Anchors.of([authority.root.certificate])
    assert may_sign_claims(found)
    assert chains_to(found, authority.chain_of(leaf)[1:], anchors, at=kit.NOW, allowed=frozenset({CLAIM, EMAIL}))
    assert not chains_to(found, (), anchors, at=kit.NOW, allowed=frozenset({CLAIM, EMAIL}))


def test_equal_chance_and_clock_give_equal_certificates() -> None:
    def chance() -> tuple[Any, Any]:
        numbers, keys = iter(range(1, 9)), iter(ED25519_KEYS)
        return (lambda: next(numbers)), (lambda algorithm: next(keys))

    made = []
    for _ in range(2):
        serial, make = chance()
        ours = OwnAuthority.create("Campagne", at=AT, algorithm=Algorithm.ED25519, serial=serial, make=make)
        leaf = ours.issue(at=AT, algorithm=Algorithm.ED25519, serial=serial, make=make)
        made.append(pem_of((*ours.chain_of(leaf), ours.root.certificate)))
    assert made[0] == made[1]
    assert make_key(Algorithm.ES256).private_numbers() != make_key(Algorithm.ES256).private_numbers()  # type: ignore[union-attr]


ED25519_KEYS = [ed25519.Ed25519PrivateKey.from_private_bytes(bytes([each]) * 32) for each in (1, 2, 3)]


@pytest.mark.parametrize("name", ["", "  ", "x" * 65, "Ö" * 33, "a\x00b", "\u202eabc"])
def test_a_name_that_no_certificate_should_hold_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        OwnAuthority.create(name, at=AT)
    assert caught.value.code == "keys.organisation"


def test_a_long_name_still_fits_the_common_name() -> None:
    leaf = OwnAuthority.create("Ö" * 32, at=AT).issue(at=AT)
    (common,) = leaf.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert len(str(common.value).encode()) <= 64


def test_readers_show_the_organisation_and_nothing_behind_it() -> None:
    subject = OwnAuthority.create("Desk BV", at=AT).issue(at=AT).certificate.subject
    assert [str(each.value) for each in subject] == ["Desk BV", "Desk BV"]


def test_keys_are_written_encrypted_where_there_is_a_passphrase() -> None:
    key = make_key(Algorithm.ES256)
    assert b"ENCRYPTED" in key_pem(key, Secret(b"correct horse")).reveal()
    assert b"ENCRYPTED" not in key_pem(key, None).reveal()
    assert "key" not in repr(Issued(certificate=OwnAuthority.create("X", at=AT).root.certificate, key=key))


def test_the_purposes_here_are_those_of_the_library() -> None:
    assert ExtendedKeyUsageOID.CLIENT_AUTH.dotted_string == CLIENT
    assert ExtendedKeyUsageOID.OCSP_SIGNING.dotted_string == OCSP
