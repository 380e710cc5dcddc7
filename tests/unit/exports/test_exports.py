# SPDX-License-Identifier: Apache-2.0
"""The report in other people's forms: every field holds, nothing is claimed that was not found."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.labelling.loader import load_packs
from waarmerk.provenance.labelling.stated import decide_stated
from waarmerk.provenance.model import AssetFacts, Claimant, Credential, Duty, Origin, Report, Tier, Verdict
from waarmerk.provenance.report.exports import atproto
from waarmerk.provenance.report.exports.review_draft import claim_review_draft, media_review_draft
from waarmerk.provenance.report.exports.schema_org import media_object, script_text
from waarmerk.provenance.report.exports.statement_of_reasons import (
    ELECTIONS,
    ILLEGAL,
    INCOMPATIBLE,
    MISINFORMATION,
    Statement,
    is_owed,
    statement_of_reasons,
    verify,
)
from waarmerk.provenance.verdict import weigh

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
AI = Verdict(origin=Origin.AI_GENERATED, tier=Tier.CLAIMED, claimed_by=(Claimant.UPLOADER,))
SUSPECTED = Verdict(tier=Tier.SUSPECTED)
CAMERA = Verdict(origin=Origin.CAPTURED, authentic_capture=True)


def report(verdict: Verdict, media_type: str | None = "image/jpeg") -> Report:
    asset = AssetFacts(name="x.jpg", sha256="a" * 64, bytes=1, media_type=media_type)
    return Report(at="2026-11-21T12:00:00Z", asset=asset, verdict=verdict, credential=Credential())


@pytest.mark.parametrize(
    ("verdict", "source"),
    [
        (AI, "TrainedAlgorithmicMediaDigitalSource"),
        (replace(AI, origin=Origin.AI_MODIFIED), "CompositeWithTrainedAlgorithmicMediaDigitalSource"),
        (CAMERA, "DigitalCaptureDigitalSource"),
        (replace(CAMERA, authentic_capture=False), None),
        (SUSPECTED, None),
        (Verdict(), None),
    ],
)
def test_schema_org_states_only_what_was_found(verdict: Verdict, source: str | None) -> None:
    found = media_object(report(verdict))
    assert found.get("digitalSourceType") == (source and f"https://schema.org/{source}")


@pytest.mark.parametrize(
    ("media_type", "kind"),
    [
        ("image/png", "ImageObject"),
        ("video/mp4", "VideoObject"),
        ("audio/mpeg", "AudioObject"),
        ("text/plain", "CreativeWork"),
        (None, "CreativeWork"),
    ],
)
def test_schema_org_names_the_kind(media_type: str | None, kind: str) -> None:
    found = media_object(report(AI, media_type), content_url="https://example.org/x", credit="ANP\u202e")
    assert found["@type"] == kind
    assert found["creditText"] == "ANP<U+202E>"
    assert found["contentUrl"] == "https://example.org/x"
    assert found.get("encodingFormat") == media_type


def test_a_script_cannot_be_ended_from_inside() -> None:
    text = script_text(media_object(report(AI), credit="</script><b>&"))
    assert "<" not in text
    assert ">" not in text
    assert "&" not in text
    assert json.loads(text)["creditText"] == "</script><b>&"


def test_drafts_leave_the_verdict_to_people() -> None:
    media, claim = media_review_draft(report(AI)), claim_review_draft(report(AI), claim="The bridge collapsed.")
    assert media["mediaAuthenticityCategory"] == ""
    assert claim["reviewRating"] == {"@type": "Rating", "alternateName": ""}
    assert claim["claimReviewed"] == "The bridge collapsed."
    assert claim["itemReviewed"]["appearance"]["sha256"] == "a" * 64
    for draft in (media, claim):
        assert draft["creativeWorkStatus"] == "Draft"
        assert draft["author"] is None


STATEMENT = Statement(
    action="demoted",
    ground=INCOMPATIBLE,
    rule="Community rules, 4.2",
    explanation="The clip misstates on which day people can vote.",
    content_type="video",
    category=ELECTIONS,
    specification=(MISINFORMATION,),
    content_date="2026-11-18",
    application_date="2026-11-21",
    territories=("NL", "BE"),
    language="NL",
)


def duties(**facts: Any) -> tuple[Duty, ...]:
    stated = {"jur": ["NL"], "role": "platform", "platform_action": "demoted", "decl": "ai", "date": "2026-11-21"}
    return decide_stated(load_packs(), {**stated, **facts}, weigh, AT)[1]


def test_a_statement_of_reasons_holds_its_fields() -> None:
    held = duties()
    assert is_owed(held)
    data = statement_of_reasons(STATEMENT, AI, held, decision="f" * 64)
    verify(data)
    assert data["decision_visibility"] == ["DECISION_VISIBILITY_CONTENT_DEMOTED"]
    assert data["content_type"] == ["CONTENT_TYPE_SYNTHETIC_MEDIA", "CONTENT_TYPE_VIDEO"]
    assert data["category_specification"] == [MISINFORMATION]
    assert data["territorial_scope"] == ["BE", "NL"]
    assert data["puid"] == "waarmerk-" + "f" * 64
    assert "platform_action = demoted (platform)" in data["decision_facts"]
    assert (data["automated_detection"], data["source_type"]) == ("No", "SOURCE_VOLUNTARY")
    assert "source_identity" not in data
    assert json.dumps(data, sort_keys=True) == json.dumps(
        statement_of_reasons(STATEMENT, AI, held, decision="f" * 64), sort_keys=True
    )


def test_a_suspicion_is_no_synthetic_media() -> None:
    data = statement_of_reasons(STATEMENT, SUSPECTED, duties(decl="none", forensic=0.95), decision="0" * 64)
    assert data["content_type"] == ["CONTENT_TYPE_VIDEO"]


def test_no_statement_where_none_is_owed_unless_asked() -> None:
    held = duties(platform_action="none")
    with pytest.raises(ConfigurationError, match="does not apply"):
        statement_of_reasons(STATEMENT, AI, held, decision="0" * 64)
    neutral = replace(STATEMENT, action="labelled")
    data = statement_of_reasons(neutral, AI, held, decision="0" * 64, asked=True)
    assert data["decision_visibility"] == ["DECISION_VISIBILITY_CONTENT_LABELLED"]


def test_the_illegal_ground_has_its_own_fields() -> None:
    illegal = replace(STATEMENT, ground=ILLEGAL, rule="Criminal Code, 254ba")
    data = statement_of_reasons(illegal, AI, duties(), decision="0" * 64)
    assert data["illegal_content_legal_ground"] == "Criminal Code, 254ba"
    assert not any(name.startswith("incompatible") for name in data)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"action": "none"}, "no action"),
        ({"ground": "BECAUSE"}, "decision_ground"),
        ({"rule": ""}, "incompatible_content_ground"),
        ({"rule": "x" * 501}, "incompatible_content_ground"),
        ({"explanation": "x" * 2001}, "incompatible_content_explanation"),
        ({"content_type": "smell"}, "content_type"),
        ({"category": "OTHER"}, "category"),
        ({"specification": ("misinformation",)}, "category_specification"),
        ({"content_date": "18-11-2026"}, "content_date"),
        ({"territories": ()}, "territorial_scope"),
        ({"territories": ("Nederland",)}, "territorial_scope"),
        ({"language": "Dutch"}, "content_language"),
        ({"source_type": "SOURCE_MINISTRY"}, "source_type"),
        ({"automation": "YES"}, "automated_decision"),
        ({"explanation": "Placed by @jan_de_vries"}, "an account"),
        ({"explanation": "Write to jan@example.org"}, "an e-mail address"),
        ({"explanation": "See https://example.org/post/1"}, "a link"),
        ({"explanation": "Call +31 6 1234 5678"}, "a telephone number"),
    ],
)
def test_a_statement_that_does_not_hold(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        statement_of_reasons(replace(STATEMENT, **change), AI, duties(), decision="0" * 64)


def test_an_unknown_field_is_refused() -> None:
    data = statement_of_reasons(STATEMENT, AI, duties(), decision="0" * 64)
    with pytest.raises(ConfigurationError, match="account_name"):
        verify(data | {"account_name": "x"})


@pytest.mark.parametrize(
    ("verdict", "value"),
    [
        (AI, "ai-generated"),
        (replace(AI, origin=Origin.AI_MODIFIED), "ai-modified"),
        (SUSPECTED, "ai-unverified"),
        (CAMERA, "capture-signed"),
        (Verdict(), None),
    ],
)
def test_atproto_values(verdict: Verdict, value: str | None) -> None:
    assert atproto.value_of(verdict) == value


def test_an_atproto_label_and_its_withdrawal() -> None:
    where = {"labeler": "did:plc:abc", "uri": "at://did:plc:xyz/app.bsky.feed.post/1"}
    put = atproto.label("ai-generated", at=AT, cid="bafy", **where)
    assert put == {
        "ver": 1,
        "src": "did:plc:abc",
        "uri": where["uri"],
        "cid": "bafy",
        "val": "ai-generated",
        "cts": "2026-11-21T12:00:00.000Z",
    }
    assert atproto.label("ai-generated", at=AT, withdrawn=True, **where)["neg"] is True
    for change in ({"labeler": "me"}, {"uri": "https://example.org"}, {"uri": "at://x y"}):
        with pytest.raises(ConfigurationError):
            atproto.label("ai-generated", at=AT, **{**where, **change})
    with pytest.raises(ConfigurationError):
        atproto.label("fake", at=AT, **where)


def test_definitions_inform_and_blur_nothing() -> None:
    defined = atproto.definitions()
    assert tuple(each["identifier"] for each in defined) == atproto.VALUES
    for each in defined:
        assert (each["severity"], each["blurs"], each["defaultSetting"]) == ("inform", "none", "warn")
        assert [locale["lang"] for locale in each["locales"]] == ["en", "nl"]
