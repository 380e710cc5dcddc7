# SPDX-License-Identifier: Apache-2.0
"""The laws of the verdict, over all combinations of evidence: total, order-free, never upgraded."""

from collections.abc import Iterator
from itertools import product
from random import Random

from hypothesis import strategies as st

from tests.property.laws import MOST, PROMISED, law
from waarmerk.provenance.model import Assurance, Claimant, Evidence, Finding, Origin, Tier
from waarmerk.provenance.verdict import tier_of, weigh

FINDINGS = (Finding("chain.open"), Finding("trust.undated", "x"))
SOME = ((), *((one,) for one in FINDINGS), *product(FINDINGS, repeat=2))


def all_evidence() -> Iterator[Evidence]:
    """Every evidence that a source may give, with up to two findings: drawing one is one draw."""
    for assurance, channel, claimant in product(Assurance, ("c2pa", "metadata", "registry"), Claimant):
        origins = [Origin.UNKNOWN]
        if assurance > Assurance.ABSENT:
            origins += [Origin.CREATED, Origin.AI_GENERATED, Origin.AI_MODIFIED]
        if assurance >= Assurance.DECLARED:
            origins.append(Origin.CAPTURED)
        for origin, findings in product(origins, SOME):
            may_contradict = assurance > Assurance.ABSENT and origin is Origin.UNKNOWN
            for contradicts, bars in product(
                (False, True) if may_contradict else (False,), SOME if origin is Origin.CAPTURED else ((),)
            ):
                yield Evidence(
                    channel=channel,
                    claimant=claimant,
                    assurance=assurance,
                    origin=origin,
                    contradicts_ai=contradicts,
                    bars=bars,
                    findings=findings,
                )


ALL = tuple(all_evidence())
EVIDENCE = st.sampled_from(ALL)
MANY = st.lists(EVIDENCE, max_size=6)


def some(chance: Random) -> list[Evidence]:
    return chance.choices(ALL, k=chance.randint(0, 6))


STRENGTH = {Tier.NONE: 0, Tier.SUSPECTED: 1, Tier.CLAIMED: 2, Tier.PROVEN: 3}


@law(MANY, st.randoms(use_true_random=False))
def test_order_has_no_meaning_and_no_combination_fails(many: list[Evidence], random: object) -> None:
    shuffled = list(many)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert weigh(many) == weigh(shuffled)
    assert weigh(many) == weigh(many + many)


@law(MANY)
def test_the_badge_needs_a_trusted_signer_and_nothing_against_it(many: list[Evidence]) -> None:
    verdict = weigh(many)
    if verdict.authentic_capture:
        assert any(
            e.assurance is Assurance.TRUSTED and e.origin is Origin.CAPTURED and e.claimant is Claimant.SIGNER
            for e in many
        )
        assert all(tier_of(e) is Tier.NONE for e in many)
        assert not any(e.bars for e in many if e.assurance is Assurance.TRUSTED and e.origin is Origin.CAPTURED)


@law(MANY, EVIDENCE, examples=PROMISED, slow=MOST, drawn=lambda chance: (some(chance), chance.choice(ALL)))
def test_more_evidence_never_weakens_an_ai_claim_nor_gives_a_badge(many: list[Evidence], one: Evidence) -> None:
    before, after = weigh(many), weigh([*many, one])
    assert STRENGTH[after.tier] >= STRENGTH[before.tier]
    assert before.conflict <= after.conflict
    assert set(after.concerns) >= set(before.concerns) - {Finding("chain.open"), Finding("trust.undated", "x")}
    if one.assurance < Assurance.TRUSTED:
        assert after.authentic_capture <= before.authentic_capture


@law(MANY, st.integers(0, 5), examples=PROMISED, slow=MOST, drawn=lambda chance: (some(chance), chance.randint(0, 5)))
def test_taking_trust_away_never_upgrades(many: list[Evidence], index: int) -> None:
    if not many:
        return
    index %= len(many)
    one = many[index]
    could_not_look = Evidence(channel=one.channel, claimant=one.claimant, assurance=Assurance.UNREADABLE)
    before, after = weigh(many), weigh([*many[:index], could_not_look, *many[index + 1 :]])
    assert STRENGTH[after.tier] <= STRENGTH[before.tier]
    if after.authentic_capture and not before.authentic_capture:
        # only by losing what spoke against it: an AI claim, a denial of one, or a second capture with bars
        assert one.origin is not Origin.UNKNOWN or one.contradicts_ai


@law(MANY)
def test_an_ai_origin_is_proven_or_claimed_and_its_claimants_are_named(many: list[Evidence]) -> None:
    verdict = weigh(many)
    assert verdict.origin.is_ai == (verdict.tier in (Tier.PROVEN, Tier.CLAIMED))
    if verdict.tier is Tier.CLAIMED:
        assert verdict.claimed_by
