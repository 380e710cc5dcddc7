# SPDX-License-Identifier: Apache-2.0
"""AI stated elsewhere than in the list of actions: in metadata, in a disclosure, inside another action."""

from collections.abc import Callable
from typing import Any

import pytest

from waarmerk.provenance.credentials.edits import MAX_EDITS, history_of
from waarmerk.provenance.credentials.plain import bounded
from waarmerk.provenance.credentials.stated import discloses_ai, source_types_of
from waarmerk.provenance.model import AISignal, Credential, Finding, Origin, Verdict
from waarmerk.provenance.sources.credentials import evidence_of
from waarmerk.provenance.trust import TrustStore
from waarmerk.provenance.verdict import weigh

Signed = Callable[..., tuple[Credential, Verdict]]
IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/"
EXT = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
AI = "trainedAlgorithmicMedia"
XMP = {"@context": {"Iptc4xmpExt": EXT}, "Iptc4xmpExt:DigitalSourceType": IPTC + AI}
WORK = {"@context": "https://schema.org", "@type": "CreativeWork", "digitalSourceType": IPTC + AI}
FULLY = {"modelType": "c2pa.types.generator", "contentProfile": {"humanOversightLevel": "fully_autonomous"}}
METADATA = {"label": "c2pa.metadata", "kind": "Json", "data": XMP}


@pytest.fixture
def signed(kit: Any, desk: Any, root: Any, stored: Callable[..., TrustStore]) -> Signed:
    """A listed camera's photograph, or an edit, with more assertions beside its actions, as it is read and weighed."""
    trust = stored({"user.pem": root.pem})

    def run(*assertions: dict[str, Any], inner: Any = None, is_edit: bool = False) -> tuple[Credential, Verdict]:
        manifest = {**kit.created(), "assertions": []} if is_edit else kit.created()
        if inner is not None:
            manifest["assertions"][0]["data"]["actions"][0]["related"] = inner
        manifest["assertions"] += assertions
        data = kit.sign(kit.jpeg(), desk, manifest, is_edit=is_edit)
        found = kit.CredentialReader(trust, at=kit.NOW).read(kit.asset_of(data))
        return found, weigh(evidence_of(found))

    return run


def test_a_plain_capture_has_the_badge(signed: Signed) -> None:
    assert signed()[1].authentic_capture


@pytest.mark.parametrize(
    "assertion",
    [
        METADATA,
        {"label": "stds.iptc", "kind": "Json", "data": XMP},
        {"label": "stds.exif", "kind": "Json", "data": XMP},
        {"label": "cawg.metadata", "kind": "Json", "data": XMP},
        {"label": "stds.schema-org.CreativeWork", "kind": "Json", "data": WORK},
        {"label": "c2pa.ai-disclosure", "data": FULLY, "created": True},
    ],
    ids=lambda each: each["label"],
)
def test_what_the_signer_states_elsewhere_is_its_word_too(signed: Signed, assertion: dict[str, Any]) -> None:
    found, verdict = signed(assertion)
    assert found.signal is AISignal.MODIFIED
    assert (verdict.origin, verdict.authentic_capture) == (Origin.AI_MODIFIED, False)


def test_an_edit_inside_another_action_is_an_edit(signed: Signed, kit: Any) -> None:
    related: list[dict[str, Any]] = [{"action": "c2pa.edited", "digitalSourceType": kit.GENERATED}]
    for _ in range(5):
        related = [{"action": "c2pa.converted", "related": related}]
    found, verdict = signed(inner=related)
    assert (found.signal, verdict.origin) == (AISignal.MODIFIED, Origin.AI_MODIFIED)
    plain, barred = signed(inner=[{"action": "c2pa.cropped"}])
    assert (plain.signal, barred.origin, barred.authentic_capture) == (AISignal.NONE, Origin.CAPTURED, False)
    assert "capture.edited" in {finding.code for finding in barred.concerns}


