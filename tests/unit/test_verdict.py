# SPDX-License-Identifier: Apache-2.0
"""The verdict, row by row of the contract's tables."""

from itertools import permutations

import pytest

from waarmerk.provenance.model import Assurance, Claimant, Evidence, Finding, Origin, Tier, Verdict
from waarmerk.provenance.verdict import weigh


def said(
    assurance: Assurance,
    origin: Origin = Origin.UNKNOWN,
    claimant: Claimant = Claimant.SIGNER,
    **more: object,
) -> Evidence:
    return Evidence(channel="c2pa", claimant=claimant, assurance=assurance, origin=origin, **more)  # type: ignore[arg-type]


CAMERA = said(Assurance.TRUSTED, Origin.CAPTURED)


def test_nothing_says_nothing() -> None:
    assert weigh([]) == Verdict()
    assert weigh([said(Assurance.ABSENT), said(Assurance.UNREADABLE)]) == Verdict()


@pytest.mark.parametrize(
    ("assurance", "tier", "origin"),
    [
        (Assurance.TRUSTED, Tier.PROVEN, Origin.AI_GENERATED),
        (Assurance.VALID, Tier.CLAIMED, Origin.AI_GENERATED),
        (Assurance.DECLARED, Tier.CLAIMED, Origin.AI_GENERATED),
        (Assurance.INDIRECT, Tier.SUSPECTED, Origin.UNKNOWN),
        (Assurance.INVALID, Tier.SUSPECTED, Origin.UNKNOWN),
    ],
)
def test_an_ai_claim_stands_as_well_as_its_assurance(assurance: Assurance, tier: Tier, origin: Origin) -> None:
    verdict = weigh([said(assurance, Origin.AI_GENERATED)])
    assert (verdict.tier, verdict.origin) == (tier, origin)


@pytest.mark.parametrize("assurance", [Assurance.DECLARED, Assurance.VALID])
def test_a_camera_claim_of_a_stranger_is_not_believed(assurance: Assurance) -> None:
    assert weigh([said(assurance, Origin.CAPTURED)]) == Verdict()


def test_a_trusted_capture_without_bars_is_an_authentic_capture() -> None:
    verdict = weigh([CAMERA])
    assert verdict.authentic_capture
    assert verdict.origin is Origin.CAPTURED


def test_a_bar_keeps_the_badge_away_and_is_named() -> None:
    bar = Finding("chain.open", "x")
    verdict = weigh([said(Assurance.TRUSTED, Origin.CAPTURED, bars=(bar,))])
    assert verdict.origin is Origin.CAPTURED
    assert not verdict.authentic_capture
    assert bar in verdict.concerns


def test_a_suspicion_against_a_trusted_camera_is_a_conflict_not_an_ai_verdict() -> None:
    suspicion = said(Assurance.INDIRECT, Origin.AI_GENERATED, Claimant.METADATA)
    for order in permutations([CAMERA, suspicion]):
        verdict = weigh(order)
        assert (verdict.origin, verdict.tier, verdict.conflict) == (Origin.CAPTURED, Tier.SUSPECTED, True)
        assert not verdict.authentic_capture
        assert Finding("verdict.conflict") in verdict.concerns


def test_a_claimed_ai_finding_stands_over_a_trusted_camera_with_conflict() -> None:
    verdict = weigh([CAMERA, said(Assurance.DECLARED, Origin.AI_GENERATED, Claimant.MARK)])
    assert (verdict.origin, verdict.tier, verdict.conflict) == (Origin.AI_GENERATED, Tier.CLAIMED, True)
    assert verdict.claimed_by == (Claimant.MARK,)


@pytest.mark.parametrize("assurance", [Assurance.TRUSTED, Assurance.DECLARED, Assurance.INDIRECT])
def test_a_declaration_against_ai_makes_a_conflict(assurance: Assurance) -> None:
    denial = said(Assurance.DECLARED, Origin.UNKNOWN, Claimant.UPLOADER, contradicts_ai=True)
    assert weigh([said(assurance, Origin.AI_MODIFIED), denial]).conflict
    assert not weigh([denial]).conflict


def test_generated_wins_over_modified_on_equal_tier_only() -> None:
    generated = said(Assurance.DECLARED, Origin.AI_GENERATED)
    modified = said(Assurance.DECLARED, Origin.AI_MODIFIED)
    proven = said(Assurance.TRUSTED, Origin.AI_MODIFIED)
    assert weigh([modified, generated]).origin is Origin.AI_GENERATED
    assert weigh([generated, proven]).origin is Origin.AI_MODIFIED


def test_a_suspicion_does_not_displace_what_a_trusted_credential_says_was_created() -> None:
    verdict = weigh([said(Assurance.TRUSTED, Origin.CREATED), said(Assurance.INVALID, Origin.AI_GENERATED)])
    assert (verdict.origin, verdict.tier, verdict.conflict) == (Origin.CREATED, Tier.SUSPECTED, False)


def test_a_trusted_mark_does_not_speak_as_a_camera() -> None:
    assert weigh([said(Assurance.TRUSTED, Origin.CAPTURED, Claimant.MARK)]).origin is Origin.UNKNOWN


def test_a_verdict_has_no_truth_value() -> None:
    with pytest.raises(TypeError):
        bool(weigh([]))


@pytest.mark.parametrize(
    "parts",
    [
        {"origin": Origin.AI_GENERATED},
        {"tier": Tier.PROVEN},
        {"authentic_capture": True},
        {"origin": Origin.CAPTURED, "authentic_capture": True, "conflict": True},
        {"origin": Origin.CAPTURED, "authentic_capture": True, "tier": Tier.SUSPECTED},
    ],
)
def test_a_verdict_cannot_contradict_itself(parts: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"go together|authentic capture"):
        Verdict(**parts)  # type: ignore[arg-type]


def test_evidence_that_could_not_look_names_no_origin() -> None:
    with pytest.raises(ValueError, match="names no origin"):
        said(Assurance.UNREADABLE, Origin.AI_GENERATED)
    with pytest.raises(ValueError, match="captured"):
        said(Assurance.INDIRECT, Origin.CAPTURED)
