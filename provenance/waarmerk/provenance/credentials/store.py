# SPDX-License-Identifier: Apache-2.0
"""A typed, read-only view of the engine's JSON. Every value in it may be a hostile text of the wrong type."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from waarmerk.provenance.credentials.edits import Edit, history_of
from waarmerk.provenance.credentials.plain import items, mapping, short
from waarmerk.provenance.credentials.stated import discloses_ai, source_types_of
from waarmerk.provenance.credentials.status import Status, statuses

_MAX_ASSERTIONS = 1_000
_IDENTITY = "cawg.identity"
_DISCLOSURE = "c2pa.ai-disclosure"


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
    """One manifest. ``is_complete`` is True only where the actions say that all actions are included, and are read."""

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
    stated: tuple[str, ...]  # source types in signed metadata
    discloses_ai: bool
    is_cut: bool  # there is more of it than is read
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
        nodes={label: _node(label, mapping(each)) for label, each in manifests.items()},
        entries=entries,
        deltas=tuple(_deltas(results.get("ingredientDeltas"))),
        state=short(document.get("validation_state")),
    )


def _node(label: str, manifest: Mapping[str, Any]) -> Node:
    assertions = [each for each in items(manifest.get("assertions")) if isinstance(each, Mapping)]
    version = manifest.get("claim_version")
    version = version if isinstance(version, int) else None
    history = history_of(assertions, version)
    signature = mapping(manifest.get("signature_info"))
    return Node(
        label=label,
        claim_version=version,
        title=short(manifest.get("title")),
        generator=_generator(manifest),
        signer_name=_signer_name(signature),
        serial=short(signature.get("cert_serial_number")),
        time=_moment(signature.get("time")),
        edits=history.edits,
        is_complete=history.is_complete,
        has_actions=bool(history.edits),
        stated=source_types_of(assertions),
        discloses_ai=discloses_ai(assertions),
        is_cut=history.is_cut or len(assertions) > _MAX_ASSERTIONS,
        assertions=tuple(str(each.get("label"))[:256] for each in assertions[:_MAX_ASSERTIONS]),
        links=tuple(_link(mapping(each)) for each in items(manifest.get("ingredients"))),
        redactions=bool(manifest.get("redactions")),
    )


def _link(ingredient: Mapping[str, Any]) -> Link:
    results = mapping(ingredient.get("validation_results"))
    recorded = list(statuses(results.get("activeManifest")))
    # Versions 1 and 2 record one list that mixes both kinds; only what fails is looked for in it.
    recorded += statuses({"failure": ingredient.get("validation_status")})
    for delta in items(results.get("ingredientDeltas")):
        recorded += statuses(mapping(delta).get("validationDeltas"))
    manifest = ingredient.get("active_manifest")
    return Link(
        title=short(ingredient.get("title")),
        relationship=(short(ingredient.get("relationship")) or "componentOf")[:64],
        manifest=manifest if isinstance(manifest, str) and manifest else None,
        recorded=tuple(recorded),
        vouches_for_signer=any(
            each.code == "signingCredential.trusted" for each in statuses(results.get("activeManifest"))
        ),
    )


def _deltas(value: Any) -> Iterator[tuple[str, Status]]:
    for delta in items(value):
        if not isinstance(delta, Mapping):
            continue
        owner = Status("", "", str(delta.get("ingredientAssertionURI") or "")).manifest or ""
        for status in statuses(delta.get("validationDeltas")):
            yield owner, status


def _generator(manifest: Mapping[str, Any]) -> str | None:
    tools = [each for each in items(manifest.get("claim_generator_info")) if isinstance(each, Mapping)]
    if tools and (name := short(tools[0].get("name"))):
        version = short(tools[0].get("version"))
        return f"{name} {version}" if version else name
    return short(manifest.get("claim_generator"))


def _signer_name(signature: Mapping[str, Any]) -> str | None:
    """Common name and organisation of the leaf, as the certificate states them; once where the one begins the other."""
    common, organisation = short(signature.get("common_name")), short(signature.get("issuer"))
    if common and organisation and not f"{common} ".startswith(f"{organisation} "):
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