def test_metadata_tells_how_it_came_to_be_where_no_action_does(signed: Signed, kit: Any) -> None:
    found, verdict = signed(METADATA, is_edit=True)
    assert (found.signal, found.source_types) == (AISignal.GENERATED, (kit.GENERATED,))
    assert verdict.origin is Origin.AI_GENERATED


def test_a_disclosure_of_unknown_content_keeps_the_badge_away(signed: Signed) -> None:
    found, verdict = signed({"label": "c2pa.ai-disclosure", "data": {"modelName": "autofocus"}, "created": True})
    assert (found.signal, verdict.origin, verdict.authentic_capture) == (AISignal.NONE, Origin.CAPTURED, False)
    assert "capture.ai-disclosure" in {finding.code for finding in verdict.concerns}


def test_a_camera_claim_is_made_by_actions_alone(signed: Signed, kit: Any) -> None:
    data = {"Iptc4xmpExt:DigitalSourceType": kit.CAPTURE, "@context": {"Iptc4xmpExt": EXT}}
    found, verdict = signed({"label": "c2pa.metadata", "kind": "Json", "data": data}, is_edit=True)
    assert (found.source_types, verdict.origin) == ((), Origin.UNKNOWN)


@pytest.mark.parametrize(
    ("data", "term"),
    [
        ({"DigitalSourceType": AI}, AI),
        ({EXT + "DigitalSourceType": {"@id": IPTC + AI}}, IPTC + AI),
        ({"@graph": [{"iptc:digitalSourceType": [{"@value": "digsrctype:" + AI}]}]}, "digsrctype:" + AI),
        ({"digitalSourceType": "https://schema.org/TrainedAlgorithmicMediaDigitalSource"}, AI),
        ({"digitalSourceType": "CompositeSyntheticDigitalSource"}, "compositeSynthetic"),
        ({"digitalSourceType": "https://schema.org/DigitalCaptureDigitalSource"}, None),
        ({"digitalSourceType": 7, "source": AI}, None),
        ("text", None),
        (None, None),
    ],
)
def test_the_forms_in_which_a_source_type_is_written(data: Any, term: str | None) -> None:
    expected = () if term is None else (term,)
    assert source_types_of([{"label": "c2pa.metadata__2", "data": data}]) == expected
    assert source_types_of([{"label": "com.acme.notes", "data": data}]) == ()


def test_hostile_metadata_ends() -> None:
    deep: Any = AI
    for _ in range(5_000):
        deep = {"digitalSourceType": deep}
    wide = [{"digitalSourceType": f"term{number}"} for number in range(50_000)]
    assert source_types_of([{"label": "stds.iptc", "data": deep}]) == ()
    assert len(source_types_of([{"label": "stds.iptc", "data": wide}])) == 64
    assert not discloses_ai([{"label": "c2pa.ai-disclosure", "data": deep}])


def test_a_history_beyond_all_measure_is_cut_and_ai_in_it_is_not_lost() -> None:
    edits: list[dict[str, Any]] = [{"action": "c2pa.edited"}] * 5_000
    last = {"action": "c2pa.edited", "digitalSourceType": IPTC + AI}
    history = history_of(
        [{"label": "c2pa.actions.v2", "data": {"actions": [*edits, last], "allActionsIncluded": True}}], 2
    )
    assert len(history.edits) == MAX_EDITS + 1
    assert history.edits[-1].action.source_type == IPTC + AI
    assert history.is_cut
    assert not history.is_complete, "what was not read may be anything"
    whole = history_of([{"label": "c2pa.actions.v2", "data": {"actions": edits[:9], "allActionsIncluded": True}}], 2)
    assert (whole.is_cut, whole.is_complete) == (False, True)


def test_findings_are_no_more_than_a_report_holds() -> None:
    kept, is_cut = bounded(Finding("chain.broken", f"{number:04}" * 1_000) for number in range(1_000))
    assert (len(kept), is_cut) == (64, True)
    assert max(len(each.about) for each in kept) == 512
    assert bounded([Finding("b"), Finding("a")]) == ((Finding("a"), Finding("b")), False)
