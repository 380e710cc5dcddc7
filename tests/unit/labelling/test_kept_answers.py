# SPDX-License-Identifier: Apache-2.0
"""Kept answers are the answers: another fact, clock or origin is never served an earlier decision."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from waarmerk.provenance.labelling.applied import AppliedRules
from waarmerk.provenance.labelling.context import Context, Given
from waarmerk.provenance.labelling.loader import load_packs
from waarmerk.provenance.model import Credential, Declarations, Finding, Origin, Tier, Verdict

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
LATER = datetime(2028, 1, 2, 12, tzinfo=UTC)
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
