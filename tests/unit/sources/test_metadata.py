# SPDX-License-Identifier: Apache-2.0
"""Unsigned declarations on the scale of assurance."""

import pytest

from waarmerk.provenance.model import Assurance, Declarations, Finding, Hint, Origin, Tier
from waarmerk.provenance.sources.metadata import evidence_of
from waarmerk.provenance.verdict import weigh


@pytest.mark.parametrize(
    ("declared", "tier", "origin"),
    [
        (Declarations(source_types=("trainedAlgorithmicMedia",)), Tier.CLAIMED, Origin.AI_GENERATED),
        (Declarations(source_types=("compositeSynthetic",)), Tier.CLAIMED, Origin.AI_MODIFIED),
        (Declarations(source_types=("algorithmicMedia",)), Tier.NONE, Origin.UNKNOWN),
        (Declarations(source_types=("digitalCapture",)), Tier.NONE, Origin.UNKNOWN),
        (Declarations(source_types=("somethingElse",)), Tier.NONE, Origin.UNKNOWN),
        (Declarations(aigc_label="1"), Tier.CLAIMED, Origin.AI_GENERATED),
        (Declarations(aigc_label="7"), Tier.CLAIMED, Origin.AI_GENERATED),
        (Declarations(aigc_label="2"), Tier.SUSPECTED, Origin.UNKNOWN),
        (Declarations(aigc_label="3"), Tier.SUSPECTED, Origin.UNKNOWN),
        (Declarations(hints=(Hint(tool="X", where="png:parameters"),)), Tier.SUSPECTED, Origin.UNKNOWN),
        (Declarations(camera="Acme 1", software="Editor 2"), Tier.NONE, Origin.UNKNOWN),
        (Declarations(), Tier.NONE, Origin.UNKNOWN),
    ],
)
def test_a_declaration_is_claimed_at_most(declared: Declarations, tier: Tier, origin: Origin) -> None:
    verdict = weigh(evidence_of(declared))
    assert (verdict.tier, verdict.origin, verdict.authentic_capture) == (tier, origin, False)


def test_damaged_metadata_is_unread_not_absent() -> None:
    finding = Finding("metadata.unreadable", "xmp")
    (evidence,) = evidence_of(Declarations(findings=(finding,)))
    assert evidence.assurance is Assurance.UNREADABLE
    assert weigh([evidence]).concerns == (finding,)
