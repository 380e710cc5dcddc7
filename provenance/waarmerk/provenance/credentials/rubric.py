# SPDX-License-Identifier: Apache-2.0
"""The official asset rubric for signals, evaluated on crJSON by our own code.

"C2PA Asset Signals Rubric (Local)" 1.0 of 2026-08-06, C2PA Conformance Task Force, CC BY 4.0: the names of the
signals, their texts and the lists of actions and source types are the rubric's; its json-formula expressions are
rewritten here as one table. The result has the form of the rubric's output schema, with two words added to each
signal: ``official`` says whether the rubric as it is written finds it, ``actions`` where it was found.

The rubric as written reads the assertion ``c2pa.actions.v2`` alone. Credentials of 2023 to 2025 state their actions in
``c2pa.actions`` (version 1), several in numbered instances, some source types as ``https``: they are read as well, and
such a signal is not ``official``.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from waarmerk.provenance.credentials.signals import NON_EDITORIAL
from waarmerk.provenance.model import AISignal
from waarmerk.provenance.model.source_types import C2PA, IPTC, canonical

NAME, VERSION = "C2PA Asset Signals Rubric (Local)", "1.0"
MAX_MANIFESTS = 1_000
_V2 = "c2pa.actions.v2"
_ACTIONS = (_V2, "c2pa.actions")
_INGREDIENTS = ("c2pa.ingredient.v3", "c2pa.ingredient.v2", "c2pa.ingredient")
_INCEPTION = frozenset({"c2pa.created", "c2pa.opened"})
_GEN_AI = frozenset(
    {
        IPTC + "trainedAlgorithmicMedia",
        IPTC + "compositeWithTrainedAlgorithmicMedia",
        IPTC + "compositeSynthetic",
        C2PA + "trainedAlgorithmicData",
    }
)
_POSSIBLY_GEN_AI = frozenset({IPTC + "digitalArt", IPTC + "composite"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    """One manifest as the rubric sees it; ``is_strict`` as it is written, else with the older forms."""

    manifest: Mapping[str, Any]
    is_strict: bool

    def assertions(self, labels: Iterable[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The assertions of those labels; numbered instances only where the rubric is not taken by its letter."""
        wanted = tuple(labels)
        for label, value in _mapping(self.manifest.get("assertions")).items():
            name = label if self.is_strict else label.partition("__")[0]
            if name in wanted and isinstance(value, Mapping):
                yield label, value

    def actions(self) -> list[tuple[str, str | None]]:
        """Name and source type of every action; an action without a name counts for the number of them only."""
        labels = (_V2,) if self.is_strict else _ACTIONS
        found = [_list(value.get("actions")) for _, value in self.assertions(labels)]
        return [(_text(each.get("action")) or "", self._type(each)) for actions in found for each in _mappings(actions)]

    def _type(self, action: Mapping[str, Any]) -> str | None:
        stated = _text(action.get("digitalSourceType"))
        return stated if stated is None or self.is_strict else canonical(stated)

    def perceptible(self) -> Iterator[str]:
        """The source types of actions that are neither an inception nor merely editorial."""
        for name, kind in self.actions():
            if name and kind is not None and name not in _INCEPTION and name not in NON_EDITORIAL:
                yield kind


Holds = Callable[[_View], bool]


def _begins_as(*terms: str) -> Holds:
    return lambda view: any(name in _INCEPTION and kind in terms for name, kind in view.actions())


def _changed_with(types: frozenset[str]) -> Holds:
    return lambda view: any(kind in types for kind in view.perceptible())


def _changed_without_ai(view: _View) -> bool:
    return any(kind not in _GEN_AI for kind in view.perceptible())


def _is_non_editorial(view: _View) -> bool:
    return any(name in NON_EDITORIAL for name, _ in view.actions())


def _is_of_unknown_provenance(view: _View) -> bool:
    labels = _INGREDIENTS[:1] if view.is_strict else _INGREDIENTS
    return any(_reference(value) is None for _, value in view.assertions(labels))


