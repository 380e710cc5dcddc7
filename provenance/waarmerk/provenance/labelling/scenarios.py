# SPDX-License-Identifier: Apache-2.0
"""The worked examples of a pack: facts in, statuses out.

A case may name one ``rule`` and with it neighbours of itself: every entry under ``unless`` overlays the facts and must
make that rule vanish; every field under ``open`` is set to unknown and must turn the rule into that one question.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from waarmerk.provenance.labelling.context import FactError
from waarmerk.provenance.labelling.documents import Document, Path, refusal
from waarmerk.provenance.labelling.rules import RuleSet, Weigh
from waarmerk.provenance.labelling.schema import FINDING, kind_of
from waarmerk.provenance.labelling.stated import decide_stated
from waarmerk.provenance.labelling.telling import REPLACED
from waarmerk.provenance.model.labelling import Duty, DutyStatus
from waarmerk.provenance.model.verdict import Verdict

CLOCK = datetime(2026, 11, 21, 12, tzinfo=UTC)
"""The clock of scenarios that state no date: the state of knowledge of the shipped pack."""


class Case(NamedTuple):
    """One example with the place where it is written."""

    id: str
    facts: Mapping[str, Any]
    expect: Mapping[str, Any]
    file: str
    line: int | None


def cases(documents: Mapping[str, Document]) -> Iterator[Case]:
    """All examples of a pack, the neighbours written out."""
    for name, document in documents.items():
        if kind_of(name) != "scenarios":
            continue
        base = document.data.get("base", {})
        for position, data in enumerate(document.data["cases"]):
            facts = {**base, **data.get("in", {})}
            path: Path = ("cases", position)
            yield Case(data["id"], facts, data["expect"], name, document.line(path))
            for number, overlay in enumerate(data.get("unless", ()), 1):
                line = document.line((*path, "unless", number - 1))
                yield Case(f"{data['id']}/unless-{number}", {**facts, **overlay}, {"not": [data["rule"]]}, name, line)
            for field in data.get("open", ()):
                asked = {"undecided": [data["rule"]], "asks": {data["rule"]: [field]}}
                line = document.line((*path, "open"))
                yield Case(f"{data['id']}/open-{field}", {**facts, field: None}, asked, name, line)


def disagreements(expect: Mapping[str, Any], verdict: Verdict, duties: Iterable[Duty]) -> list[str]:
    """In what a result differs from what a case expects; empty where it agrees."""
    got = {duty.rule: duty for duty in duties if duty.label != REPLACED}
    status = {rule: duty.status.value for rule, duty in got.items()}
    wrong = []
    for wanted in DutyStatus:
        for rule in expect.get(wanted.value, ()):
            if status.get(rule) != wanted.value:
                wrong.append(f"{rule} is {status.get(rule, 'absent')}, expected {wanted.value}")
    wrong += [f"{rule} is {status[rule]}, expected absent" for rule in expect.get("not", ()) if rule in status]
    for rule, fields in expect.get("asks", {}).items():
        asked = {question.field for question in got[rule].asks} if rule in got else set()
        if asked != set(fields):
            wrong.append(f"{rule} asks {', '.join(sorted(asked)) or 'nothing'}, expected {', '.join(fields)}")
    for name in FINDING:
        if name in expect and getattr(verdict, name) != expect[name]:
            wrong.append(f"{name} is {getattr(verdict, name)}, expected {expect[name]}")
    if expect.get("exact"):
        listed = {rule for wanted in DutyStatus for rule in expect.get(wanted.value, ())}
        wrong += [f"{rule} is {status[rule]}, not expected" for rule in status if rule not in listed]
    return wrong


def failures(packs: RuleSet, documents: Mapping[str, Document], weigh: Weigh) -> list[str]:
    """Every case that does not hold, with file, line and reason."""
    known = {rule.id for rule in packs.rules}
    found = []
    for case in cases(documents):
        unknown = sorted(set(_named(case.expect)) - known)
        if unknown:
            found.append(refusal(case.file, case.line, f"case {case.id} names no rule: {', '.join(unknown)}").message)
            continue
        try:
            verdict, duties = decide_stated(packs, case.facts, weigh, CLOCK)
        except FactError as error:
            found.append(refusal(case.file, case.line, f"case {case.id}: {error.message}").message)
            continue
        wrong = disagreements(case.expect, verdict, duties)
        if wrong:
            found.append(refusal(case.file, case.line, f"case {case.id}: {'; '.join(wrong)}").message)
    return found


def _named(expect: Mapping[str, Any]) -> Iterator[str]:
    for key in ("not", *(status.value for status in DutyStatus)):
        yield from expect.get(key, ())
    yield from expect.get("asks", {})
