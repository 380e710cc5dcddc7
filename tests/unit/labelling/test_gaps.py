# SPDX-License-Identifier: Apache-2.0
"""Texts with placeholders: what the file fills, and what waits for a person because nobody filled it."""

import io
from dataclasses import replace
from typing import Any

import pytest

from tests.unit.labelling.test_decide import AT, DEEPFAKE, PACKS, decided
from tests.unit.labelling.test_facts import Found, credential
from waarmerk.provenance.labelling.applied import AppliedRules
from waarmerk.provenance.labelling.context import context_of
from waarmerk.provenance.labelling.decide import decide
from waarmerk.provenance.labelling.facts import evidence_of
from waarmerk.provenance.labelling.stated import decide_stated, split_facts, weighed
from waarmerk.provenance.model import Asset, CredentialState, Declarations, Integrity, SignerStatus
from waarmerk.provenance.verdict import weigh


def test_a_public_text_with_a_gap_waits_for_a_person() -> None:
    election: dict[str, Any] = {"platform": "tiktok", "election_related": True}
    assert not decided(**election)["TT-election-label"].automatic
    _, duties = decide_stated(PACKS, {**DEEPFAKE, **election}, weigh, AT)
    facts, context = split_facts({**DEEPFAKE, **election}, PACKS.by_name)
    verdict = weighed(facts, context, weigh)
    filled = {d.rule: d for d in decide(PACKS, facts, verdict, context, AT, texts={"link": "https://example.org"})}
    assert filled["TT-election-label"].automatic
    assert not decided(fc_match="exact", fc_labelled=False)["FC-exact"].automatic
    for duty in duties:
        if duty.automatic and duty.shown_to == "public":
            assert not any("(" in text and "link" in text for _, text in duty.wording)


@pytest.mark.parametrize(
    ("c2pa", "said"),
    [
        ("trusted", "signature present"),
        ("valid_untrusted", "signature present, of an unknown signer"),
        ("invalid", "signature present, but not valid"),
        ("none", "signature absent"),
        ("unread", "signature (present or not)"),
    ],
)
def test_the_label_of_origin_says_whether_there_is_a_signature(c2pa: str, said: str) -> None:
    facts: dict[str, Any] = {
        "jur": ["US-CA"],
        "role": "platform",
        "monthly_users": 3_000_000,
        "input_had_marks": True,
        "c2pa": c2pa,
    }
    duty = decided(**facts, date="2027-01-02")["CA-platform-keep"]
    assert dict(duty.wording)["en"] == f"Origin data: system not named, {said}"
    assert not duty.automatic


def test_a_person_of_whom_nothing_is_known_is_not_said_to_have_refused() -> None:
    facts: dict[str, Any] = {"decl": "ai", "platform": "tiktok", "real_person": "private", "consent": None}
    for rule in ("TT-ban-private-person", "NL-portrait-avg"):
        wording = dict(decided(**facts)[rule].wording)
        assert "no consent is known" in wording["en"]
        assert "van toestemming is niets bekend" in wording["nl"]


@pytest.mark.parametrize(
    ("integrity", "state", "said", "automatic"),
    [
        (Integrity.INTACT, CredentialState.EMBEDDED, "Origin data: Camera 3, signature present", True),
        (Integrity.ALTERED, CredentialState.EMBEDDED, "Origin data: system not named, signature present, but", False),
        (Integrity.UNCHECKED, CredentialState.NONE, "Origin data: Generator 5, signature absent", True),
    ],
)
def test_a_file_names_its_own_system(integrity: Integrity, state: CredentialState, said: str, automatic: bool) -> None:
    facts: dict[str, Any] = {"jur": ["US-CA"], "role": "platform", "monthly_users": 3_000_000, "input_had_marks": True}
    rules = AppliedRules(PACKS, context_of({**facts, "date": "2027-01-02"}, PACKS.by_name))
    signer = SignerStatus.OFFICIAL if state is CredentialState.EMBEDDED else SignerStatus.NONE
    found = Found(replace(credential(integrity, signer, state), generator="Camera 3"))
    found.declarations = Declarations(ai_system="Generator 5")
    asset = Asset(name="x", sha256="0" * 64, bytes=1, media_type="image/jpeg", open=io.BytesIO)
    verdict = weigh(evidence_of(rules.facts(found)))
    (duty,) = [d for d in rules.duties(asset, found, verdict, AT) if d.rule == "CA-platform-keep"]
    assert dict(duty.wording)["en"].startswith(said)
    assert duty.automatic is automatic
