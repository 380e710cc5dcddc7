# SPDX-License-Identifier: Apache-2.0
"""The official asset rubric in our own code: every signal from a file signed here, older forms, the corpus."""

from typing import Any

import pytest

from waarmerk.provenance.credentials import CredentialReader
from waarmerk.provenance.credentials.rubric import RULES, evaluate
from waarmerk.provenance.model.source_types import C2PA, IPTC

BEGIN, CHANGE = "inception:signal_", "transformation:signal_"


def edit(action: str, kind: str | None = None) -> dict[str, Any]:
    return {"action": action, **({"digitalSourceType": kind} if kind else {})}


def traits(row: dict[str, Any], *, official: bool | None = None) -> set[str]:
    return {
        signal["trait"]
        for signal in (*row["localInceptions"], *row["localTransformations"])
        if official is None or signal["official"] is official
    }


CASES = [
    (C2PA + "empty", [], {BEGIN + "blankCanvas"}, "none"),
    (IPTC + "digitalCapture", [], {BEGIN + "capturedMedia"}, "none"),
    (IPTC + "computationalCapture", [], {BEGIN + "capturedMedia"}, "none"),
    (IPTC + "compositeCapture", [], {BEGIN + "capturedMediaStitched"}, "none"),
    (IPTC + "composite", [], {BEGIN + "compositionMayContainGenAI"}, "possible"),
    (IPTC + "trainedAlgorithmicMedia", [], {BEGIN + "fullyGenAIMedia"}, "generated"),
    (IPTC + "digitalCreation", [], {BEGIN + "nonGenAIDigitalCreation"}, "none"),
    (IPTC + "compositeWithTrainedAlgorithmicMedia", [], {BEGIN + "partlyGenAICreation"}, "modified"),
    (IPTC + "screenCapture", [], {BEGIN + "screenCaptureMayContainGenAI"}, "possible"),
    (
        IPTC + "digitalCapture",
        [edit("c2pa.resized.proportional"), edit("c2pa.converted")],
        {BEGIN + "capturedMedia", CHANGE + "nonEditorial"},
        "none",
    ),
    (
        IPTC + "digitalCapture",
        [edit("c2pa.edited", IPTC + "compositeWithTrainedAlgorithmicMedia")],
        {BEGIN + "capturedMedia", CHANGE + "perceptibleGenAI"},
        "modified",
    ),
    (
        IPTC + "digitalCapture",
        [edit("c2pa.drawing", IPTC + "humanEdits")],
        {BEGIN + "capturedMedia", CHANGE + "perceptibleNonGenAI"},
        "none",
    ),
    (
        IPTC + "digitalCapture",
        [edit("c2pa.edited", IPTC + "digitalArt")],
        {BEGIN + "capturedMedia", CHANGE + "perceptibleNonGenAI", CHANGE + "perceptiblePossiblyGenAI"},
        "possible",
    ),
    (IPTC + "algorithmicMedia", [], set(), "none"),
]


@pytest.mark.parametrize(("kind", "more", "expected", "says"), CASES)
def test_every_signal_from_a_signed_file(  # noqa: PLR0917
    kit: Any, root: Any, desk: Any, stored: Any, kind: str, more: list[Any], expected: set[str], says: str
) -> None:
    reader = CredentialReader(stored({"user.pem": root.pem}), at=kit.NOW)
    found = evaluate(reader.crjson(kit.asset_of(kit.sign(kit.jpeg(), desk, kit.created(kind, *more)))))
    (row,) = found["manifests"]
    assert traits(row) == traits(row, official=True) == expected
    assert found["ai_signal"] == says
    assert row["assertedBy"]["subject"] == {"CN": "Test Desk CN", "O": "Test Desk"}


@pytest.mark.parametrize(
    "manifest",
    [
        {"complete": False},
        {"more": edit("c2pa.unknown")},
        {"more": edit("org.example.polished")},
    ],
)
def test_ambiguous_actions_from_a_signed_file(
    kit: Any, root: Any, desk: Any, stored: Any, manifest: dict[str, Any]
) -> None:
    reader = CredentialReader(stored({"user.pem": root.pem}), at=kit.NOW)
    more = [manifest["more"]] if "more" in manifest else []
    stated = kit.created(kit.CAPTURE, *more, complete=manifest.get("complete", True))
    found = evaluate(reader.crjson(kit.asset_of(kit.sign(kit.jpeg(), desk, stated))))
    assert CHANGE + "ambiguousActions" in traits(found["manifests"][0], official=True)


