# SPDX-License-Identifier: Apache-2.0
"""Read one asset's Content Credentials onto their separate axes (C2PA 2.2, sections 14 and 15)."""

from collections.abc import Iterable
from copy import copy
from dataclasses import replace
from datetime import datetime
from typing import Any

from waarmerk.provenance.credentials import findings
from waarmerk.provenance.credentials.container import Embedded, find_stores, remote_address, shows_store
from waarmerk.provenance.credentials.cose import OwnView, chains_of, claims_of, view_of
from waarmerk.provenance.credentials.crjson import judged
from waarmerk.provenance.credentials.identity import PREFIX as IDENTITY_PREFIX
from waarmerk.provenance.credentials.identity import concern_of, identity_of
from waarmerk.provenance.credentials.ingredients import parents_of, walk
from waarmerk.provenance.credentials.oversize import is_altered, is_too_large
from waarmerk.provenance.credentials.passes import Answer, Engine, Pass
from waarmerk.provenance.credentials.plain import bounded
from waarmerk.provenance.credentials.settings import refuse_foreign_library
from waarmerk.provenance.credentials.signals import Signals, assess
from waarmerk.provenance.credentials.signer import STATUS_OF_PASS, Judgement, KnownLists, SignerCase
from waarmerk.provenance.credentials.status import (
    UNREFERENCED,
    Status,
    attribute,
    integrity_of,
)
from waarmerk.provenance.credentials.store import Store, parse_store
from waarmerk.provenance.credentials.tree import ingredients_of, manifest_of
from waarmerk.provenance.credentials.unhashed import Unhashed, count
from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.sniff import carries_credentials
from waarmerk.provenance.media.window import Window
from waarmerk.provenance.model import (
    Asset,
    Credential,
    CredentialState,
    Finding,
    Identity,
    Integrity,
    Manifest,
    SignerStatus,
)
from waarmerk.provenance.trust import TrustStore

_MAX_SHOWN = 500  # actions, ingredients: a report holds no more, whatever the store does


class CredentialReader:
    """Reads credentials under one set of trust lists, at one time. Safe to share between threads.

    Content never makes it raise. ``at`` is the clock of the decision and must be aware; a library that the
    environment would put in the engine's place is refused with ConfigurationError.
    """

    def __init__(self, trust: TrustStore, *, at: datetime, limits: Limits | None = None) -> None:
        if at.tzinfo is None:
            raise ConfigurationError("credentials.naive-time", "the time of the decision needs a time zone")
        refuse_foreign_library()
        self._engine = Engine(trust)
        self._lists = KnownLists(trust)
        self._editions = trust.editions
        self._at = at
        self._limits = limits or Limits()

    def prepare(self) -> None:
        """Do what needs no file, and nothing that a process which goes on in another could not do."""
        self._engine.prepare()

    def turned_to(self, at: datetime) -> "CredentialReader":
        """The same lists at another time; what the engine has loaded is shared, which is most of the cost."""
        turned = copy(self)
        turned._at = at
        return turned

    def read(self, asset: Asset) -> Credential:
        """The credential of the asset; what cannot be read is ``unreadable``, never ``none``."""
        stores = self._stores(asset)
        if is_too_large(stores):
            return _too_large(stores)
        answer = self._engine.run(Pass.OFFICIAL, asset)
        store = None if answer.document is None else parse_store(answer.document)
        if store is None:
            return self._without_store(asset, answer)
        return _Reading(self, asset, store, stores, from_sidecar=answer.from_sidecar).credential()

    def manifests(self, asset: Asset) -> tuple[Manifest, ...]:
        """The manifest store for a tree, the active manifest first; empty if there is none to be read."""
        stores = self._stores(asset)
        if is_too_large(stores):
            return ()
        answer = self._engine.run(Pass.OFFICIAL, asset)
        store = None if answer.document is None else parse_store(answer.document)
        if store is None:
            return ()
        return _Reading(self, asset, store, stores, from_sidecar=answer.from_sidecar).manifests()

    def detailed(self, asset: Asset) -> dict[str, Any]:
        """The engine's detailed JSON, official pass; empty if there is no store to be read."""
        return {} if is_too_large(self._stores(asset)) else self._engine.detailed(asset).document or {}

    def crjson(self, asset: Asset) -> dict[str, Any]:
        """The store as crJSON, judged with all lists at the time of the decision; see ``crjson``."""
        text = "" if is_too_large(self._stores(asset)) else self._engine.crjson(asset)
        return judged(text, self.read(asset), at=self._at, lists=self._editions)

    def _stores(self, asset: Asset) -> tuple[Embedded, ...]:
        """The stores inside the asset; where there is none, the one in the file beside it."""
        with asset.open() as stream:
            found = find_stores(Window(stream, asset.bytes), asset.media_type, self._limits)
        beside = asset.sidecar("c2pa")
        return found if found or beside is None else (Embedded(beside.data, 0, 0),)

    def _without_store(self, asset: Asset, answer: Answer) -> Credential:
        if answer.remote_url is not None:
            return _remote(answer.remote_url)
        if not carries_credentials(asset.media_type):
            return Credential(concerns=(Finding(findings.UNSUPPORTED_CONTAINER, asset.media_type),))
        with asset.open() as stream:
            window = Window(stream, asset.bytes)
            if answer.document is not None or shows_store(window, asset.media_type, self._limits):
                concern = Finding(findings.UNREADABLE, answer.failed or "")
            elif answer.failed is not None:
                concern = Finding(findings.ENGINE_FAILED, answer.failed)
            elif asset.bytes <= self._limits.image_bytes and (address := remote_address(window)) is not None:
                return _remote(address)
            else:
                return Credential()
        return Credential(state=CredentialState.UNREADABLE, concerns=(concern,))


