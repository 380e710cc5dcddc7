# SPDX-License-Identifier: Apache-2.0
"""A typed, read-only view of the engine's JSON. Every value in it may be a hostile text of the wrong type."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from waarmerk.provenance.credentials.status import Status, statuses
from waarmerk.provenance.model import Action

MAX_TEXT = 64 * 1024
_ACTIONS = ("c2pa.actions", "c2pa.actions.v2")
_IDENTITY = "cawg.identity"
_DISCLOSURE = "c2pa.ai-disclosure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """An action with what decides how far it counts: whether the claim itself created it, or gathered it."""

    action: Action
    is_gathered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """An ingredient as its parent states it. ``manifest`` is the label it refers to, None if it has no credentials."""

    title: str | None
    relationship: str
    manifest: str | None
    recorded: tuple[Status, ...] = field(default=(), repr=False)
    vouches_for_signer: bool = False  # the record says that its signer was trusted when it was added


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One manifest. ``is_complete`` is True only where the actions say that all actions are included."""

    label: str
    claim_version: int | None
    title: str | None
    generator: str | None
    signer_name: str | None
    serial: str | None
    time: str | None
    edits: tuple[Edit, ...]
    is_complete: bool
    has_actions: bool
    assertions: tuple[str, ...]
    links: tuple[Link, ...]
    redactions: bool

    @property
    def has_identity(self) -> bool:
        """Whether an identity assertion is present (CAWG 1.x)."""
        return any(label.startswith(_IDENTITY) for label in self.assertions)

    @property
    def has_disclosure(self) -> bool:
        """Whether ``c2pa.ai-disclosure`` is present (C2PA 2.4)."""
        return any(label.startswith(_DISCLOSURE) for label in self.assertions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """The manifests by label, the active one's label, and what the engine found."""

    active: str
    nodes: dict[str, Node]
    entries: tuple[Status, ...]
    deltas: tuple[tuple[str, Status], ...]  # the manifest that states the ingredient, and what is found now
    state: str | None

    @property
    def root(self) -> Node:
        """The active manifest."""
        return self.nodes[self.active]


def parse_store(document: Mapping[str, Any]) -> Store | None:
    """The view of one answer; None where it names no active manifest that is there."""
    active, manifests = document.get("active_manifest"), document.get("manifests")
    if not isinstance(active, str) or not isinstance(manifests, Mapping) or active not in manifests:
        return None
    results = document.get("validation_results")
    results = results if isinstance(results, Mapping) else {}
    entries = tuple(statuses(results.get("activeManifest")))
    if not entries:  # very old form: one list, failures only
        entries = tuple(statuses({"failure": document.get("validation_status")}))
    return Store(
        active=active,
        nodes={label: _node(label, _mapping(each)) for label, each in manifests.items()},
        entries=entries,
        deltas=tuple(_deltas(results.get("ingredientDeltas"))),
        state=_text(document.get("validation_state")),
    )


def _node(label: str, manifest: Mapping[str, Any]) -> Node:
    assertions = [each for each in _list(manifest.get("assertions")) if isinstance(each, Mapping)]
    version = manifest.get("claim_version")
    version = version if isinstance(version, int) else None
    actions = [each for each in assertions if _base(str(each.get("label"))) in _ACTIONS]
    edits = [edit for each in actions for edit in _edits(each, version)]
    signature = _mapping(manifest.get("signature_info"))
    return Node(
        label=label,
        claim_version=version,
        title=_text(manifest.get("title")),
        generator=_generator(manifest),
        signer_name=_signer_name(signature),
        serial=_text(signature.get("cert_serial_number")),
        time=_moment(signature.get("time")),
        edits=tuple(edits),
        is_complete=bool(actions)
        and all(_mapping(each.get("data")).get("allActionsIncluded") is True for each in actions),
        has_actions=bool(edits),
        assertions=tuple(str(each.get("label"))[:256] for each in assertions),
        links=tuple(_link(_mapping(each)) for each in _list(manifest.get("ingredients"))),
        redactions=bool(manifest.get("redactions")),
    )


def _base(label: str) -> str:
    """The label without its instance number (C2PA 2.2, section 6.3.1)."""
    return label.partition("__")[0]


def _edits(assertion: Mapping[str, Any], version: int | None) -> Iterator[Edit]:
    """The actions of one assertion.

    From claim version 2 on the signer vouches only for what it created itself; gathered assertions came from
    elsewhere. In version 1 there was no such difference.
    """
    data = _mapping(assertion.get("data"))
    templates = [each for each in _list(data.get("templates")) if isinstance(each, Mapping)]
    gathered = (version or 1) >= 2 and assertion.get("created") is not True
    for action in _list(data.get("actions")):
        if isinstance(action, Mapping) and isinstance(action.get("action"), str):
            yield Edit(action=_action(action, templates), is_gathered=gathered)


def _action(action: Mapping[str, Any], templates: list[Mapping[str, Any]]) -> Action:
    name = str(action["action"])[:256]
    source = _text(action.get("digitalSourceType"))
    if source is None:  # C2PA 2.2, section 18.14.6: what a template states holds for every action of its name
        stated = [each for each in templates if each.get("action") in (name, "*")]
        source = next((text for each in stated if (text := _text(each.get("digitalSourceType")))), None)
    agent = action.get("softwareAgent")
    tool = _text(agent) if isinstance(agent, str) else _text(_mapping(agent).get("name"))
    return Action(
        action=name, source_type=None if source is None else source.strip(), when=_text(action.get("when")), tool=tool
    )


def _link(ingredient: Mapping[str, Any]) -> Link:
    results = _mapping(ingredient.get("validation_results"))
    recorded = list(statuses(results.get("activeManifest")))
    # Versions 1 and 2 record one list that mixes both kinds; only what fails is looked for in it.
    recorded += statuses({"failure": ingredient.get("validation_status")})
    for delta in _list(results.get("ingredientDeltas")):
        recorded += statuses(_mapping(delta).get("validationDeltas"))
    manifest = ingredient.get("active_manifest")
    return Link(
        title=_text(ingredient.get("title")),
        relationship=(_text(ingredient.get("relationship")) or "componentOf")[:64],
        manifest=manifest if isinstance(manifest, str) and manifest else None,
        recorded=tuple(recorded),
        vouches_for_signer=any(
            each.code == "signingCredential.trusted" for each in statuses(results.get("activeManifest"))
        ),
    )


def _deltas(value: Any) -> Iterator[tuple[str, Status]]:
    for delta in _list(value):
        if not isinstance(delta, Mapping):
            continue
        owner = Status("", "", str(delta.get("ingredientAssertionURI") or "")).manifest or ""
        for status in statuses(delta.get("validationDeltas")):
            yield owner, status


def _generator(manifest: Mapping[str, Any]) -> str | None:
    tools = [each for each in _list(manifest.get("claim_generator_info")) if isinstance(each, Mapping)]
    if tools and (name := _text(tools[0].get("name"))):
        version = _text(tools[0].get("version"))
        return f"{name} {version}" if version else name
    return _text(manifest.get("claim_generator"))


def _signer_name(signature: Mapping[str, Any]) -> str | None:
    """Common name and organisation of the leaf, as the certificate states them."""
    common, organisation = _text(signature.get("common_name")), _text(signature.get("issuer"))
    if common and organisation and common != organisation:
        return f"{common} ({organisation})"
    return common or organisation


def _moment(value: Any) -> str | None:
    """The stamped time in UTC, as reports write it."""
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    try:
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, ValueError):
        return None


def _text(value: Any) -> str | None:
    return value[:MAX_TEXT] if isinstance(value, str) and value else None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
