# SPDX-License-Identifier: Apache-2.0
"""From evidence to verdict: pure, total, and blind to the order of what it is given.

Two asymmetries carry it. An AI claim is believed, as a claim, from anyone, for it speaks against the interest of
whoever makes it; a camera claim only from a trusted, intact credential. And a suspicion never displaces what a
trusted credential states. No law, country or platform is known here.
"""

from collections.abc import Iterable

from waarmerk.provenance.model import Assurance, Claimant, Evidence, Finding, Origin, Tier, Verdict

_TIERS = {
    Assurance.TRUSTED: Tier.PROVEN,
    Assurance.VALID: Tier.CLAIMED,
    Assurance.DECLARED: Tier.CLAIMED,
    Assurance.INDIRECT: Tier.SUSPECTED,
    Assurance.INVALID: Tier.SUSPECTED,
}
_STRENGTH = {Tier.NONE: 0, Tier.SUSPECTED: 1, Tier.CLAIMED: 2, Tier.PROVEN: 3}


def tier_of(evidence: Evidence) -> Tier:
    """How well one piece of evidence supports an AI finding; ``NONE`` if it makes no such claim."""
    return _TIERS[evidence.assurance] if evidence.origin.is_ai else Tier.NONE


def weigh(evidence: Iterable[Evidence]) -> Verdict:
    """Weigh all evidence into one verdict.

    The AI claim of the highest tier wins, on equal tier "generated" over "modified". Without a proven or claimed
    AI claim the origin is what a trusted credential states, else unknown. Adding evidence that could not look, or
    found nothing, changes nothing but the concerns.
    """
    seen = tuple(evidence)
    claim = max((e for e in seen if e.origin.is_ai), key=_claim_rank, default=None)
    tier = Tier.NONE if claim is None else tier_of(claim)
    stated = _stated_by_trusted(seen)
    conflict = tier is not Tier.NONE and (stated is Origin.CAPTURED or any(e.contradicts_ai for e in seen))
    stands = tier in (Tier.PROVEN, Tier.CLAIMED)
    bars = _bars(seen) if stated is Origin.CAPTURED else ()
    return Verdict(
        origin=claim.origin if claim is not None and stands else stated,
        tier=tier,
        claimed_by=_claimants(seen),
        authentic_capture=stated is Origin.CAPTURED and tier is Tier.NONE and not conflict and not bars,
        conflict=conflict,
        concerns=_concerns(seen, bars, conflict=conflict, tier=tier),
    )


def _claim_rank(evidence: Evidence) -> tuple[int, bool]:
    return _STRENGTH[tier_of(evidence)], evidence.origin is Origin.AI_GENERATED


def _stated_by_trusted(seen: tuple[Evidence, ...]) -> Origin:
    """What trusted credentials say where they say no AI; captured before created, so that no order matters."""
    return next((origin for origin in (Origin.CAPTURED, Origin.CREATED) if _says(seen, origin)), Origin.UNKNOWN)


def _says(seen: tuple[Evidence, ...], origin: Origin) -> bool:
    """Whether a trusted credential states this origin."""
    return any(e.origin is origin and e.assurance is Assurance.TRUSTED and e.claimant is Claimant.SIGNER for e in seen)


def _bars(seen: tuple[Evidence, ...]) -> tuple[Finding, ...]:
    """Why a trusted capture is not an authentic one: the bars of every source that states it, for one is enough."""
    captures = (e for e in seen if e.origin is Origin.CAPTURED and e.assurance is Assurance.TRUSTED)
    return tuple(sorted({bar for e in captures for bar in e.bars}))


def _claimants(seen: tuple[Evidence, ...]) -> tuple[Claimant, ...]:
    """Who claims AI without proof, in the order of the report's vocabulary."""
    claimed = {e.claimant for e in seen if tier_of(e) is Tier.CLAIMED}
    return tuple(claimant for claimant in Claimant if claimant in claimed)


def _concerns(
    seen: tuple[Evidence, ...], bars: tuple[Finding, ...], *, conflict: bool, tier: Tier
) -> tuple[Finding, ...]:
    findings = {finding for e in seen for finding in e.findings}
    findings.update(bars)
    if conflict:
        findings.add(Finding("verdict.conflict"))
    if tier is not Tier.NONE and _says(seen, Origin.CREATED):  # no conflict by definition, yet nothing to hide
        findings.add(Finding("verdict.created-and-ai"))
    return tuple(sorted(findings))
