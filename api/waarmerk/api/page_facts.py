# SPDX-License-Identifier: Apache-2.0
"""What no file can tell and labels depend on: the few questions of the page, and the answers in its form.

The questions are those of the rule packs, in their words; an answer that is left open stays unknown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from waarmerk.api.problems import Problem
from waarmerk.provenance.labelling.fields import Field
from waarmerk.provenance.labelling.loader import load_packs
from waarmerk.provenance.report.wording import Wording

ASKED = (
    *("jur", "role", "platform", "professional", "edit", "exists_or_plausible", "appears_authentic", "art"),
    *("real_person", "political_ad", "generated_on"),
)
MAX_PARTS = len(ASKED) + 2
_YES_OR_NO = ("true", "false")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question: the fact it asks for, its text, how it is answered (``select``, ``date``, ``text``), with what.

    ``answers`` are (value, words) pairs, ``given`` what was answered already.
    """

    name: str
    text: str
    kind: str
    answers: tuple[tuple[str, str], ...]
    given: str


def questions(words: Wording, given: Mapping[str, str], asked: Sequence[str] = ASKED) -> tuple[Question, ...]:
    """The questions in one language, with the answers so far."""
    fields = _fields()
    return tuple(_question(fields[name], words, given.get(name, "")) for name in asked)


def answers(form: Mapping[str, str], asked: Sequence[str] = ASKED) -> dict[str, str]:
    """The answers in a form, by fact; open ones left out. Raises Problem for one that is none."""
    fields, found = _fields(), {}
    for name in asked:
        value = form.get(name, "").strip()
        if not value:
            continue
        try:
            fields[name].read(value)
        except ValueError:
            raise Problem("request.invalid", errors=[{"pointer": f"/body/{name}", "detail": "no answer"}]) from None
        found[name] = value
    return found


def _question(field: Field, words: Wording, given: str) -> Question:
    kind = {"codes": "text", "date": "date"}.get(field.kind, "select")
    values = _YES_OR_NO if field.kind == "bool" else field.values
    texts = dict(field.asked)
    return Question(
        name=field.name,
        text=texts.get(words.language) or texts["en"],
        kind=kind,
        answers=tuple((value, _shown(field.name, value, words)) for value in values),
        given=given,
    )


def _shown(name: str, value: str, words: Wording) -> str:
    section = "who" if name == "role" else "value"
    return words.say(section, value) if words.has(section, value) else value


def typed(given: Mapping[str, str]) -> dict[str, Any]:
    """Answers that ``answers`` took, as plain data: yes and no as such, countries as a list."""
    read = {name: _fields()[name].read(value) for name, value in given.items()}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in read.items()}


def platforms(words: Wording) -> tuple[tuple[str, str], ...]:
    """The platforms that rules are known for: (value, words)."""
    return tuple((value, _shown("platform", value, words)) for value in known_platforms())


def known_platforms() -> tuple[str, ...]:
    """The platforms that rules are known for."""
    return _fields()["platform"].values


@cache
def _fields() -> Mapping[str, Field]:
    return load_packs().by_name
