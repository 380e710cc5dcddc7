# SPDX-License-Identifier: Apache-2.0
"""The table from status codes to axes."""

import pytest

from waarmerk.provenance.credentials.identity import identity_of
from waarmerk.provenance.credentials.status import (
    ALTERED,
    CHAIN_BROKEN,
    CHAIN_MISSING,
    MALFORMED,
    UNCHECKED,
    Status,
    attribute,
    integrity_of,
    is_recorded_break,
    statuses,
)
from waarmerk.provenance.model import Identity, Integrity

GOOD = (Status("claimSignature.validated", "success"), Status("assertion.dataHash.match", "success"))
MISPLACED = "data hash exclusion does not match the manifest location in the asset"


def failing(*codes: str) -> tuple[Status, ...]:
    return (*GOOD, *(Status(code, "failure") for code in codes))


@pytest.mark.parametrize("code", sorted(ALTERED))
def test_a_mismatch_is_altered_whatever_else_is_said(code: str) -> None:
    assert integrity_of(failing(code, "claim.malformed", "general.error"))[0] is Integrity.ALTERED


@pytest.mark.parametrize("code", sorted(MALFORMED))
def test_a_broken_rule_is_malformed_never_altered(code: str) -> None:
    assert integrity_of(failing(code, "general.error"))[0] is Integrity.MALFORMED


@pytest.mark.parametrize("code", sorted(UNCHECKED))
def test_what_could_not_be_checked_is_unchecked(code: str) -> None:
    assert integrity_of(failing(code))[0] is Integrity.UNCHECKED


@pytest.mark.parametrize(
    "code",
    [
        "signingCredential.untrusted",
        "signingCredential.expired",
        "signingCredential.invalid",
        "signingCredential.ocsp.revoked",
        "timeStamp.untrusted",
        "timeStamp.mismatch",
        "cawg.ica.did_unavailable",
        "ingredient.manifest.missing",
        "ingredient.claimSignature.mismatch",
    ],
)
def test_signer_time_identity_and_chain_leave_the_integrity_alone(code: str) -> None:
    assert integrity_of(failing(code)) == (Integrity.INTACT, ())


@pytest.mark.parametrize("code", ["assertion.newHash.mismatch", "claimSignature.odd", "brandnew"])
def test_an_unknown_failure_is_never_ignored(code: str) -> None:
    assert integrity_of(failing(code)) == (Integrity.UNCHECKED, (code,))


def test_intact_takes_a_signature_and_a_binding_that_succeeded() -> None:
    assert integrity_of(GOOD)[0] is Integrity.INTACT
    assert integrity_of(GOOD[:1])[0] is Integrity.UNCHECKED
    assert integrity_of(GOOD[1:])[0] is Integrity.UNCHECKED
    assert integrity_of(())[0] is Integrity.UNCHECKED
    assert integrity_of([Status(each.code, "informational") for each in GOOD])[0] is Integrity.UNCHECKED


def test_a_misplaced_exclusion_is_malformed_and_a_second_mismatch_altered() -> None:
    misplaced = Status("assertion.dataHash.mismatch", "failure", explanation=MISPLACED)
    assert integrity_of((*GOOD, misplaced))[0] is Integrity.MALFORMED
    assert integrity_of((*GOOD, misplaced, Status("assertion.dataHash.mismatch", "failure")))[0] is Integrity.ALTERED


def test_the_tables_do_not_overlap() -> None:
    assert not ALTERED & MALFORMED
    assert not (ALTERED | MALFORMED) & (UNCHECKED | CHAIN_BROKEN | CHAIN_MISSING)


@pytest.mark.parametrize(
    ("url", "is_own"),
    [
        ("self#jumbf=/c2pa/top/c2pa.signature", True),
        ("self#jumbf=/c2pa/below/c2pa.signature", False),
        ("self#jumbf=/c2pa/nowhere/c2pa.signature", True),
        ("self#jumbf=c2pa.assertions/c2pa.hash.data", True),
        ("below", True),
        ("", True),
    ],
)
def test_a_code_counts_elsewhere_only_if_its_url_names_another_manifest(url: str, is_own: bool) -> None:
    entry = Status("assertion.hashedURI.mismatch", "failure", url)
    own, foreign = attribute([entry], "top", frozenset({"top", "below"}), frozenset({"below"}))
    assert (own, foreign) == (((entry,), ()) if is_own else ((), (entry,)))


def test_an_update_manifest_is_bound_by_its_parents_binding() -> None:
    entry = Status("assertion.dataHash.mismatch", "failure", "self#jumbf=/c2pa/below/c2pa.assertions/c2pa.hash.data")
    labels = frozenset({"top", "below"})
    assert attribute([entry], "top", labels, frozenset({"below"}))[0] == (entry,)
    assert attribute([entry], "top", labels, frozenset())[1] == (entry,)


@pytest.mark.parametrize(
    ("code", "breaks"),
    [
        ("assertion.dataHash.mismatch", True),
        ("claimSignature.mismatch", True),
        ("assertion.action.malformed", True),
        ("ingredient.hashedURI.mismatch", True),
        ("assertion.newHash.mismatch", True),
        ("signingCredential.untrusted", False),
        ("signingCredential.invalid", False),
        ("timeStamp.mismatch", False),
        ("cawg.ica.signature_mismatch", False),
        ("ingredient.manifest.missing", False),
    ],
)
def test_what_breaks_a_chain(code: str, breaks: bool) -> None:
    assert is_recorded_break(code) is breaks


@pytest.mark.parametrize("value", [None, 7, [], {"failure": 3}, {"failure": [3, {"code": 4}, {}]}])
def test_results_of_any_shape_are_survived(value: object) -> None:
    assert tuple(statuses(value)) == ()


def cawg(*codes: str, kind: str = "success") -> list[Status]:
    return [Status(f"cawg.{code}", kind) for code in codes]


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        (cawg("identity.well-formed"), Identity.UNVERIFIED),
        (cawg("x509.credential.untrusted", kind="failure"), Identity.UNVERIFIED),
        (cawg("ica.untrusted_issuer", kind="failure"), Identity.UNVERIFIED),
        (cawg("ica.did_unavailable", kind="failure"), Identity.UNAVAILABLE),
        (cawg("ica.did_unavailable", "ica.signer_payload.mismatch", kind="failure"), Identity.FAILED),
        (cawg("x509.signature.mismatch", "x509.credential.untrusted", kind="failure"), Identity.FAILED),
        (cawg("something.new", kind="failure"), Identity.FAILED),
        (cawg("identity.trusted", "x509.signature.validated"), Identity.UNVERIFIED),
        ([], Identity.UNVERIFIED),
    ],
)
def test_identity_without_a_list_of_issuers_is_never_verified(entries: list[Status], expected: Identity) -> None:
    assert identity_of(entries) is expected


def test_identity_with_a_list_of_issuers() -> None:
    assert identity_of(cawg("identity.trusted", "x509.signature.validated"), is_listed=True) is Identity.VERIFIED
    assert identity_of(cawg("ica.credential_valid"), is_listed=True) is Identity.VERIFIED
    assert identity_of(cawg("identity.trusted"), is_listed=True) is Identity.UNVERIFIED
    mixed = cawg("ica.credential_valid") + cawg("ica.untrusted_issuer", kind="failure")
    assert identity_of(mixed, is_listed=True) is Identity.UNVERIFIED
