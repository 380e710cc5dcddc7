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
_TRUSTED = "signingCredential.trusted"
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
    is_listed: bool  # a loaded list vouches for its signer now
    is_vouched: bool  # and so it is for every manifest on the way down to it


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


def walk(store: Store, own: Iterable[Status], foreign: Iterable[Status], passes: Iterable[Store] = ()) -> Walk:
    """Walk the ingredients breadth first, each manifest once, and weigh what is recorded against them.

    ``own`` are the entries of the active manifest, ``foreign`` those that stand there and belong to other manifests.
    ``passes`` are the same store as seen with other lists loaded: a signer below is listed if any of them says so.
    """
    steps: list[Step] = []
    concerns: set[Finding] = set()
    queue = [(store.active, 0, True, True)]
    seen = {store.active}
    is_cut = False
    found = _FoundNow(store, passes)
    while queue:
        label, depth, is_line, is_vouched = queue.pop(0)
        for link in store.nodes[label].links:
            if depth >= MAX_DEPTH or len(steps) >= MAX_INGREDIENTS:
                is_cut = True
                break
            step = _step(store, found, label, link, depth, is_line=is_line, is_vouched=is_vouched)
            steps.append(step)
            concerns.update(_concerns(found, step))
            if link.manifest and link.manifest in store.nodes and link.manifest not in seen:
                seen.add(link.manifest)
                queue.append((link.manifest, depth + 1, step.is_line, step.is_vouched))
    below = [*foreign, *(status for _, status in store.deltas)]
    concerns.update(_found_now(store, own, below))
    if is_cut:
        concerns.add(Finding(findings.LIMIT, store.active))
    chain = _chain(steps, tuple(own), below, is_cut=is_cut)
    return Walk(steps=tuple(steps), chain=chain, concerns=tuple(sorted(concerns)))


class _FoundNow:
    """What the engine found now about each ingredient's manifest, where that differs from what is recorded."""

    def __init__(self, store: Store, passes: Iterable[Store]) -> None:
        self._first = _by_owner(store)
        self._passes = (self._first, *(_by_owner(each) for each in passes))

    def about(self, owner: str, link: Link) -> list[Status]:
        """The differences in the first pass."""
        return _lookup(self._first, owner, link)

    def is_listed(self, owner: str, link: Link) -> bool:
        """Whether the list of any pass vouches for the signer now.

        The record is the word of whoever added the ingredient; a difference says what it comes to today, so a record
        that lies, or that was made under other lists, decides nothing.
        """
        return any(self._trusts(_lookup(found, owner, link), link) for found in self._passes)

    @staticmethod
    def _trusts(differences: list[Status], link: Link) -> bool:
        failed = any(each.kind == "failure" and each.code.startswith(_SIGNER) for each in differences)
        now = any(each.kind == "success" and each.code == _TRUSTED for each in differences)
        return not failed and (now or link.vouches_for_signer)


def _step(
    store: Store, found: _FoundNow, owner: str, link: Link, depth: int, *, is_line: bool, is_vouched: bool
) -> Step:
    recorded = [*link.recorded, *found.about(owner, link)]
    is_broken = any(status.kind == "failure" and is_recorded_break(status.code) for status in recorded)
    is_missing = _is_missing(store, link)
    is_listed = not is_missing and link.manifest is not None and found.is_listed(owner, link)
    return Step(
        owner=owner,
        link=link,
        depth=depth,
        is_line=is_line and link.relationship == _PARENT,
        is_broken=is_broken,
        is_missing=is_missing,
        is_listed=is_listed,
        is_vouched=is_vouched and is_listed and not is_broken,
    )


def _is_missing(store: Store, link: Link) -> bool:
    """Whether there is a manifest and it is not here: not in the store, or recorded as kept elsewhere and not read."""
    if link.manifest is not None:
        return link.manifest not in store.nodes
    return any(status.kind == "failure" and status.code in CHAIN_MISSING for status in link.recorded)


def _by_owner(store: Store) -> _Found:
    found: _Found = {}
    for owner, status in store.deltas:
        found.setdefault((owner, status.manifest), []).append(status)
    return found


def _lookup(found: _Found, owner: str, link: Link) -> list[Status]:
    return found.get((owner, link.manifest), []) + (found.get((owner, None), []) if link.manifest else [])


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


def _concerns(found: _FoundNow, step: Step) -> Iterable[Finding]:
    name = step.link.manifest or step.link.title or step.owner
    if step.is_missing:
        yield Finding(findings.CHAIN_MISSING, name)
    elif step.link.manifest is None:
        yield Finding(findings.CHAIN_OPEN, name)
    elif not step.is_listed:
        yield Finding(findings.CHAIN_UNLISTED, name)
    for status in (*step.link.recorded, *found.about(step.owner, step.link)):
        if status.kind == "failure" and is_recorded_break(status.code):
            yield Finding(findings.CHAIN_BROKEN, f"{name}: {status.code}")


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