def test_ingredients_from_signed_files(kit: Any, root: Any, desk: Any, stored: Any) -> None:
    reader = CredentialReader(stored({"user.pem": root.pem}), at=kit.NOW)
    opened = {"claim_generator_info": [{"name": "editor", "version": "1"}], "assertions": []}
    unsigned = evaluate(reader.crjson(kit.asset_of(kit.sign(kit.jpeg(), desk, opened, is_edit=True))))
    assert BEGIN + "mediaUnknownProvenance" in traits(unsigned["manifests"][0], official=True)
    parent = kit.sign(kit.jpeg(), desk, kit.created(kit.GENERATED))
    found = evaluate(reader.crjson(kit.asset_of(kit.sign(parent, desk, opened, is_edit=True))))
    assert len(found["manifests"]) == 2
    assert found["manifests"][0]["ingredients"] == [{"index": 1, "relationship": "parentOf"}]
    assert BEGIN + "mediaUnknownProvenance" not in traits(found["manifests"][0])
    assert found["ai_signal"] == "generated"


def test_older_forms_are_read_and_never_called_official() -> None:
    made = {"actions": [edit("c2pa.created", IPTC + "trainedAlgorithmicMedia")]}
    for label in ("c2pa.actions", "c2pa.actions__1", "c2pa.actions.v2__2"):
        found = evaluate({"manifests": [{"label": "m", "assertions": {label: made}}]})
        row = found["manifests"][0]
        assert BEGIN + "fullyGenAIMedia" in traits(row, official=False), label
        assert found["ai_signal"] == "generated"
        assert row["localInceptions"][0]["actions"] == [label]
    made = {"actions": [edit("c2pa.created", "https" + (IPTC + "trainedAlgorithmicMedia").removeprefix("http"))]}
    row = evaluate({"manifests": [{"label": "m", "assertions": {"c2pa.actions.v2": made}}]})["manifests"][0]
    assert BEGIN + "fullyGenAIMedia" in traits(row, official=False)


def test_what_a_component_was_made_with_modifies_the_whole() -> None:
    made = {"actions": [edit("c2pa.created", IPTC + "trainedAlgorithmicMedia")], "allActionsIncluded": True}
    below = {"label": "b", "assertions": {"c2pa.actions.v2": made}}
    for relationship, key, says in (
        ("componentOf", "activeManifest", "modified"),
        ("parentOf", "activeManifest", "generated"),
        ("parentOf", "c2pa_manifest", "generated"),
    ):
        ingredient = {"relationship": relationship, key: {"url": "self#jumbf=/c2pa/b"}}
        label = "c2pa.ingredient.v3" if key == "activeManifest" else "c2pa.ingredient"
        top = {"label": "a", "assertions": {label: ingredient}}
        assert evaluate({"manifests": [top, below]})["ai_signal"] == says
        assert evaluate({"manifests": [below, top]})["ai_signal"] == "generated", "the active manifest comes first"


@pytest.mark.parametrize(
    "hostile",
    [
        {},
        {"manifests": None},
        {"manifests": [None, 3, {}]},
        {"manifests": [{"label": 5, "assertions": []}]},
        {"manifests": [{"label": "m", "assertions": {"c2pa.actions.v2": {"actions": [None, {}, {"action": 4}]}}}]},
        {
            "manifests": [
                {"label": "m", "assertions": {"c2pa.actions.v2": None, "c2pa.ingredient": {"c2pa_manifest": 1}}}
            ]
        },
        {"manifests": [{"label": "m", "claim.v2": {"gathered_assertions": [{"url": 4}, 5]}, "signature": []}]},
        {"manifests": [{"label": "m", "assertions": {"c2pa.ingredient": {"c2pa_manifest": {"url": "/c2pa/m"}}}}]},
    ],
)
def test_documents_of_any_shape_are_evaluated(hostile: dict[str, Any]) -> None:
    assert evaluate(hostile)["ai_signal"] == "none"


def test_the_table_is_the_rubric() -> None:
    assert len({rule.trait for rule in RULES}) == len(RULES) == 14


def test_the_table_names_what_the_published_rubric_names(shared: Any) -> None:
    import yaml

    text = (shared / "specs" / "asset-rubrics" / "asset-rubric-signals-local.yml").read_text("utf-8")
    _, rows = yaml.safe_load_all(text)
    assert {row["id"]: row["reportText"]["true"]["en"] for row in rows} == {rule.trait: rule.text for rule in RULES}
