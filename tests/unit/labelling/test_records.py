# SPDX-License-Identifier: Apache-2.0
"""Decisions on record: the same bytes again, replayed against other packs, disputed and withdrawn; nothing is lost."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.labelling.corrections import (
    Act,
    begin,
    dispute,
    lines,
    read_lines,
    stands,
    uphold,
    withdraw,
)
from waarmerk.provenance.labelling.decide import decide, decide_for
from waarmerk.provenance.labelling.loader import load_packs
from waarmerk.provenance.labelling.record import decision_digest, decision_record, record_line, replay
from waarmerk.provenance.labelling.stated import read_stated, split_facts, weighed
from waarmerk.provenance.model import DutyStatus, Edition
from waarmerk.provenance.verdict import weigh

PACKS = load_packs()
AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
FACTS: dict[str, Any] = {
    "c2pa": "trusted",
    "c2pa_dst": ["trainedAlgorithmicMedia"],
    "jur": ["NL"],
    "role": "deployer",
    "professional": {"value": True, "by": "reviewer"},
    "modality": "image",
    "exists_or_plausible": True,
    "appears_authentic": True,
    "generated_on": "2026-11-01",
    "art": None,
}


def recorded(**more: Any) -> dict[str, Any]:
    facts, context = split_facts({**FACTS, **more}, PACKS.by_name)
    verdict = weighed(facts, context, weigh)
    duties = decide(PACKS, facts, verdict, context, AT)
    lists = (Edition(id="official", issued="2026-09-01", sha256="0" * 64),)
    return decision_record(PACKS, facts, verdict, context, AT, duties=duties, trust_lists=lists)


def test_the_same_decision_gives_the_same_bytes() -> None:
    assert record_line(recorded()) == record_line(recorded())
    assert decision_digest(recorded()) == decision_digest(recorded())
    assert decision_digest(recorded()) != decision_digest(recorded(role="platform"))
    record = recorded()
    assert record["packs"][0]["sha256"] == PACKS.packs[0].sha256
    assert record["trust_lists"] == [{"id": "official", "version": "2026-09-01", "sha256": "0" * 64}]
    assert {"field": "professional", "value": True, "by": "reviewer"} in record["context"]
    assert record["at"] == "2026-11-21T12:00:00Z"
    assert record_line(record).count(b"\n") == 1


def test_the_same_pack_changes_nothing() -> None:
    for more in ({}, {"decl": "not_ai"}, {"c2pa": "none", "c2pa_dst": [], "decl": "ai", "role": None}):
        assert replay(record_line(recorded(**more)).decode(), PACKS) == []


def test_a_new_pack_shows_what_it_would_change() -> None:
    rules = tuple(
        replace(rule, status=DutyStatus.RECOMMENDED) if rule.id == "EU-50-4-deepfake" else rule
        for rule in PACKS.rules
        if rule.id != "EV-ai-any-source"
    )
    assert replay(record_line(recorded()).decode(), replace(PACKS, rules=rules)) == [
        ("EU-50-4-deepfake", "required", "recommended"),
        ("EV-ai-any-source", "info", None),
    ]


def test_several_platforms_are_replayed_together() -> None:
    facts, context = split_facts({**FACTS, "decl": "ai"}, PACKS.by_name)
    verdict = weighed(facts, context, weigh)
    platforms = ("tiktok", "meta")
    duties = decide_for(PACKS, facts, verdict, context, AT, platforms=platforms)
    record = decision_record(PACKS, facts, verdict, context, AT, duties=duties, platforms=platforms)
    assert replay(record_line(record).decode(), PACKS) == []
    alone = {**record, "platforms": ["tiktok"]}
    assert ("META-ai-info", "recommended", None) in replay(json.dumps(alone), PACKS)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"format": "waarmerk.decision/9"}, "format"),
        ({"evidence": {"c2pa": "none"}}, "not the one that was recorded"),
        ({"at": "yesterday"}, "no decision record"),
        ({"finding": {}}, "'origin' is missing"),
        ({"context": [{"field": "mood", "value": 1, "by": "config"}]}, "'mood' is missing"),
        ({"context": 1}, "no decision record"),
        ({"platforms": ["myspace"]}, "platform is one of"),
    ],
)
def test_a_line_that_is_no_record(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        replay(json.dumps({**recorded(), **change}), PACKS)
    with pytest.raises(ConfigurationError, match="no decision record"):
        replay("[]", PACKS)
    with pytest.raises(ConfigurationError, match="no decision record"):
        replay("{", PACKS)


def test_a_reason_with_an_address_is_refused() -> None:
    history = begin(rule="EU-50-4-deepfake", decision="0" * 64, at=AT)
    with pytest.raises(ConfigurationError, match="take the e-mail address out"):
        dispute(history, at=AT + timedelta(hours=1), by="uploader", reason="Ask jan.jansen@example.nl about it.")
    assert dispute(history, at=AT + timedelta(hours=1), by="uploader", reason="Seen @ noon, in 3.5 hours.")


def test_a_label_is_disputed_and_withdrawn_and_everything_stays() -> None:
    history = begin(rule="EU-50-4-deepfake", decision="a" * 64, at=AT)
    assert stands(history)
    history = dispute(history, at=AT + timedelta(hours=1), by="uploader", reason="It is a photograph.\x1b[2J")
    assert stands(history)
    withdrawn = withdraw(history, at=AT + timedelta(hours=2), by="reviewer", reason="The original was shown.")
    assert not stands(withdrawn)
    assert withdrawn[:2] == history
    assert [entry.act for entry in withdrawn] == [Act.LABELLED, Act.DISPUTED, Act.WITHDRAWN]
    assert withdrawn[1].reason == "It is a photograph.[2J"
    assert withdrawn[2].before == withdrawn[1].digest
    assert read_lines(lines(withdrawn).decode()) == withdrawn
    kept = uphold(history, at=AT + timedelta(hours=2), reason="The maker admits it.")
    assert stands(kept)
    assert stands(()) is False


def test_a_history_cannot_be_rewritten() -> None:
    history = begin(rule="R", decision="a" * 64, at=AT)
    history = dispute(history, at=AT, by="subject", reason="Not me.")
    history = withdraw(history, at=AT, by="reviewer", reason="Indeed.")
    text = lines(history).decode().splitlines()
    for broken in ([text[0], text[2]], [text[0], text[1].replace("Not me", "Me"), text[2]], text[1:], [*text, text[2]]):
        with pytest.raises(ConfigurationError, match="line"):
            read_lines("\n".join(broken))
    with pytest.raises(ConfigurationError, match="line 1"):
        read_lines("{}")


def test_corrections_out_of_turn() -> None:
    history = begin(rule="R", decision="a" * 64, at=AT)
    with pytest.raises(ConfigurationError, match="cannot follow"):
        uphold(history, at=AT, reason="x")
    with pytest.raises(ConfigurationError, match="no label"):
        dispute((), at=AT, by="uploader", reason="x")
    with pytest.raises(ConfigurationError, match="says why"):
        dispute(history, at=AT, by="uploader", reason=" ")
    with pytest.raises(ConfigurationError, match="one of"):
        dispute(history, at=AT, by="Jan de Vries", reason="x")
    with pytest.raises(ConfigurationError, match="older"):
        dispute(history, at=AT - timedelta(days=1), by="uploader", reason="x")
    with pytest.raises(ValueError, match="zone"):
        dispute(history, at=datetime(2026, 1, 1), by="uploader", reason="x")  # noqa: DTZ001
    gone = withdraw(history, at=AT, by="platform", reason="x")
    with pytest.raises(ConfigurationError, match="cannot follow"):
        dispute(gone, at=AT, by="uploader", reason="x")


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ('{"role": "deployer"}', 1),
        ('[{"role": "deployer"}, {}]', 2),
        ('{"role": "deployer"}\n\n{"role": null}\n', 2),
        ("role: deployer\njur: [NO]\n", 1),
        ("{role: deployer, jur: [NL]}", 1),
        ("- role: deployer\n- {}\n", 2),
    ],
)
def test_facts_come_as_json_yaml_or_lines(text: str, count: int) -> None:
    assert len(read_stated(text)) == count


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "input 1 is no set"),
        ("deployer", "input 1 is no set"),
        ("[1]", "input 1 is no set"),
        ('{"a": 1}\n[2]', "input 2 is no set"),
        ('{"a": 1', "line 1: not JSON"),
        ('{"a": 1}\n{"b": }', "line 2: not JSON"),
        ('{"a": 1, "a": 2}', "twice"),
        ('{"forensic": NaN}', "NaN"),
        ("role: deployer\nrole: platform", "facts:2: key 'role' stands twice"),
        ("[" * 100_000, "nested"),
    ],
)
def test_facts_that_cannot_be_read(text: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        read_stated(text)
