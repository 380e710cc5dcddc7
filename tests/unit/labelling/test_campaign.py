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
from waarmerk.provenance.model import Duty, DutyStatus
from waarmerk.provenance.report.rows import fact_words
from waarmerk.provenance.report.wording import wording
from waarmerk.provenance.verdict import weigh

PACKS = load_packs()
AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
AD = {"decl": "ai", "role": "deployer", "modality": "image", "jur": ["NL"], "political_ad": True}

FAKE = {
    "professional": True,
    "exists_or_plausible": True,
    "appears_authentic": True,
    "edit": "full",
    "art": False,
    "generated_on": "2026-11-01",
}


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


def test_what_nobody_said_is_called_assumed_and_is_no_ground_to_publish_unasked() -> None:
    _, together = both(AD)
    label = next(duty for duty in together if duty.rule == "TTPA-11-label")
    assert f"role = {PUBLISHER} (assumed)" in label.because
    assert "political_ad = true (uploader)" in label.because
    assert not label.automatic
    stated, _ = both({**AD, "role": PUBLISHER})
    label = next(duty for duty in stated if duty.rule == "TTPA-11-label")
    assert f"role = {PUBLISHER} (uploader)" in label.because
    assert label.automatic
    for role, by, may in (("deployer", "uploader", True), ("deployer", "assumed", False)):
        told, _ = both({**AD, **FAKE, "role": {"value": role, "by": by}})
        resting = [duty for duty in told if f"role = {role} ({by})" in duty.because]
        assert any(duty.automatic for duty in resting) is may
        assert resting


@pytest.mark.parametrize(("jur", "why"), [(["NL"], "EU, NL (uploader, derived)"), (["EU"], "EU (uploader)")])
def test_a_country_that_follows_from_another_is_called_derived(jur: list[str], why: str) -> None:
    alone, _ = both({**AD, "jur": jur})
    assert {fact for duty in alone for fact in duty.because if fact.startswith("jur")} == {f"jur = {why}"}


@pytest.mark.parametrize(
    ("language", "words"), [("en", "assumed: whoever does this"), ("nl", "aangenomen: wie dit doet")]
)
def test_an_assumption_is_told_in_words(language: str, words: str) -> None:
    assert fact_words(wording(language), "role = deployer (assumed)") == f"role = deployer ({words})"


@pytest.mark.parametrize(
    "changed",
    [{"political_ad": False}, {"role": "platform"}, {"role": PUBLISHER}, {"role": None}],
)
def test_everybody_else_is_told_their_own(changed: dict[str, Any]) -> None:
    alone, together = both({name: value for name, value in {**AD, **changed}.items() if value is not None})
    assert together == alone


@pytest.mark.parametrize("further", [{}, {"sponsor_third_country": True}])
def test_whether_it_is_a_political_advertisement_is_asked_where_nobody_says(further: dict[str, Any]) -> None:
    """A site of one's own has no rule that asks it; what the publisher owes hangs on it all the same."""
    alone, together = both({name: value for name, value in {**AD, **further}.items() if name != "political_ad"})
    undecided = together[len(alone) :]
    assert {duty.rule for duty in undecided} == {"TTPA-11-label", "TTPA-12-notice"}
    assert {duty.status for duty in undecided} == {DutyStatus.UNDECIDED}
    assert all([question.field for question in duty.asks] == ["political_ad"] for duty in undecided)
    assert f"role = {PUBLISHER} (assumed)" in undecided[0].because
