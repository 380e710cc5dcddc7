# SPDX-License-Identifier: Apache-2.0
"""The rubric on typed actions, and the bars to an authentic capture."""

from typing import Any

import pytest

from waarmerk.provenance.credentials.ingredients import parents_of, walk
from waarmerk.provenance.credentials.signals import NON_EDITORIAL, Signals, assess
from waarmerk.provenance.credentials.store import Store, parse_store
from waarmerk.provenance.model import AISignal, Chain, Statement

IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/"


def action(name: str, source: str | None = None) -> dict[str, Any]:
    return {"action": f"c2pa.{name}", **({"digitalSourceType": IPTC + source} if source else {})}


def manifest(*actions: dict[str, Any], links: Any = (), complete: Any = True, **more: Any) -> dict[str, Any]:
    return {
        "claim_version": 2,
        "assertions": [
            {
                "label": "c2pa.actions.v2",
                "data": {"actions": list(actions), "allActionsIncluded": complete, **more},
                "created": True,
            }
        ],
        "ingredients": list(links),
    }


def link(label: str | None, relationship: str = "parentOf", **more: Any) -> dict[str, Any]:
    trusted = {"activeManifest": {"success": [{"code": "signingCredential.trusted"}]}}
    return {"relationship": relationship, "active_manifest": label, "validation_results": trusted, **more}


def store(**manifests: Any) -> Store:
    found = parse_store({"active_manifest": "top", "manifests": manifests})
    assert found is not None
    return found


def assessed(*, is_listed: bool = True, **manifests: Any) -> Signals:
    found = store(**manifests)
    return assess(found, walk(found, (), ()), is_listed=is_listed)


def bars(signals: Signals) -> set[str]:
    return {finding.code for finding in signals.bars}


@pytest.mark.parametrize(
    ("actions", "signal"),
    [
        ([action("created", "trainedAlgorithmicMedia")], AISignal.GENERATED),
        ([action("created", "compositeWithTrainedAlgorithmicMedia")], AISignal.MODIFIED),
        ([action("created", "digitalCapture")], AISignal.NONE),
        ([action("created", "computationalCapture")], AISignal.NONE),
        ([action("created", "algorithmicMedia")], AISignal.NONE),
        ([action("created", "composite")], AISignal.POSSIBLE),
        ([action("created", "screenCapture")], AISignal.POSSIBLE),
        ([action("created", "digitalCapture"), action("edited", "trainedAlgorithmicMedia")], AISignal.MODIFIED),
        ([action("created", "digitalCapture"), action("edited", "compositeSynthetic")], AISignal.MODIFIED),
        ([action("created", "digitalCapture"), action("edited", "algorithmicallyEnhanced")], AISignal.NONE),
        ([action("created", "digitalCapture"), action("drawing", "digitalArt")], AISignal.POSSIBLE),
        ([action("opened"), action("edited", "trainedAlgorithmicMedia")], AISignal.MODIFIED),
        ([action("converted", "trainedAlgorithmicMedia")], AISignal.MODIFIED),
        ([action("created", "digitalCapture"), action("enhanced", "trainedAlgorithmicMedia")], AISignal.MODIFIED),
        ([action("created", "notAlgorithmicTrainedMediaAtAll")], AISignal.NONE),
        ([], AISignal.NONE),
    ],
)
def test_what_a_manifest_says(actions: list[dict[str, Any]], signal: AISignal) -> None:
    assert assessed(top=manifest(*actions)).signal is signal


def test_a_template_states_it_for_all_its_actions() -> None:
    template = [{"action": "*", "digitalSourceType": IPTC + "trainedAlgorithmicMedia"}]
    assert assessed(top=manifest(action("created"), templates=template)).signal is AISignal.GENERATED


def test_the_line_of_parents_speaks_for_the_asset_and_a_component_for_a_part() -> None:
    made = manifest(action("created", "trainedAlgorithmicMedia"))
    assert assessed(top=manifest(links=[link("p")]), p=made).signal is AISignal.GENERATED
    assert assessed(top=manifest(links=[link("p", "componentOf")]), p=made).signal is AISignal.MODIFIED
    below = manifest(links=[link("q")])
    assert assessed(top=manifest(links=[link("p", "componentOf")]), p=below, q=made).signal is AISignal.MODIFIED


def test_an_unknown_source_type_is_a_concern() -> None:
    found = assessed(top=manifest(action("created", "somethingNew")))
    assert [finding.code for finding in found.concerns] == ["credentials.unknown-source-type"]


def test_a_plain_capture_has_no_bars() -> None:
    harmless = [{"action": name} for name in sorted(NON_EDITORIAL)]
    assert assessed(top=manifest(action("created", "digitalCapture"), *harmless)).bars == ()


@pytest.mark.parametrize(
    ("top", "bar"),
    [
        (manifest(action("created", "digitalCapture"), action("cropped")), "capture.edited"),
        (manifest(action("created", "digitalCapture"), action("unknown")), "capture.unknown-action"),
        (manifest(action("created", "digitalCapture"), {"action": "com.acme.magic"}), "capture.unknown-action"),
        (manifest(action("created", "digitalCapture"), complete=False), "capture.incomplete-history"),
        (manifest(action("created", "digitalCapture"), complete=None), "capture.incomplete-history"),
        (manifest(), "capture.no-actions"),
        (manifest(action("created", "compositeCapture")), "capture.composite"),
        (manifest(action("created", "digitalCapture"), action("enhanced", "humanEdits")), "capture.human-edit"),
        (manifest(action("created", "print")), "capture.indirect"),
        (manifest(action("created", "digitalCapture"), links=[link(None)]), "capture.chain"),
        (manifest(action("created", "digitalCapture"), links=[link("gone")]), "capture.chain"),
    ],
)
def test_what_bars_an_authentic_capture(top: dict[str, Any], bar: str) -> None:
    assert bar in bars(assessed(top=top))


