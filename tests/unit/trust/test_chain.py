# SPDX-License-Identifier: Apache-2.0
"""Certificate paths at a given time."""

from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519

from waarmerk.provenance.trust.chain import (
    AUTHORITY_PURPOSES,
    CLAIM_SIGNING,
    EMAIL_PROTECTION,
    SIGNER_PURPOSES,
    TIME_STAMPING,
    Anchors,
    chains_to,
    load_certificate,
    may_sign_claims,
)


def reaches(kit: Any, leaf: Any, pool: Any, anchors: Any, *, at: Any = None, allowed: Any = SIGNER_PURPOSES) -> bool:
    return chains_to(
        leaf.certificate,
        [each.certificate for each in pool],
        Anchors.of(each.certificate for each in anchors),
        at=at or kit.T0 + timedelta(days=10),
        allowed=allowed,
    )


def test_straight_and_through_intermediates(kit: Any, root: Any) -> None:
    middle = kit.issue("middle", root, ca=True)
    lower = kit.issue("lower", middle, ca=True)
    leaf = kit.issue("leaf", lower, purposes=[CLAIM_SIGNING])
    assert reaches(kit, leaf, [lower, middle], [root])
    assert reaches(kit, leaf, [lower], [middle]), "an intermediate may be the anchor"
    assert not reaches(kit, leaf, [lower], [root]), "a gap"
    assert not reaches(kit, leaf, [lower, middle], [])
    assert not reaches(kit, leaf, [], [leaf]), "a leaf is no anchor"


def test_every_certificate_must_live_at_that_time(kit: Any, root: Any) -> None:
    middle = kit.issue("middle", root, ca=True, end=kit.T0 + timedelta(days=50))
    leaf = kit.issue("leaf", middle, purposes=[CLAIM_SIGNING], start=kit.T0 + timedelta(days=5))
    assert reaches(kit, leaf, [middle], [root])
    assert not reaches(kit, leaf, [middle], [root], at=kit.T0 + timedelta(days=60))
    assert not reaches(kit, leaf, [middle], [root], at=kit.T0 + timedelta(days=1))
    assert not reaches(kit, leaf, [middle], [root], at=kit.T0 + timedelta(days=400))


def test_a_leaf_issues_nothing(kit: Any, root: Any) -> None:
    desk = kit.issue("desk", root, purposes=[CLAIM_SIGNING])
    forged = kit.issue("forged", desk, purposes=[CLAIM_SIGNING])
    assert not reaches(kit, forged, [desk], [root])
    assert not reaches(kit, forged, [], [desk])


def test_a_name_alone_is_no_issuer(kit: Any, root: Any) -> None:
    impostor = kit.issue("root", ca=True)
    leaf = kit.issue("leaf", impostor, purposes=[CLAIM_SIGNING])
    assert not reaches(kit, leaf, [impostor], [root])


def test_limits_that_an_issuer_states_hold(kit: Any) -> None:
    top = kit.issue("short", ca=True, path_length=0)
    middle = kit.issue("middle", top, ca=True)
    assert not reaches(kit, kit.issue("leaf", middle, purposes=[CLAIM_SIGNING]), [middle], [top])
    assert reaches(kit, kit.issue("leaf", top, purposes=[CLAIM_SIGNING]), [], [top])
    stamps = kit.issue("stamps", ca=True, purposes=[TIME_STAMPING])
    assert not reaches(kit, kit.issue("leaf", stamps, purposes=[CLAIM_SIGNING]), [], [stamps])
    assert reaches(kit, kit.issue("leaf", stamps, purposes=[TIME_STAMPING]), [], [stamps], allowed=AUTHORITY_PURPOSES)


def test_what_is_critical_and_not_understood_ends_the_path(kit: Any) -> None:
    names = x509.NameConstraints(permitted_subtrees=[x509.DNSName("example.org")], excluded_subtrees=None)
    constrained = kit.issue("constrained", ca=True, extra=(names, True))
    assert not reaches(kit, kit.issue("leaf", constrained, purposes=[CLAIM_SIGNING]), [], [constrained])


def test_edwards_curves_and_circles(kit: Any, root: Any) -> None:
    top = kit.issue("edwards", ca=True, key=ed25519.Ed25519PrivateKey.generate())
    assert reaches(kit, kit.issue("leaf", top, purposes=[CLAIM_SIGNING]), [], [top])
    first = kit.issue("a", ca=True)
    second = kit.issue("b", first, ca=True)
    circle = kit.issue("a", second, ca=True, key=first.key)
    assert not reaches(kit, kit.issue("leaf", circle, purposes=[CLAIM_SIGNING]), [circle, second, first], [root])


def test_many_certificates_of_one_name_cost_little(kit: Any, root: Any) -> None:
    first = kit.issue("same", ca=True)
    pool = [kit.issue("same", first, ca=True) for _ in range(40)]
    assert not reaches(kit, kit.issue("leaf", first, purposes=[CLAIM_SIGNING]), pool, [root])


@pytest.mark.parametrize(
    ("purposes", "may"),
    [
        ([CLAIM_SIGNING], True),
        ([EMAIL_PROTECTION], True),
        ([CLAIM_SIGNING, "1.2.840.113583.1.1.12"], True),
        ([TIME_STAMPING], False),
        ([EMAIL_PROTECTION, TIME_STAMPING], False),
        ([CLAIM_SIGNING, "1.3.6.1.5.5.7.3.9"], False),
        ([CLAIM_SIGNING, "2.5.29.37.0"], False),
        (["1.3.6.1.5.5.7.3.3"], False),
        ([], False),
    ],
)
def test_who_may_sign_claims(kit: Any, root: Any, purposes: list[str], may: bool) -> None:
    assert may_sign_claims(kit.issue("leaf", root, purposes=purposes).certificate) is may


def test_an_authority_may_not_sign_claims(kit: Any) -> None:
    assert not may_sign_claims(kit.issue("ca", ca=True, purposes=[CLAIM_SIGNING]).certificate)


def test_a_pass_is_worth_its_time_only_where_a_name_is_on_the_list(kit: Any, root: Any) -> None:
    leaf, stranger = kit.issue("leaf", root), kit.issue("stranger")
    anchors = Anchors.of([root.certificate])
    assert anchors.could_vouch_for([leaf.certificate])
    assert Anchors.of([leaf.certificate]).could_vouch_for([leaf.certificate])
    assert not anchors.could_vouch_for([stranger.certificate])


@pytest.mark.parametrize("data", [b"", b"\x30\x00", b"\x30\x82\xff\xff", bytes(100)])
def test_what_is_no_certificate_is_none(data: bytes) -> None:
    assert load_certificate(data) is None


def test_a_serial_number_that_none_may_have_is_refused_in_silence(root: Any) -> None:
    serial = root.certificate.serial_number
    encoded = serial.to_bytes(serial.bit_length() // 8 + 1, "big")
    negative = root.der.replace(encoded, b"\xff" + encoded[1:])
    assert load_certificate(root.der) is not None
    assert load_certificate(negative) is None