def _remote(address: str) -> Credential:
    return Credential(
        state=CredentialState.REMOTE,
        remote_url=address,
        concerns=(Finding(findings.REMOTE_ONLY, address),),
    )


def _too_large(stores: tuple[Embedded, ...]) -> Credential:
    """What is said of a store that nobody reads for its size: altered where that shows, else unreadable."""
    limit = Finding(findings.LIMIT)
    if is_altered(stores):
        state = CredentialState.EMBEDDED if any(store.end for store in stores) else CredentialState.SIDECAR
        return Credential(state=state, integrity=Integrity.ALTERED, concerns=(limit,))
    concerns = tuple(sorted((limit, Finding(findings.UNREADABLE))))
    return Credential(state=CredentialState.UNREADABLE, concerns=concerns)


class _Reading:
    """One asset on its way to a Credential; the passes that were run are kept."""

    def __init__(
        self,
        reader: CredentialReader,
        asset: Asset,
        store: Store,
        stores: tuple[Embedded, ...],
        *,
        from_sidecar: bool,
    ) -> None:
        self._reader = reader
        self._embedded = stores
        self._from_sidecar = from_sidecar
        self._asset = asset
        self._store = store
        self._line = parents_of(store)
        self._stores = {Pass.OFFICIAL: store}

    def credential(self) -> Credential:
        """All axes."""
        store = self._store
        own, foreign = self._split(store)
        integrity, unknown = integrity_of(own)
        view, hidden = self._own_view(own)
        case = SignerCase(
            node=store.root,
            own=None if view is None else view.signature,
            lists=self._reader._lists,
            at=self._reader._at,
            run=self._entries,
        )
        judgement = case.judge()
        self._ask_about_ingredients()
        walked = walk(store, own, foreign, (each for each in self._stores.values() if each is not store))
        signals = assess(store, walked, is_listed=judgement.signer.status.is_listed)
        identity, identity_entries = self._identity()
        decided = self._stores.get(judgement.decided_by, store)
        concerns = {
            *judgement.concerns,
            *walked.concerns,
            *signals.concerns,
            *hidden.concerns,
            *concern_of(identity, store.active),
            *(Finding(findings.UNKNOWN_CODE, code) for code in unknown),
            *(Finding(findings.UNREFERENCED_MANIFEST) for entry in own if entry.code in UNREFERENCED),
        }
        is_verified = judgement.signer.status.is_listed and integrity is Integrity.INTACT
        return Credential(
            state=CredentialState.SIDECAR if self._from_sidecar else CredentialState.EMBEDDED,
            integrity=integrity,
            signer=replace(judgement.signer, verified_name=is_verified and judgement.signer.name is not None),
            identity=identity,
            chain=walked.chain,
            source_types=signals.source_types,
            signal=signals.signal,
            vouched=signals.vouched,
            generator=store.root.generator,
            actions=tuple(edit.action for edit in store.root.edits[:_MAX_SHOWN]),
            ingredients=ingredients_of(store.root, walked, dict(signals.by_manifest))[:_MAX_SHOWN],
            unhashed_bytes=hidden.total,
            validation_state=decided.state,
            codes=_codes((*self._split(decided)[0], *identity_entries)),
            ingredient_codes=_codes((*self._split(decided)[1], *(status for _, status in decided.deltas))),
            concerns=_bounded(concerns, store.active),
            capture_bars=_bars(signals, judgement, hidden),
        )

    def manifests(self) -> tuple[Manifest, ...]:
        """Every manifest of the store with its signer's standing, the active one first."""
        store, claims = self._store, claims_of(self._embedded)
        standing: dict[str, SignerStatus] = {store.active: self.credential().signer.status}
        for which, status in STATUS_OF_PASS.items():
            for label in self._listed_below(which):
                standing.setdefault(label, status)
        walked = walk(store, *self._split(store))
        for step in walked.steps:
            standing.setdefault(step.link.manifest or "", SignerStatus.UNKNOWN)
        signals = dict(assess(store, walked, is_listed=False).by_manifest)
        labels = [store.active, *sorted(label for label in store.nodes if label != store.active)]
        return tuple(
            manifest_of(store, walked, signals, label, claim=claims.get(label), signer=standing.get(label))
            for label in labels
        )

    def _listed_below(self, which: Pass) -> frozenset[str]:
        """The ingredients' manifests for whose signers the list of that pass vouches."""
        store = self._stores.get(which)
        if store is None:
            return frozenset()
        steps = walk(store, *self._split(store)).steps
        return frozenset(step.link.manifest for step in steps if step.is_listed and step.link.manifest)

    def _ask_about_ingredients(self) -> None:
        """Run the passes whose lists could vouch for the signer of an ingredient, whoever signed on top."""
        below = [label for label in self._store.nodes if label != self._store.active]
        if not below:
            return
        chains = chains_of(self._embedded)
        certificates = [certificate for label in below for certificate in chains.get(label, ())]
        for which, anchors in self._reader._lists.anchors.items():
            if which not in self._stores and anchors.could_vouch_for(certificates):
                self._entries(which)

    def _split(self, store: Store) -> tuple[tuple[Status, ...], tuple[Status, ...]]:
        return attribute(store.entries, store.active, frozenset(store.nodes), self._line)

    def _entries(self, which: Pass) -> tuple[Status, ...]:
        """The active manifest's entries of a pass. A pass that fails, or sees another store, vouches for nobody."""
        if which not in self._stores:
            answer = self._reader._engine.run(which, self._asset)
            found = None if answer.document is None else parse_store(answer.document)
            if found is None or found.active != self._store.active or found.root.serial != self._store.root.serial:
                return ()
            self._stores[which] = found
        return self._split(self._stores[which])[0]

    def _own_view(self, own: tuple[Status, ...]) -> tuple[OwnView | None, Unhashed]:
        """The active manifest as read here, if it is the one the engine saw; and the bytes that no hash covers."""
        asset, limits = self._asset, self._reader._limits
        with asset.open() as stream:
            window = Window(stream, asset.bytes)
            view = view_of(self._embedded, self._store.active)
            hidden = count(window, asset.media_type, view, own, limits)
        serial = self._store.root.serial
        if view is not None and view.signature is not None and str(view.signature.leaf.serial_number) != serial:
            return None, hidden
        return view, hidden

    def _identity(self) -> tuple[Identity, tuple[Status, ...]]:
        if not self._store.root.has_identity:
            return Identity.NONE, ()
        entries = tuple(entry for entry in self._entries(Pass.IDENTITY) if entry.code.startswith(IDENTITY_PREFIX))
        return identity_of(entries), entries


def _bars(signals: Signals, judgement: Judgement, hidden: Unhashed) -> tuple[Finding, ...]:
    interim = (Finding(findings.BAR_INTERIM),) if judgement.signer.status is SignerStatus.INTERIM else ()
    return bounded({*signals.bars, *hidden.bars, *interim})[0]


def _bounded(concerns: Iterable[Finding], active: str) -> tuple[Finding, ...]:
    """As many as a report can hold; where some are left out it says so."""
    kept, is_cut = bounded(concerns)
    return bounded((*kept, Finding(findings.LIMIT, active)))[0] if is_cut else kept


def _codes(entries: tuple[Status, ...]) -> tuple[str, ...]:
    return tuple(sorted({entry.code for entry in entries}))
