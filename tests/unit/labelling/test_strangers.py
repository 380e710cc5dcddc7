# SPDX-License-Identifier: Apache-2.0
"""A stranger and a genuine photograph: nothing he adds brings a public AI label or a badge without a person.

Injected XMP, an injected TC260 label, a self-made certificate, a pasted mark (an open one, or one of the operator's
own), a poisoned import, a classifier, in every combination, for every platform, every role and on both sides of a
trusted camera credential.
"""

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

from waarmerk.provenance.labelling.loader import load_packs
from waarmerk.provenance.labelling.scenarios import CLOCK
from waarmerk.provenance.labelling.stated import decide_stated
from waarmerk.provenance.verdict import weigh

PACKS = load_packs()
AI = ["trainedAlgorithmicMedia"]
ATTACKS: dict[str, dict[str, Any]] = {
    "xmp": {"xmp_dst": AI},
    "xmp-edit": {"xmp_dst": ["compositeWithTrainedAlgorithmicMedia"]},
    "tc260": {"aigc": "1"},
    "tc260-odd": {"aigc": "other"},
    "tc260-suspected": {"aigc": "3"},
    "pasted-mark": {"wm": "ai", "wm_bound": False},
    "pasted-mark-unchecked": {"wm": "ai", "wm_bound": None},  # no ledger at hand, or an open mark, which has none
    "poisoned-import": {"fp": "known_ai"},
    "classifier": {"forensic": 0.99},
}
PHOTOGRAPHS: dict[str, dict[str, Any]] = {
    "unsigned": {"c2pa": "none"},
    "signed by a camera": {"c2pa": "trusted", "c2pa_dst": ["digitalCapture"]},
    "signed by a camera on the interim list": {"c2pa": "trusted", "c2pa_interim": True, "c2pa_dst": ["digitalCapture"]},
    "with a self-made certificate": {"c2pa": "valid_untrusted", "c2pa_dst": AI},
    "with a stolen manifest": {"c2pa": "invalid", "c2pa_dst": AI},
    "with a remote reference": {"c2pa": "remote_only", "c2pa_dst": AI},
}
AI_LABELS = {
    rule.id
    for rule in PACKS.rules
    if rule.shown_to == "public" and rule.uses_ai_finding and rule.id not in ("EV-unknown", "EU-50-1-chatbot")
}
WORST: dict[str, Any] = {
    "jur": ["NL", "US-CA", "CN", "IN", "KR", "DK"],
    "professional": True,
    "modality": "image",
    "exists_or_plausible": True,
    "appears_authentic": True,
    "generated_on": "2026-11-01",
    "vlop": True,
    "election_period": True,
    "political_ad": False,
    "aigc": "none",
    "wm": "none",
    "fp": "none",
    "fc_match": "none",
}


def added() -> Iterator[dict[str, Any]]:
    """Every combination: of what writes the same field, one or none."""
    by_field: dict[str, list[dict[str, Any]]] = {}
    for attack in ATTACKS.values():
        by_field.setdefault(next(iter(attack)), [{}]).append(attack)
    for chosen in product(*by_field.values()):
        yield {key: value for attack in chosen for key, value in attack.items()}


@pytest.mark.parametrize("photograph", PHOTOGRAPHS)
def test_nothing_a_stranger_adds_is_published_without_a_person(photograph: str) -> None:
    tried = 0
    for attack, role, platform in product(added(), ("platform", "deployer", "provider"), ("tiktok", "meta", "bluesky")):
        facts = {**WORST, **PHOTOGRAPHS[photograph], **attack, "role": role, "platform": platform}
        verdict, duties = decide_stated(PACKS, facts, weigh, CLOCK)
        if verdict.authentic_capture:
            assert photograph == "signed by a camera"
            assert not attack
        published = {duty.rule for duty in duties if duty.automatic and duty.shown_to == "public"}
        assert not published & AI_LABELS, (attack, role, platform)
        tried += 1
    assert tried == 3 * 4 * 3 * 2 * 2 * 9, "every combination, for three roles and three platforms"


def test_the_search_would_see_a_label() -> None:
    """The same search with the publisher's own word finds labels to publish."""
    facts = {**WORST, "c2pa": "none", "decl": "ai", "role": "deployer", "platform": "tiktok"}
    _, duties = decide_stated(PACKS, facts, weigh, CLOCK)
    assert {"EU-50-4-deepfake", "TT-selflabel"} <= {d.rule for d in duties if d.automatic} & AI_LABELS


def test_no_public_line_calls_anything_real_or_fake_or_gives_a_percentage() -> None:
    for rule in PACKS.rules:
        for _, texts in rule.wording:
            for language, text in texts:
                words = set(text.lower().replace(",", " ").replace(".", " ").split())
                assert (
                    not words & {"real", "genuine", "fake", "echt", "echte", "nep", "falsch", "faux", "%"}
                    or rule.shown_to != "public"
                )
                assert "%" not in text, (rule.id, language)
