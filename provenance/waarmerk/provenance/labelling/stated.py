# SPDX-License-Identifier: Apache-2.0
"""Facts that somebody states, read from JSON, YAML or JSON lines, and decided one by one."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NoReturn

from waarmerk.provenance.errors import RulePackError
from waarmerk.provenance.labelling.context import Context, FactError, context_of
from waarmerk.provenance.labelling.decide import decide
from waarmerk.provenance.labelling.documents import read_document
from waarmerk.provenance.labelling.facts import NAMES, Facts, evidence_of, facts_from
from waarmerk.provenance.labelling.fields import Field
from waarmerk.provenance.labelling.rules import RuleSet, Weigh
from waarmerk.provenance.model.labelling import Duty
from waarmerk.provenance.model.verdict import Verdict

MAX_INPUT = 64 * 1024 * 1024
"""Characters of one input: about 60,000 sets of facts."""


def read_stated(text: str) -> list[Mapping[str, Any]]:
    """The sets of facts in a text, in their order. Raises FactError with the line."""
    if len(text) > MAX_INPUT:
        raise FactError(f"input of {len(text)} characters, at most {MAX_INPUT}")
    refused: FactError | None = None
    if text.lstrip()[:1] in ("{", "["):
        try:
            return read_json_facts(text)
        except _NotJsonError as error:
            refused = error  # a flow mapping of YAML begins like JSON
    try:
        return _listed(read_document("facts", text).data)
    except RulePackError as error:
        raise refused or FactError(error.message) from error


def read_json_facts(text: str) -> list[Mapping[str, Any]]:
    """The same, of JSON or JSON lines and nothing else. Raises FactError with the line."""
    found = []
    for each in read_json_sets(text):
        if isinstance(each, FactError):
            raise each
        found.append(each)
    return found


def read_json_sets(text: str, *, lines: bool = False) -> list[Mapping[str, Any] | FactError]:
    """The sets of facts in JSON or JSON lines, in their order; in the place of what is none, the error that says why.

    ``lines``: it is JSON lines, whatever the first of them is. Raises FactError where there is neither a set nor a list
    of them.
    """
    if not lines:
        try:
            data = _json(text)
        except _NotOneValueError:
            pass
        else:
            return (
                [_set(part, at) for at, part in enumerate(data, 1)] if isinstance(data, list) else [_mapping(data, 1)]
            )
    found = [_set_of_line(line, at) for at, line in enumerate(text.split("\n"), 1) if line.strip()]
    if not found:
        raise FactError("there is no set of facts")
    return found


def split_facts(stated: Mapping[str, Any], fields: Mapping[str, Field]) -> tuple[Facts, Context]:
    """Stated facts as evidence and context. Raises FactError for a name that is neither."""
    evidence = {name: raw for name, raw in stated.items() if name in NAMES}
    context = {name: raw for name, raw in stated.items() if name not in NAMES}
    return facts_from(evidence, fields), context_of(context, fields)


def weighed(facts: Facts, context: Context, weigh: Weigh) -> Verdict:
    """The finding of stated facts: the extent of editing that a person states can bar an authentic capture."""
    edit = context.get("edit")
    return weigh(evidence_of(facts, edit=None if edit is None or edit.value is None else str(edit.value)))


def decide_stated(
    packs: RuleSet, stated: Mapping[str, Any], weigh: Weigh, at: datetime
) -> tuple[Verdict, tuple[Duty, ...]]:
    """Finding and duties of stated facts. Raises FactError."""
    facts, context = split_facts(stated, packs.by_name)
    verdict = weighed(facts, context, weigh)
    return verdict, decide(packs, facts, verdict, context, at)


class _NotOneValueError(ValueError):
    """The text goes on after its first JSON value: JSON lines."""


class _NotJsonError(FactError):
    """The text is no JSON; it may still be YAML."""


def _set_of_line(text: str, line: int) -> Mapping[str, Any] | FactError:
    try:
        return _mapping(_json(text, line), line)
    except _NotOneValueError:
        return _NotJsonError(f"line {line}: not JSON: more than one value")
    except FactError as error:
        return error


def _set(data: Any, number: int) -> Mapping[str, Any] | FactError:
    try:
        return _mapping(data, number)
    except FactError as error:
        return error


def _json(text: str, line: int = 1) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":
            raise _NotOneValueError from error
        raise _NotJsonError(f"line {line + error.lineno - 1}: not JSON: {error.msg}") from error
    except RecursionError as error:
        raise FactError("not JSON: nested too deeply") from error


class _Twice(dict[str, Any]):
    """An object in which a name stands twice: which of its values holds, nobody can tell."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else _Twice(found)


def _is_twice(data: Any) -> bool:
    """Whether a name stands twice in this, or in what it holds; JSON that was read is not nested deeply."""
    if isinstance(data, dict):
        return isinstance(data, _Twice) or any(map(_is_twice, data.values()))
    return isinstance(data, list) and any(map(_is_twice, data))


def _no_constant(word: str) -> NoReturn:
    raise FactError(f"{word} is no number of JSON")


def _listed(data: Any) -> list[Mapping[str, Any]]:
    if isinstance(data, list):
        return [_mapping(part, number) for number, part in enumerate(data, 1)]
    return [_mapping(data, 1)]


def _mapping(data: Any, number: int) -> Mapping[str, Any]:
    if not isinstance(data, dict):
        raise FactError(f"input {number} is no set of facts (a mapping of names to values)")
    if _is_twice(data):
        raise FactError("a fact stands twice in one set")
    return data
