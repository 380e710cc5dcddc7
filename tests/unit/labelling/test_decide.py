# SPDX-License-Identifier: Apache-2.0
"""Duties: status, order, reasons, questions, who may publish what without a person."""

import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from waarmerk.provenance.labelling.context import Context, Given, context_of
from waarmerk.provenance.labelling.decide import decide, decide_for, open_questions
from waarmerk.provenance.labelling.elections import Election
from waarmerk.provenance.labelling.facts import Facts, evidence_of
from waarmerk.provenance.labelling.known import local_day
from waarmerk.provenance.labelling.loader import load_packs
from waarmerk.provenance.labelling.stated import decide_stated, weighed
from waarmerk.provenance.model import Duty, Verdict
from waarmerk.provenance.verdict import weigh

PACKS = load_packs()
AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
LOOKED = {"c2pa": "none", "aigc": "none", "wm": "none", "fp": "none", "fc_match": "none"}
DEEPFAKE = {
    **LOOKED,
    "jur": ["NL"],
    "role": "deployer",
    "professional": True,
    "modality": "video",
    "exists_or_plausible": True,
    "appears_authentic": True,
    "generated_on": "2026-11-01",
    "art": False,
    "real_person": "none",
    "platform": "own",
    "political_ad": False,
    "paid": False,
}


def decided(at: datetime = AT, **facts: Any) -> dict[str, Duty]:
    _, duties = decide_stated(PACKS, {**DEEPFAKE, **facts}, weigh, at)
    return {duty.rule: duty for duty in duties}


def test_the_order_is_prohibited_required_undecided_recommended_info() -> None:
    facts = {"decl": "ai", "platform": "tiktok", "political_ad": True, "real_person": None, "fc_match": "exact"}
    statuses = [duty.status.value for duty in decided(**facts).values()]
    order = ["prohibited", "required", "undecided", "recommended", "info"]
    assert statuses == sorted(statuses, key=order.index)
    assert set(statuses) == set(order)


def test_the_same_question_gets_the_same_answer_in_any_order_of_facts() -> None:
    facts = {**DEEPFAKE, "decl": "ai", "jur": ["NL", "EU"]}
    backwards = {**dict(reversed(facts.items())), "jur": ["EU", "NL"]}
    assert decide_stated(PACKS, facts, weigh, AT) == decide_stated(PACKS, backwards, weigh, AT)


