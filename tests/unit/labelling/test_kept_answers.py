# SPDX-License-Identifier: Apache-2.0
"""Kept answers are the answers: another fact, clock or origin is never served an earlier decision."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from waarmerk.provenance.labelling import applied
from waarmerk.provenance.labelling.applied import AppliedRules
from waarmerk.provenance.labelling.context import Context, Given
from waarmerk.provenance.labelling.loader import load_packs
from waarmerk.provenance.model import Credential, Declarations, Finding, Origin, Tier, Verdict

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
LATER = datetime(2028, 1, 2, 12, tzinfo=UTC)
NOON = datetime(2026, 8, 1, 12, tzinfo=UTC)  # the day before art. 50 of the AI Act applies
PACKS = load_packs()
CONTEXT = Context(given=(Given(field="jur", value=("NL",), origin="uploader"),))


def examined(**parts: Any) -> Any:
    empty = {"credential": Credential(), "declarations": Declarations(), "marks": (), "matches": (), "channels": ()}
    return SimpleNamespace(**{**empty, **parts})


def asset(media_type: str = "image/jpeg") -> Any:
    return SimpleNamespace(media_type=media_type)


def test_a_kept_answer_equals_a_fresh_one_and_none_is_served_for_another_question() -> None:
    claimed = Verdict(origin=Origin.AI_GENERATED, tier=Tier.CLAIMED)
    declared = Declarations(source_types=("trainedAlgorithmicMedia",))
    questions = [
        (asset(), examined(), Verdict(), AT),
        (asset(), examined(), Verdict(concerns=(Finding("trust.undated", "x"),)), AT),
        (asset("video/mp4"), examined(), Verdict(), AT),
        (asset(), examined(declarations=declared), claimed, AT),
        (asset(), examined(declarations=declared), claimed, LATER),
        (asset(), examined(), Verdict(), AT),
    ]
    keeping = AppliedRules(PACKS, CONTEXT)
    kept = [keeping.duties(*question) for question in questions * 2]
    fresh = [AppliedRules(PACKS, CONTEXT).duties(*question) for question in questions * 2]
    assert kept == fresh
    assert kept[0] == kept[1] == kept[5]
    assert len({kept[0], kept[3], kept[4]}) == 3


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The moments at which rules were asked."""
    moments: list[object] = []

    def noted(*question: Any, **options: Any) -> Any:
        moments.append(question[4])
        return decide_for(*question, **options)

    decide_for = applied.decide_for
    monkeypatch.setattr(applied, "decide_for", noted)
    return moments


def test_rules_are_asked_once_a_day_of_any_zone_and_never_late(asked: list[object]) -> None:
    claimed = Verdict(origin=Origin.AI_GENERATED, tier=Tier.CLAIMED)
    keeping = AppliedRules(PACKS, CONTEXT)
    moments = [NOON + timedelta(minutes=each) for each in range(0, 2 * 24 * 60, 10)]
    kept = [keeping.duties(asset(), examined(), claimed, moment) for moment in moments]
    days = len(asked)
    fresh = [AppliedRules(PACKS, CONTEXT).duties(asset(), examined(), claimed, moment) for moment in moments]
    assert kept == fresh
    assert len(set(kept)) > 1
    assert 2 < days <= 1 + 2 * len(PACKS.zones)


def test_a_stated_day_is_the_only_one_that_counts(asked: list[object]) -> None:
    stated = Given(field="date", value="2026-08-02", origin="uploader")
    keeping = AppliedRules(PACKS, CONTEXT.with_facts(stated))
    answers = {keeping.duties(asset(), examined(), Verdict(), moment) for moment in (NOON, AT, LATER)}
    assert (len(answers), len(asked)) == (1, 1)


@pytest.mark.parametrize("given", [(), (Given(field="date", value="2026-08-02", origin="uploader"),)], ids=["", "day"])
def test_a_clock_without_a_zone_is_refused_whatever_was_kept(given: tuple[Given, ...]) -> None:
    keeping = AppliedRules(PACKS, CONTEXT.with_facts(*given))
    keeping.duties(asset(), examined(), Verdict(), NOON)
    with pytest.raises(ValueError, match="time zone"):
        keeping.duties(asset(), examined(), Verdict(), NOON.replace(tzinfo=None))


def test_an_hour_that_comes_twice_is_two(asked: list[object]) -> None:
    # 01:30 in Chicago, before and after clocks are put back: 23:30 and then 00:30 in California.
    first = datetime(2026, 11, 1, 1, 30, tzinfo=ZoneInfo("America/Chicago"))
    assert first == first.replace(fold=1)
    keeping = AppliedRules(PACKS, CONTEXT)
    for moment in (first, first.replace(fold=1)):
        keeping.duties(asset(), examined(), Verdict(), moment)
    assert len(asked) == 2