def _is_ambiguous(view: _View) -> bool:
    actions = view.actions()
    stated = [value for _, value in view.assertions((_V2,) if view.is_strict else _ACTIONS)]
    gathered = _list(_mapping(view.manifest.get("claim.v2")).get("gathered_assertions"))
    return (
        not actions
        or any(value.get("allActionsIncluded") is not True for value in stated)
        or any(name and (not name.startswith("c2pa.") or name == "c2pa.unknown") for name, _ in actions)
        or any("c2pa.actions" in (_text(each.get("url")) or "") for each in _mappings(gathered))
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row of the rubric: its id, its text when it holds, what it says of AI, and when it holds."""

    trait: str
    text: str
    holds: Holds
    says: AISignal = AISignal.NONE


def _rule(trait: str, text: str, holds: Holds, says: AISignal = AISignal.NONE) -> Rule:
    return Rule(trait=trait, text=text, holds=holds, says=says)


RULES = (
    _rule("inception:signal_blankCanvas", "Contains Blank Canvas", _begins_as(C2PA + "empty")),
    _rule(
        "inception:signal_capturedMedia",
        "Contains Captured Media",
        _begins_as(IPTC + "digitalCapture", IPTC + "computationalCapture"),
    ),
    _rule(
        "inception:signal_capturedMediaStitched",
        "Contains Stitched Captured Media",
        _begins_as(IPTC + "compositeCapture"),
    ),
    _rule(
        "inception:signal_compositionMayContainGenAI",
        "Contains Composition which may contain GenAI content",
        _begins_as(IPTC + "composite"),
        AISignal.POSSIBLE,
    ),
    _rule(
        "inception:signal_fullyGenAIMedia",
        "Contains Fully GenAI Media",
        _begins_as(IPTC + "trainedAlgorithmicMedia"),
        AISignal.GENERATED,
    ),
    _rule("inception:signal_mediaUnknownProvenance", "Contains Media of Unknown Provenance", _is_of_unknown_provenance),
    _rule(
        "inception:signal_nonGenAIDigitalCreation",
        "Contains Non-GenAI digital creation",
        _begins_as(IPTC + "digitalCreation"),
    ),
    _rule(
        "inception:signal_partlyGenAICreation",
        "Contains Partly GenAI Creation",
        _begins_as(IPTC + "compositeWithTrainedAlgorithmicMedia"),
        AISignal.MODIFIED,
    ),
    _rule(
        "inception:signal_screenCaptureMayContainGenAI",
        "Contains Screen Capture Which May Contain GenAI Content",
        _begins_as(IPTC + "screenCapture"),
        AISignal.POSSIBLE,
    ),
    _rule("transformation:signal_ambiguousActions", "Contains ambiguous actions", _is_ambiguous),
    _rule("transformation:signal_nonEditorial", "Contains Non-editorial Transformations", _is_non_editorial),
    _rule(
        "transformation:signal_perceptibleGenAI",
        "Contains Perceptible GenAI Transformations",
        _changed_with(_GEN_AI),
        AISignal.MODIFIED,
    ),
    _rule(
        "transformation:signal_perceptibleNonGenAI",
        "Contains Perceptible Non-GenAI Transformations",
        _changed_without_ai,
    ),
    _rule(
        "transformation:signal_perceptiblePossiblyGenAI",
        "Contains Perceptible Transformations Possibly Using GenAI",
        _changed_with(_POSSIBLY_GEN_AI),
        AISignal.POSSIBLE,
    ),
)
_SAYS = {rule.trait: rule.says for rule in RULES}
_RANK = {AISignal.NONE: 0, AISignal.POSSIBLE: 1, AISignal.MODIFIED: 2, AISignal.GENERATED: 3}


def evaluate(document: Mapping[str, Any]) -> dict[str, Any]:
    """The rubric's result for every manifest of a crJSON document, and what all of it says about AI."""
    manifests = _mappings(_list(document.get("manifests")))[:MAX_MANIFESTS]
    positions = {str(each.get("label")): number for number, each in enumerate(manifests)}
    rows = [_row(each, positions) for each in manifests]
    return {"rubricName": NAME, "rubricVersion": VERSION, "manifests": rows, "ai_signal": str(_down(rows))}


def _row(manifest: Mapping[str, Any], positions: Mapping[str, int]) -> dict[str, Any]:
    strict, wide = _View(manifest=manifest, is_strict=True), _View(manifest=manifest, is_strict=False)
    found = [_signal(rule, strict, wide) for rule in RULES if rule.holds(wide) or rule.holds(strict)]
    claim = _mapping(manifest.get("claim.v2") or manifest.get("claim"))
    subject = _mapping(_mapping(_mapping(manifest.get("signature")).get("certificateInfo")).get("subject"))
    return {
        "label": _text(manifest.get("label")),
        "assertedBy": {"subject": {key: _text(subject.get(key)) or f"Unknown {key}" for key in ("CN", "O")}},
        "dc:format": _text(claim.get("dc:format")),
        "localInceptions": [each for each in found if each["trait"].startswith("inception:")],
        "localTransformations": [each for each in found if each["trait"].startswith("transformation:")],
        "ingredients": list(_edges(wide, positions)),
    }


def _signal(rule: Rule, strict: _View, wide: _View) -> dict[str, Any]:
    where = sorted({label for label, _ in wide.assertions(_ACTIONS)})
    official = rule.holds(strict)
    return {"trait": rule.trait, "reportText": rule.text, "multiple": False, "official": official, "actions": where}


def _edges(view: _View, positions: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    for _, ingredient in view.assertions(_INGREDIENTS):
        position = positions.get(_reference(ingredient) or "")
        if position is not None:
            yield {"index": position, "relationship": _text(ingredient.get("relationship")) or "componentOf"}


def _reference(ingredient: Mapping[str, Any]) -> str | None:
    """The label of the ingredient's manifest (``activeManifest`` in version 3, ``c2pa_manifest`` before)."""
    for key in ("activeManifest", "c2pa_manifest"):
        url = _text(_mapping(ingredient.get(key)).get("url"))
        if url is not None:
            return url.rpartition("/c2pa/")[2].partition("/")[0]
    return None


def _down(rows: list[dict[str, Any]]) -> AISignal:
    """What the line of parents says counts for the asset; what a component was made with has modified the asset."""
    best, queue, seen = AISignal.NONE, [(0, True)] if rows else [], {0}
    while queue:
        position, is_line = queue.pop(0)
        for signal in (*rows[position]["localInceptions"], *rows[position]["localTransformations"]):
            says = _SAYS[signal["trait"]]
            says = AISignal.MODIFIED if says is AISignal.GENERATED and not is_line else says
            best = max(best, says, key=_RANK.__getitem__)
        for edge in rows[position]["ingredients"]:
            if edge["index"] not in seen:
                seen.add(edge["index"])
                queue.append((edge["index"], is_line and edge["relationship"] == "parentOf"))
    return best


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _mappings(values: list[Any]) -> list[Mapping[str, Any]]:
    return [each for each in values if isinstance(each, Mapping)]


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
