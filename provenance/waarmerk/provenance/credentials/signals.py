# SPDX-License-Identifier: Apache-2.0
"""What a credential says about AI, and why a capture stated in it may not be an authentic one.

The official asset rubric 1.0 (C2PA, 2026-08-06) on typed actions: the inception (the first ``c2pa.created`` or
``c2pa.opened`` with a source type) says how the thing came to be, every later action that is not merely editorial
says what was done to it. Read down to the leaves: what a placed element contains is in the picture.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from waarmerk.provenance.credentials import findings
from waarmerk.provenance.credentials.edits import Edit
from waarmerk.provenance.credentials.ingredients import Step, Walk
from waarmerk.provenance.credentials.store import Node, Store
from waarmerk.provenance.model import AISignal, Chain, Finding, SourceClass, Statement
from waarmerk.provenance.model.source_types import canonical, class_of, term_of

_INCEPTION = frozenset({"c2pa.created", "c2pa.opened"})
NON_EDITORIAL = frozenset(
    f"c2pa.{name}"
    for name in (
        "converted",
        "published",
        "repackaged",
        "transcoded",
        "resized.proportional",
        "enhanced",
        "edited.metadata",
        "watermarked",
        "watermarked.bound",
        "watermarked.unbound",
        "redacted",
    )
)
# C2PA 2.2, section 18.14.4, with the actions of 1.x and 2.4; any other name is somebody's own.
_EDITORIAL = frozenset(
    f"c2pa.{name}"
    for name in (
        "addedText",
        "adjustedColor",
        "changedSpeed",
        "color_adjustments",
        "copied",
        "cropped",
        "deleted",
        "drawing",
        "dubbed",
        "edited",
        "filtered",
        "formatted",
        "managed",
        "orientation",
        "placed",
        "produced",
        "removed",
        "resized",
        "saved",
        "styled",
        "transcribed",
        "translated",
        "trimmed",
        "version_updated",
    )
)
_AI = frozenset({SourceClass.AI_GENERATED, SourceClass.AI_MODIFIED})
_CAPTURE = frozenset({SourceClass.CAPTURE, SourceClass.CAPTURE_COMPOSITE})
_POSSIBLE_INCEPTION = frozenset({SourceClass.AMBIGUOUS, SourceClass.PROVENANCE_BREAK})
_POSSIBLE_EDIT_TERMS = frozenset({"digitalArt", "composite"})
_MAX_UNKNOWN = 64
_SAYS_AI = frozenset({AISignal.GENERATED, AISignal.MODIFIED})
_RANK = {AISignal.NONE: 0, AISignal.POSSIBLE: 1, AISignal.MODIFIED: 2, AISignal.GENERATED: 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """The AI signal, every source type stated, and the concerns and bars that follow from the actions."""

    signal: AISignal = AISignal.NONE
    source_types: tuple[str, ...] = ()
    concerns: tuple[Finding, ...] = ()
    bars: tuple[Finding, ...] = ()
    by_manifest: tuple[tuple[str, AISignal], ...] = ()
    vouched: Statement | None = None


def assess(store: Store, walk: Walk, *, is_listed: bool) -> Signals:
    """Weigh the actions of the active manifest and of everything below it.

    ``is_listed``: a list vouches for the active signer, and its word is believed. Then, unless AI is stated anywhere,
    only what it states itself and what stands in the line of parents it vouches for counts as a source type: a camera
    claim by an unlisted signer must not become a trusted one because a listed tool opened the picture later, and a
    photograph placed in a layout does not make the layout a capture.
    """
    own = {label: signal_of(node) for label, node in store.nodes.items()}
    types = {label: frozenset(_types(node)) for label, node in store.nodes.items()}
    below = {step.link.manifest for step in walk.steps if step.link.manifest is not None}
    reached = {store.active} | (below & store.nodes.keys())
    stated = frozenset(value for label in reached for value in types[label])
    concerns = set(_concerns(store, reached))
    signal = _down_the_chain(store, walk.steps, own)
    vouched = _vouched(store, walk, own, types) if signal in _SAYS_AI else None
    if is_listed and vouched is None:
        supported = {store.active} | {step.link.manifest for step in walk.steps if step.is_line and step.is_vouched}
        stated = frozenset(value for label in reached & supported for value in types[label])
        concerns.update(_unproven_captures(reached - supported, types))
    return Signals(
        signal=signal,
        source_types=_published(stated),
        concerns=tuple(sorted(concerns)),
        bars=tuple(sorted({*_bars(store, walk), *_unvouched(walk)})),
        by_manifest=tuple(sorted(own.items())),
        vouched=vouched,
    )


def signal_of(node: Node) -> AISignal:
    """What the manifest says itself, its ingredients aside: its actions, then its signed metadata and disclosure.

    Metadata speaks of the asset as a whole, so without an inception of its own it tells how the asset came to be;
    beside one it tells of an edit. A disclosure says that there is AI in it and not how much.
    """
    found, has_inception = [AISignal.NONE], False
    for edit in node.edits:
        kind = None if edit.action.source_type is None else class_of(edit.action.source_type)
        if kind is None or (edit.action.action in NON_EDITORIAL and kind not in _AI):
            continue  # whatever an action is called, AI stated in it is an edit
        if edit.action.action in _INCEPTION and not edit.is_related and not has_inception:
            has_inception = True
            found.append(_of_inception(kind))
        else:
            found.append(_of_edit(kind, edit.action.source_type or ""))
    for value in node.stated:
        kind = class_of(value)
        found.append(_of_edit(kind, value) if has_inception else _of_inception(kind))
    if node.discloses_ai:
        found.append(AISignal.MODIFIED)
    return max(found, key=_RANK.__getitem__)


def _of_inception(kind: SourceClass) -> AISignal:
    if kind is SourceClass.AI_GENERATED:
        return AISignal.GENERATED
    if kind is SourceClass.AI_MODIFIED:
        return AISignal.MODIFIED
    return AISignal.POSSIBLE if kind in _POSSIBLE_INCEPTION else AISignal.NONE


def _of_edit(kind: SourceClass, source_type: str) -> AISignal:
    if kind in _AI:
        return AISignal.MODIFIED
    return AISignal.POSSIBLE if term_of(source_type) in _POSSIBLE_EDIT_TERMS else AISignal.NONE


def _down_the_chain(store: Store, steps: Iterable[Step], own: dict[str, AISignal]) -> AISignal:
    """The line of parents speaks for the asset itself; what is generated in a component modifies the asset."""
    best = own[store.active]
    for step in steps:
        found = own.get(step.link.manifest or "", AISignal.NONE)
        if found is AISignal.GENERATED and not step.is_line:
            found = AISignal.MODIFIED
        best = max(best, found, key=_RANK.__getitem__)
    return best


def _types(node: Node) -> Iterator[str]:
    yield from (edit.action.source_type for edit in node.edits if edit.action.source_type)
    yield from node.stated


def _vouched(store: Store, walk: Walk, own: dict[str, AISignal], types: dict[str, frozenset[str]]) -> Statement:
    """What the active signer says, and those below whom a list vouches for as well.

    Otherwise a stranger could sign "made by AI" over a photograph, let a listed tool open and sign it, and have the
    statement pass for that tool's own; also where that tool states a small AI edit of its own.
    """
    steps = [step for step in walk.steps if step.is_vouched]
    labels = {store.active} | (store.nodes.keys() & {step.link.manifest for step in steps})
    return Statement(
        source_types=_published(value for label in labels for value in types[label]),
        signal=_down_the_chain(store, steps, own),
    )


def _published(values: Iterable[str]) -> tuple[str, ...]:
    """As reports name them; of those that no vocabulary lists, no more than a report has use for."""
    found = sorted({canonical(value) for value in values})
    unknown = [value for value in found if class_of(value) is SourceClass.UNKNOWN]
    left_out = frozenset(unknown[_MAX_UNKNOWN:])
    return tuple(value for value in found if value not in left_out)


def _unvouched(walk: Walk) -> Iterator[Finding]:
    for step in walk.steps:
        if step.is_line and step.link.manifest is not None and not step.is_vouched:
            yield Finding(findings.BAR_ANCESTOR, step.link.manifest)


def _unproven_captures(labels: Iterable[str], types: dict[str, frozenset[str]]) -> Iterator[Finding]:
    for label in labels:
        if any(class_of(value) in _CAPTURE for value in types[label]):
            yield Finding(findings.UNPROVEN_CAPTURE, label)


def _concerns(store: Store, reached: Iterable[str]) -> Iterator[Finding]:
    for label in reached:
        node = store.nodes[label]
        for value in set(_types(node)):
            if class_of(value) is SourceClass.UNKNOWN:
                yield Finding(findings.UNKNOWN_SOURCE_TYPE, value)
        if node.has_disclosure:
            yield Finding(findings.AI_DISCLOSURE, node.label)
        if node.is_cut:
            yield Finding(findings.LIMIT, node.label)
        if node.redactions:
            yield Finding(findings.REDACTED, node.label)


def _bars(store: Store, walk: Walk) -> Iterator[Finding]:
    if walk.chain in (Chain.OPEN, Chain.BROKEN, Chain.MISSING):
        yield Finding(findings.BAR_CHAIN, walk.chain.value)
    line = {store.active, *walk.line}
    for label in sorted(label for label in line if label in store.nodes):
        yield from _bars_of(store.nodes[label])
    for step in walk.steps:
        if not step.is_line:  # something was put into the picture, or the picture was made from it
            yield Finding(findings.BAR_COMPOSITE, step.link.manifest or step.link.title or "")


def _bars_of(node: Node) -> Iterator[Finding]:
    if not node.has_actions:
        yield Finding(findings.BAR_NO_ACTIONS, node.label)
    elif not node.is_complete:
        yield Finding(findings.BAR_INCOMPLETE, node.label)
    if node.has_disclosure:
        yield Finding(findings.BAR_AI_DISCLOSURE, node.label)
    for edit in node.edits:
        yield from _bars_of_edit(edit)
    for value in node.stated:
        yield from _bars_of_source(value)


def _bars_of_edit(edit: Edit) -> Iterator[Finding]:
    name = edit.action.action
    if edit.is_gathered:
        yield Finding(findings.BAR_GATHERED, name)
    if name in _EDITORIAL:
        yield Finding(findings.BAR_EDITED, name)
    elif name not in _INCEPTION and name not in NON_EDITORIAL:  # c2pa.unknown, or an action of somebody's own
        yield Finding(findings.BAR_UNKNOWN_ACTION, name)
    if edit.action.source_type is not None:
        yield from _bars_of_source(edit.action.source_type)


def _bars_of_source(source: str) -> Iterator[Finding]:
    match class_of(source):
        case SourceClass.HUMAN_EDIT:
            yield Finding(findings.BAR_HUMAN_EDIT, source)
        case SourceClass.CAPTURE_COMPOSITE:
            yield Finding(findings.BAR_COMPOSITE, source)
        case SourceClass.CAPTURE_INDIRECT | SourceClass.PROVENANCE_BREAK:
            yield Finding(findings.BAR_INDIRECT, source)
        case _:
            return