def test_gathered_actions_are_somebody_elses_word() -> None:
    top = manifest(action("created", "digitalCapture"))
    top["assertions"][0]["created"] = False
    assert "capture.gathered-actions" in bars(assessed(top=top))


def test_a_placed_photograph_does_not_make_a_layout_a_capture() -> None:
    photo = manifest(action("created", "digitalCapture"))
    found = assessed(top=manifest(links=[link("p", "componentOf")]), p=photo)
    assert found.source_types == ()
    assert "credentials.unproven-capture" in {finding.code for finding in found.concerns}


def test_a_vouched_parents_capture_counts_down_the_line() -> None:
    photo = manifest(action("created", "digitalCapture"))
    assert assessed(top=manifest(links=[link("p")]), p=photo).source_types == (IPTC + "digitalCapture",)
    untrusted = {"activeManifest": {"failure": [{"code": "signingCredential.untrusted"}]}}
    distrusted = manifest(links=[link("p", validation_results=untrusted)])
    assert assessed(top=distrusted, p=photo).source_types == ()
    assert assessed(top=distrusted, p=photo, is_listed=False).source_types == (IPTC + "digitalCapture",)


def test_a_strangers_word_on_ai_stays_a_strangers() -> None:
    made = manifest(action("created", "trainedAlgorithmicMedia"))
    untrusted = {"activeManifest": {"failure": [{"code": "signingCredential.untrusted"}]}}
    generated = Statement(source_types=(IPTC + "trainedAlgorithmicMedia",), signal=AISignal.GENERATED)
    assert assessed(top=made).vouched == generated
    assert assessed(top=manifest(links=[link("p")]), p=made).vouched == generated
    assert assessed(top=manifest(links=[link("p", validation_results=untrusted)]), p=made).vouched == Statement()
    edited = manifest(action("edited", "compositeSynthetic"), links=[link("p", validation_results=untrusted)])
    both = assessed(top=edited, p=made)
    modified = Statement(source_types=(IPTC + "compositeSynthetic",), signal=AISignal.MODIFIED)
    assert both.vouched == modified, "the active signer proves its own edit and nothing more"
    assert (both.signal, len(both.source_types)) == (AISignal.GENERATED, 2), "the whole is still told"
    assert assessed(top=manifest()).vouched is None, "nothing is stated"


def test_what_is_found_now_outweighs_what_was_recorded() -> None:
    """Both ways: a record that lies, and one that was made before a list knew the signer."""
    url = "self#jumbf=/c2pa/p/c2pa.signature"
    owner = "self#jumbf=/c2pa/top/c2pa.assertions/c2pa.ingredient.v3"
    unlisted = {"failure": [{"code": "signingCredential.untrusted", "url": url}]}
    listed = {"success": [{"code": "signingCredential.trusted", "url": url}]}

    def seen(record: dict[str, Any], difference: dict[str, Any]) -> Store:
        found = parse_store(
            {
                "active_manifest": "top",
                "manifests": {"top": manifest(links=[link("p", validation_results=record)]), "p": manifest()},
                "validation_results": {
                    "ingredientDeltas": [{"ingredientAssertionURI": owner, "validationDeltas": difference}]
                },
            }
        )
        assert found is not None
        return found

    trusting = {"activeManifest": {"success": [{"code": "signingCredential.trusted"}]}}
    distrusting = {"activeManifest": {"failure": [{"code": "signingCredential.untrusted"}]}}
    lying, older = seen(trusting, unlisted), seen(distrusting, listed)
    assert not walk(lying, (), ()).steps[0].is_vouched
    assert walk(older, (), ()).steps[0].is_vouched
    assert walk(lying, (), (), [seen(trusting, {})]).steps[0].is_vouched, "another list vouches for it"


def test_a_circle_of_parents_ends() -> None:
    found = store(top=manifest(links=[link("p")]), p=manifest(links=[link("top")]))
    assert walk(found, (), ()).chain is Chain.COMPLETE
    assert parents_of(found) == {"p"}


def test_a_long_chain_is_cut_and_called_open() -> None:
    manifests = {f"m{depth}": manifest(links=[link(f"m{depth + 1}")]) for depth in range(40)}
    found = store(top=manifest(links=[link("m0")]), **manifests, m40=manifest())
    walked = walk(found, (), ())
    assert walked.chain is Chain.OPEN
    assert "credentials.limit" in {finding.code for finding in walked.concerns}
    wide = store(top=manifest(links=[link(None)] * 1_500))
    assert len(walk(wide, (), ()).steps) == 1_000


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"active_manifest": "a", "manifests": []},
        {"active_manifest": 3, "manifests": {}},
        {"active_manifest": "a", "manifests": {"b": {}}},
    ],
)
def test_a_document_without_an_active_manifest_is_no_store(document: dict[str, Any]) -> None:
    assert parse_store(document) is None


def test_values_of_the_wrong_type_are_survived() -> None:
    odd: dict[str, Any] = {
        "claim_version": "2",
        "title": 7,
        "claim_generator_info": {"name": 1},
        "signature_info": [],
        "assertions": [None, {"label": 4}, {"label": "c2pa.actions", "data": {"actions": [1, {"action": 2}]}}],
        "ingredients": [None, {"active_manifest": 4, "relationship": [], "validation_results": "x"}],
    }
    found = store(top=odd)
    walked = walk(found, (), ())
    assert walked.chain is Chain.OPEN
    assert assess(found, walked, is_listed=True).signal is AISignal.NONE