def test_the_same_question_gets_the_same_bytes_in_every_process() -> None:
    """Sets have another order in each process; no answer may show it."""
    code = (
        "import json, hashlib\n"
        "from itertools import islice\n"
        "from waarmerk.provenance.labelling.loader import SHIPPED, load_folder, merge\n"
        "from waarmerk.provenance.labelling.scenarios import CLOCK, cases\n"
        "from waarmerk.provenance.labelling.stated import decide_stated\n"
        "from waarmerk.provenance.report.document import label\n"
        "from waarmerk.provenance.verdict import weigh\n"
        "pack, documents = load_folder(SHIPPED, None)\n"
        "packs = merge((pack,))\n"
        "some = islice(cases(documents), 0, None, 7)\n"
        "answers = [[label(d) for d in decide_stated(packs, c.facts, weigh, CLOCK)[1]] for c in some]\n"
        "print(len(answers), hashlib.sha256(json.dumps(answers).encode()).hexdigest())\n"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1
    assert int(outputs.pop().split()[0]) > 50


def test_reasons_name_facts_values_and_who_says_so() -> None:
    duty = decided(decl="ai", appears_authentic={"value": True, "by": "reviewer"})["EU-50-4-deepfake"]
    assert "ai = generated (uploader)" in duty.because
    assert "appears_authentic = true (reviewer)" in duty.because
    assert "jur = EU, NL (uploader, derived)" in duty.because
    assert "law_enf = false (default)" in duty.because
    assert not any(fact.startswith("platform") for fact in duty.because)
    proven = decided(c2pa="trusted", c2pa_dst=["trainedAlgorithmicMedia"])["EU-50-4-deepfake"]
    assert "ai = generated (file)" in proven.because
    assert "edit = full (file)" in proven.because
    known = decided(fp="known_ai")["EU-50-4-deepfake"]
    assert "ai = generated (platform)" in known.because
    both = decided(fp="known_ai", xmp_dst=["trainedAlgorithmicMedia"])["EU-50-4-deepfake"]
    assert "ai = generated (file, platform)" in both.because


def test_an_undecided_duty_says_what_is_settled_and_asks_the_rest() -> None:
    duty = decided(decl="ai", appears_authentic=None, generated_on=None)["EU-50-4-deepfake"]
    assert [question.field for question in duty.asks] == ["appears_authentic", "generated_on"]
    assert {language for question in duty.asks for language, _ in question.text} == {"en", "nl"}
    assert "jur = EU, NL (uploader, derived)" in duty.because
    assert not any("appears_authentic" in fact for fact in duty.because)
    assert not duty.automatic


def test_every_question_of_every_example_can_be_answered_so_that_the_rule_is_decided() -> None:
    """Each undecided duty names at least one question whose answer changes it."""
    values = {
        "bool": (True, False),
        "date": ("2026-01-01", "2026-10-01"),
        "int": (-5, 14, 5_000_000),
        "codes": (["FR"],),
    }
    unknown = {name: None for name in DEEPFAKE if name not in LOOKED}
    for facts in ({"decl": "ai"}, {"decl": "ai_partial"}, {"vlop": None, "manipulated": None}):
        duties = decided(**unknown, **facts)
        for rule, duty in duties.items():
            if duty.status != "undecided":
                continue
            assert duty.asks
            outcomes = set()
            for question in duty.asks:
                known = PACKS.field(question.field)
                for answer in values.get(known.kind, known.values):
                    later = decided(**{**unknown, **facts, question.field: answer}).get(rule)
                    outcomes.add(None if later is None else (later.status, later.asks))
            assert outcomes - {(duty.status, duty.asks)}, rule


def test_open_questions_come_once_in_the_order_of_the_dictionary() -> None:
    duties = decided(decl="ai", jur=None, role=None, edit=None).values()
    fields = [question.field for question in open_questions(PACKS, duties)]
    assert fields[:2] == ["jur", "role"]
    assert len(fields) == len(set(fields))


AUTOMATIC: list[tuple[dict[str, Any], str, bool]] = [
    ({"c2pa": "trusted", "c2pa_dst": ["trainedAlgorithmicMedia"]}, "EU-50-4-deepfake", True),
    ({"c2pa": "trusted", "c2pa_interim": True, "c2pa_dst": ["trainedAlgorithmicMedia"]}, "EU-50-4-deepfake", True),
    ({"wm": "ai", "wm_bound": True}, "EU-50-4-deepfake", True),
    ({"decl": "ai"}, "EU-50-4-deepfake", True),
    ({"decl": "ai_partial", "edit": "substantial"}, "EU-50-4-deepfake", True),
    ({"decl": "ai", "xmp_dst": ["trainedAlgorithmicMedia"]}, "EU-50-4-deepfake", True),
    ({"decl": "ai_partial", "xmp_dst": ["trainedAlgorithmicMedia"]}, "EU-50-4-deepfake", False),
    ({"c2pa": "valid_untrusted", "c2pa_dst": ["trainedAlgorithmicMedia"]}, "EU-50-4-deepfake", False),
    ({"xmp_dst": ["trainedAlgorithmicMedia"]}, "EU-50-4-deepfake", False),
    ({"aigc": "1"}, "EU-50-4-deepfake", False),
    ({"wm": "ai", "wm_bound": None}, "EU-50-4-deepfake", False),
    ({"fp": "known_ai"}, "EU-50-4-deepfake", False),
    ({"decl": "ai", "fp": "known_capture"}, "EU-50-4-deepfake", False),
    ({"decl": "ai", "c2pa": "trusted", "c2pa_dst": ["digitalCapture"]}, "EU-50-4-deepfake", False),
    ({"wm": "ai", "wm_bound": True, "decl": "not_ai"}, "EU-50-4-deepfake", False),
    ({"forensic": 0.95}, "EV-suspected", False),
    ({"xmp_dst": ["trainedAlgorithmicMedia"]}, "EV-ai-any-source", False),
    ({"decl": "ai"}, "EV-ai-any-source", True),
    ({"decl": "ai", "fp": "known_capture"}, "EV-conflict", False),
    ({"c2pa": "trusted", "c2pa_dst": ["digitalCapture"]}, "EV-authentic-capture", True),
    ({}, "EV-unknown", True),
    ({"c2pa": "invalid"}, "EV-tampered", True),
    ({"platform": "tiktok", "election_related": True}, "TT-election-label", False),
    ({"platform": "tiktok", "claim_unverified": True}, "TT-unverified-label", False),
    ({"fc_match": "near"}, "FC-near-copy", False),
    ({"fc_match": "exact"}, "FC-exact", False),
    ({"jur": ["CN"], "role": "platform", "aigc": "1"}, "CN-platform-tier1", False),
    ({"jur": ["CN"], "role": "platform", "aigc": "1", "decl": "ai"}, "CN-platform-tier1", True),
    ({"jur": ["CN"], "role": "platform", "aigc": "3"}, "CN-platform-tier3", False),
    ({"decl": "ai", "ncii_or_csam": True, "date": "2026-12-05"}, "EU-AIA-5-nudify", False),
]


@pytest.mark.parametrize(("facts", "rule", "automatic"), AUTOMATIC)
def test_what_goes_out_without_a_person(facts: dict[str, Any], rule: str, automatic: bool) -> None:
    assert decided(**facts)[rule].automatic is automatic


def test_a_prohibition_keeps_the_labels_in_the_list_and_holds_them_back() -> None:
    free = decided(decl="ai", platform="tiktok")
    held = decided(decl="ai", platform="tiktok", political_ad=True)
    assert free["TT-selflabel"].automatic
    assert held["TT-no-political-ads"].status == "prohibited"
    assert held["TT-selflabel"].status == "required"
    assert not held["TT-selflabel"].automatic
    assert held["EV-ai-any-source"].automatic


def test_the_wording_follows_the_finding_and_names_the_claimant() -> None:
    made = decided(decl="ai")
    assert dict(made["EU-50-4-deepfake"].wording) == {
        "de": "KI-generiert",
        "en": "AI-generated",
        "fr": "Généré par IA",
        "nl": "Gemaakt met AI",
    }
    assert dict(made["EV-ai-any-source"].wording)["nl"] == "Gemaakt met AI volgens de plaatser"
    edited = decided(c2pa="trusted", c2pa_dst=["digitalCapture", "compositeSynthetic"], edit="full")
    assert dict(edited["EU-50-4-deepfake"].wording)["nl"] == "Aangepast met AI"
    assert dict(edited["EV-ai-any-source"].wording)["en"] == "AI-modified according to a trusted Content Credential"
    mark = decided(wm="ai", wm_bound=True)["EV-ai-any-source"]
    assert dict(mark.wording)["en"] == "AI-generated according to our own watermark"
    unread = decided(wm="unread", c2pa="remote_only")["EV-unread"]
    assert dict(unread.wording)["en"] == "Some things could not be examined: wm, remote"


def test_texts_of_a_file_cannot_steer_a_label() -> None:
    facts, context = Facts(c2pa="trusted", c2pa_dst=("digitalCapture",)), Context()
    hostile = "Canon\u202e\x1b[31m {link}\n" + "x" * 500
    duties = decide(PACKS, facts, weigh(evidence_of(facts)), context, AT, texts={"signer": hostile})
    text = dict(next(duty for duty in duties if duty.rule == "EV-authentic-capture").wording)["en"]
    assert text.startswith("Taken with a camera (signed by Canon[31m (link) xxx")
    assert text.isprintable()
    assert len(text) < 200
    assert "{" not in text
    plain = decide(PACKS, facts, weigh(evidence_of(facts)), context, AT)
    assert (
        dict(next(duty for duty in plain if duty.rule == "EV-authentic-capture").wording)["en"]
        == "Taken with a camera (signed by a listed signer)"
    )


def test_a_placement_is_that_of_the_medium() -> None:
    assert "first moment" in str(decided(decl="ai")["EU-50-4-deepfake"].placement)
    assert "vanaf het eerste moment" in dict(decided(decl="ai")["EU-50-4-deepfake"].places)["nl"]
    assert "spoken" in str(decided(decl="ai", modality="audio")["EU-50-4-deepfake"].placement)
    assert decided(decl="ai")["EV-ai-any-source"].placement is None
    both = decided(decl="ai", modality=None)["EU-50-4-deepfake"].placement
    assert "video: " in str(both)


def test_several_platforms_at_once() -> None:
    facts, context = Facts(decl="ai"), context_of({k: v for k, v in DEEPFAKE.items() if k not in LOOKED}, PACKS.by_name)
    verdict = weighed(facts, context, weigh)
    duties = decide_for(PACKS, facts, verdict, context, AT, platforms=("tiktok", "youtube"))
    found = {duty.rule: duty for duty in duties}
    assert {"TT-selflabel", "YT-disclose", "EU-50-4-deepfake"} <= set(found)
    assert "META-ai-info" not in found
    assert "platform = tiktok (uploader)" in found["TT-selflabel"].because
    assert len(found) == len(duties)
    asked = decide_for(PACKS, facts, verdict, Context(), AT, platforms=("own", "tiktok"))
    assert next(duty for duty in asked if duty.rule == "TT-no-political-ads").status == "undecided"


def test_the_clock_has_a_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        decide(PACKS, Facts(), Verdict(), Context(), datetime(2026, 11, 21))  # noqa: DTZ001


def test_days_are_those_of_the_jurisdiction() -> None:
    """At 23:30 UTC on 1 December it is 2 December in Brussels and still 1 December in Los Angeles."""
    late = datetime(2026, 12, 1, 23, 30, tzinfo=UTC)
    assert local_day(late, "Europe/Brussels") == "2026-12-02"
    assert local_day(late, "America/Los_Angeles") == "2026-12-01"
    assert local_day(late, "UTC") == "2026-12-01"
    provider = {"role": "provider", "decl": "ai", "system_placed": "2025-01-01"}
    assert decided(late, **provider)["EU-50-2-marking"].status == "required"
    assert "EU-50-2-grace" not in decided(late, **provider)
    early = late - timedelta(hours=1)
    assert "EU-50-2-grace" in decided(early, **provider)
    assert decided(early.astimezone(timezone(timedelta(hours=9))), **provider) == decided(early, **provider)
    california = {"jur": ["US-CA"], "role": "capture_manufacturer"}
    assert "CA-capture-device" not in decided(datetime(2028, 1, 1, 7, 59, tzinfo=UTC), **california)
    assert "CA-capture-device" in decided(datetime(2028, 1, 1, 8, 0, tzinfo=UTC), **california)


def test_the_calendar_of_the_operator_wakes_the_election_rules() -> None:
    vote = Election(name="x", jurisdiction="NL", starts="2026-12-01", ends="2027-03-17", vote="2027-03-17")
    packs = replace(PACKS, elections=(vote,))
    facts = {**DEEPFAKE, "role": "platform", "vlop": True, "decl": "ai"}

    def awake(**more: Any) -> Duty | None:
        _, duties = decide_stated(packs, {**facts, **more}, weigh, AT)
        return next((duty for duty in duties if duty.rule == "DSA-election-guidelines"), None)

    found = awake(date="2026-12-01")
    assert found is not None
    assert "election_period = true (config)" in found.because
    assert awake(date="2026-11-30") is None
    assert awake(date="2027-03-18") is None
    assert awake(date="2027-01-01", jur=["BE"]) is None
    assert awake(date="2027-01-01", jur=None) is None
    assert awake(date="2027-01-01", election_period=False) is None
    ad = {"role": "ad_publisher", "political_ad": True, "sponsor_third_country": True, "date": "2027-03-10"}
    _, duties = decide_stated(packs, {**facts, **ad}, weigh, AT)
    refused = next(duty for duty in duties if duty.rule == "TTPA-5-third-country")
    assert "days_to_vote = 7 (config)" in refused.because


def test_a_context_holds_each_fact_once() -> None:
    one = Given(field="role", value="deployer", origin="uploader")
    other = Given(field="role", value="platform", origin="config")
    assert Context(given=(one,)).with_facts(other).given == (other,)
    with pytest.raises(ValueError, match="sorted"):
        Context(given=(one, other))
