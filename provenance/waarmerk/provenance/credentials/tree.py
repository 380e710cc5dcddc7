# SPDX-License-Identifier: Apache-2.0
"""The manifests of a store as a person looks at them: one by one, each with its ingredients and what failed in it."""

import hashlib

from waarmerk.provenance.credentials.ingredients import Step, Walk
from waarmerk.provenance.credentials.status import is_recorded_break
from waarmerk.provenance.credentials.store import Node, Store
from waarmerk.provenance.model import AISignal, Finding, Ingredient, Manifest, SignerStatus

# Whom to believe is said by ``Manifest.signer``, which rests on all lists; these rest on the one list of a pass.
_JUDGED_BY_LIST = frozenset({"signingCredential.untrusted", "timeStamp.untrusted"})


def ingredients_of(node: Node, walked: Walk, signals: dict[str, AISignal]) -> tuple[Ingredient, ...]:
    """What the manifest was made from, each with what its own line says of AI."""
    return tuple(
        Ingredient(
            title=step.link.title,
            relationship=step.link.relationship,
            state=_state(step),
            signal=signals.get(step.link.manifest or "", AISignal.NONE),
            manifest=step.link.manifest,
        )
        for step in walked.steps
        if step.owner == node.label
    )


def _state(step: Step) -> str:
    if step.is_missing:
        return "missing"
    if step.link.manifest is None:
        return "none"
    return "broken" if step.is_broken else "intact"


def manifest_of(
    store: Store,
    walked: Walk,
    signals: dict[str, AISignal],
    label: str,
    *,
    claim: bytes | None,
    signer: SignerStatus | None,
) -> Manifest:
    """One manifest with what failed in it now, and what was recorded to have failed when it was added."""
    node = store.nodes[label]
    entries = [*store.entries, *(status for _, status in store.deltas)]
    failed = [
        entry
        for entry in entries
        if entry.kind == "failure" and entry.code not in _JUDGED_BY_LIST and (entry.manifest or store.active) == label
    ]
    recorded = [
        status
        for step in walked.steps
        if step.link.manifest == label
        for status in step.link.recorded
        if status.kind == "failure" and is_recorded_break(status.code)
    ]
    return Manifest(
        label=label,
        claim_sha256=None if claim is None else hashlib.sha256(claim).hexdigest(),
        claim_version=node.claim_version,
        title=node.title,
        generator=node.generator,
        signer_name=node.signer_name,
        signed_at=node.time,
        signer=signer,
        actions=tuple(edit.action for edit in node.edits),
        assertions=node.assertions,
        ingredients=ingredients_of(node, walked, signals),
        failures=tuple(sorted({Finding(entry.code, entry.url) for entry in (*failed, *recorded)})),
    )
