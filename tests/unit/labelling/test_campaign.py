# SPDX-License-Identifier: Apache-2.0
"""Whoever makes a political advertisement and publishes it is told both shares of the duties."""

from datetime import UTC, datetime
from typing import Any

import pytest

from waarmerk.provenance.labelling.campaign import PUBLISHER, with_publisher
from waarmerk.provenance.labelling.context import Context
from waarmerk.provenance.labelling.decide import decide
from waarmerk.provenance.labelling.loader import load_packs
from waarmerk.provenance.labelling.stated import split_facts, weighed
from waarmerk.provenance.model import Duty
from waarmerk.provenance.verdict import weigh

PACKS = load_packs()
AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
AD = {"decl": "ai", "role": "deployer", "modality": "image", "jur": ["NL"], "political_ad": True}


def both(stated: dict[str, Any]) -> tuple[tuple[Duty, ...], tuple[Duty, ...]]:
    facts, context = split_facts(stated, PACKS.by_name)

    def decided(context: Context) -> tuple[Duty, ...]:
        return decide(PACKS, facts, weighed(facts, context, weigh), context, AT)

    return decided(context), with_publisher(decided, context)


def test_a_political_advertisement_brings_the_duties_of_its_publisher() -> None:
    alone, together = both(AD)
    assert together[: len(alone)] == alone
    further = together[len(alone) :]
    assert {duty.rule for duty in further} >= {"TTPA-11-label", "TTPA-12-notice"}
    assert {duty.who for duty in further} == {PUBLISHER}
    assert len({duty.rule for duty in together}) == len(together)


@pytest.mark.parametrize(
    "changed",
    [{"political_ad": False}, {"political_ad": None}, {"role": "platform"}, {"role": PUBLISHER}, {"role": None}],
)
def test_everybody_else_is_told_their_own(changed: dict[str, Any]) -> None:
    alone, together = both({name: value for name, value in {**AD, **changed}.items() if value is not None})
    assert together == alone
