# SPDX-License-Identifier: Apache-2.0
"""The chain below the active manifest: walked to the leaves, with every failure recorded or found there.

The engine calls an asset Trusted whose tampered parent was opened and signed again: its overall state ignores what
was recorded about ingredients. So the record is read here, at every depth (C2PA 2.2, sections 10.3.2, 15.11).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from waarmerk.provenance.credentials import findings
from waarmerk.provenance.credentials.status import (
    CHAIN_BROKEN,
    CHAIN_MISSING,
    CHAIN_OPEN,
    Status,
    is_recorded_break,
)
from waarmerk.provenance.credentials.store import Link, Store
from waarmerk.provenance.model import Chain, Finding

MAX_DEPTH = 32
MAX_INGREDIENTS = 1_000
_PARENT = "parentOf"
_SIGNER = "signingCredential."
_Found = dict[tuple[str, str | None], list[Status]]  # by the manifest that states an ingredient, and the ingredient's


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One ingredient on the way down. ``is_line`` holds for parents of parents: the line of the asset itself."""

    owner: str
    link: Link
    depth: int
    is_line: bool
    is_broken: bool
    is_missing: bool
    is_vouched: bool  # every signer from the active manifest down to here called the next one trusted


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """Everything below the active manifest, nearest first, and what it comes to."""

    steps: tuple[Step, ...] = ()
    chain: Chain = Chain.NONE
    concerns: tuple[Finding, ...] = ()

    @property
    def line(self) -> frozenset[str]:
        """The labels of the line of parents."""
        return frozenset(step.link.manifest for step in self.steps if step.is_line and step.link.manifest)


def parents_of(store: Store) -> frozenset[str]:
    """The labels of the line of parents, before any code is attributed."""
    found: set[str] = set()
    level = [store.active]
    while level and len(found) < MAX_INGREDIENTS:
        node = store.nodes.get(level.pop())
        for link in node.links if node is not None else ():
            if link.relationship == _PARENT and link.manifest and link.manifest not in found | {store.active}:
                found.add(link.manifest)
                level.append(link.manifest)
    return frozenset(found)


def walk(store: Store, own: Iterable[Status], foreign: Iterable[Status]) -> Walk:
    """Walk the ingredients breadth first, each manifest once, and weigh what is recorded against them.

    ``own`` are the entries of the active manifest, ``foreign`` those that stand there and belong to other manifests.
    """
    steps: list[Step] = []
    concerns: set[Finding] = set()
    queue = [(store.active, 0, True, True)]
    seen = {store.active}
    is_cut = False
    found_now = _by_owner(store)
    while queue:
        label, depth, is_line, is_vouched = queue.pop(0)
        for link in store.nodes[label].links:
            if depth >= MAX_DEPTH or len(steps) >= MAX_INGREDIENTS:
                is_cut = True
                break
            step = _step(store, found_now, label, link, depth, is_line=is_line, is_vouched=is_vouched)
            steps.append(step)
            concerns.update(_concerns(found_now, step))
            if link.manifest and link.manifest in store.nodes and link.manifest not in seen:
                seen.add(link.manifest)
                queue.append((link.manifest, depth + 1, step.is_line, step.is_vouched))
    below = [*foreign, *(status for _, status in store.deltas)]
    concerns.update(_found_now(store, own, below))
    if is_cut:
        concerns.add(Finding(findings.LIMIT, store.active))
    chain = _chain(steps, tuple(own), below, is_cut=is_cut)
    return Walk(steps=tuple(steps), chain=chain, concerns=tuple(sorted(concerns)))


def _step(
    store: Store, found_now: _Found, owner: str, link: Link, depth: int, *, is_line: bool, is_vouched: bool
) -> Step:
    recorded = [*link.recorded, *_about(found_now, owner, link)]
    broken = any(status.kind == "failure" and is_recorded_break(status.code) for status in recorded)
    distrusted = any(status.kind == "failure" and status.code.startswith(_SIGNER) for status in recorded)
    return Step(
        owner=owner,
        link=link,
        depth=depth,
        is_line=is_line and link.relationship == _PARENT,
        is_broken=broken,
        is_missing=link.manifest is not None and link.manifest not in store.nodes,
        is_vouched=is_vouched and link.vouches_for_signer and not distrusted and not broken,
    )


def _by_owner(store: Store) -> _Found:
    found: _Found = {}
    for owner, status in store.deltas:
        found.setdefault((owner, status.manifest), []).append(status)
    return found


def _about(found_now: _Found, owner: str, link: Link) -> list[Status]:
    """What was found now about the ingredient's manifest, recorded under the manifest that states it."""
    return found_now.get((owner, link.manifest), []) + (found_now.get((owner, None), []) if link.manifest else [])


def _chain(steps: list[Step], own: Iterable[Status], below: Iterable[Status], *, is_cut: bool) -> Chain:
    here = {status.code for status in own}
    found = {status.code for status in below if status.kind == "failure"}
    if any(step.is_broken for step in steps) or here & CHAIN_BROKEN or any(map(is_recorded_break, found)):
        return Chain.BROKEN
    if any(step.is_missing for step in steps) or (here | found) & CHAIN_MISSING:
        return Chain.MISSING
    unknown = (here | {status.code for status in below}) & CHAIN_OPEN
    if is_cut or unknown or any(step.link.manifest is None for step in steps):
        return Chain.OPEN
    return Chain.COMPLETE if steps else Chain.NONE


def _concerns(found_now: _Found, step: Step) -> Iterable[Finding]:
    name = step.link.manifest or step.link.title or step.owner
    if step.is_missing:
        yield Finding(findings.CHAIN_MISSING, name)
    if step.link.manifest is None:
        yield Finding(findings.CHAIN_OPEN, name)
    for status in (*step.link.recorded, *_about(found_now, step.owner, step.link)):
        if status.kind != "failure":
            continue
        if is_recorded_break(status.code):
            yield Finding(findings.CHAIN_BROKEN, f"{name}: {status.code}")
        elif status.code.startswith(_SIGNER) and status.code != "signingCredential.ocsp.skipped":
            yield Finding(findings.CHAIN_UNLISTED, name)


def _found_now(store: Store, own: Iterable[Status], below: Iterable[Status]) -> Iterable[Finding]:
    """Chain codes that stand with the active manifest, and whatever failed below it."""
    for status in own:
        if status.code in CHAIN_BROKEN:
            yield Finding(findings.CHAIN_BROKEN, f"{status.manifest or store.active}: {status.code}")
        elif status.code in CHAIN_MISSING:
            yield Finding(findings.CHAIN_MISSING, status.manifest or status.url or store.active)
    for status in below:
        if status.kind == "failure" and is_recorded_break(status.code):
            yield Finding(findings.CHAIN_BROKEN, f"{status.manifest or store.active}: {status.code}")
