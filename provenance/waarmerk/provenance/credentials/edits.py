# SPDX-License-Identifier: Apache-2.0
"""The actions of one manifest, typed and bounded; related ones count too (C2PA 2.2, section 18.14)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from waarmerk.provenance.credentials.plain import items, mapping, short
from waarmerk.provenance.model import Action, SourceClass
from waarmerk.provenance.model.source_types import class_of

MAX_EDITS = 1_000  # a long session in an editor leaves some hundreds
_MAX_AI_BEYOND = 16
_MAX_SEEN = 200_000
_MAX_DEPTH = 8
_ACTIONS = ("c2pa.actions", "c2pa.actions.v2")
_AI = frozenset({SourceClass.AI_GENERATED, SourceClass.AI_MODIFIED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """An action with what decides how far it counts: whether the claim itself created it, or gathered it.

    ``is_related`` holds for those that stand inside another action: they never say how the asset came to be.
    """

    action: Action
    is_gathered: bool
    is_related: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The actions in their order. ``is_complete`` only where the file says that all actions are included."""

    edits: tuple[Edit, ...] = ()
    is_complete: bool = False
    is_cut: bool = False


def history_of(assertions: list[Mapping[str, Any]], version: int | None) -> History:
    """The actions of a manifest: the first thousand, and beyond them only what says AI."""
    stated = [each for each in assertions if str(each.get("label")).partition("__")[0] in _ACTIONS]
    kept: list[Edit] = []
    beyond, seen = 0, 0
    for edit in (edit for each in stated for edit in _edits(each, version)):
        seen += 1
        if seen > _MAX_SEEN or beyond >= _MAX_AI_BEYOND:
            break
        if len(kept) < MAX_EDITS:
            kept.append(edit)
        elif edit.action.source_type is not None and class_of(edit.action.source_type) in _AI:
            beyond += 1
            kept.append(edit)
    is_complete = bool(stated) and all(mapping(each.get("data")).get("allActionsIncluded") is True for each in stated)
    is_cut = seen > MAX_EDITS
    return History(edits=tuple(kept), is_complete=is_complete and not is_cut, is_cut=is_cut)


def _edits(assertion: Mapping[str, Any], version: int | None) -> Iterator[Edit]:
    """The actions of one assertion.

    From claim version 2 on the signer vouches only for what it created itself; gathered assertions came from
    elsewhere. In version 1 there was no such difference.
    """
    data = mapping(assertion.get("data"))
    templates = [each for each in items(data.get("templates"))[:MAX_EDITS] if isinstance(each, Mapping)]
    gathered = (version or 1) >= 2 and assertion.get("created") is not True
    for action, depth in _flattened(items(data.get("actions")), 0):
        yield Edit(action=_action(action, templates), is_gathered=gathered, is_related=depth > 0)


def _flattened(actions: list[Any], depth: int) -> Iterator[tuple[Mapping[str, Any], int]]:
    """Every action with the related ones right behind it: an edit is an edit wherever it is written down."""
    for action in actions:
        if not isinstance(action, Mapping):
            continue
        if isinstance(action.get("action"), str):
            yield action, depth
        if depth < _MAX_DEPTH and (related := items(action.get("related"))):
            yield from _flattened(related, depth + 1)


def _action(action: Mapping[str, Any], templates: list[Mapping[str, Any]]) -> Action:
    name = str(action["action"])[:256]
    source = short(action.get("digitalSourceType"))
    if source is None and templates:  # C2PA 2.2, section 18.14.6: a template states it for all actions of its name
        stated = [each for each in templates if each.get("action") in (name, "*")]
        source = next((text for each in stated if (text := short(each.get("digitalSourceType")))), None)
    agent = action.get("softwareAgent")
    tool = short(agent) if isinstance(agent, str) else short(mapping(agent).get("name"))
    return Action(
        action=name, source_type=None if source is None else source.strip(), when=short(action.get("when")), tool=tool
    )
