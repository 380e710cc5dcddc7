# SPDX-License-Identifier: Apache-2.0
"""The page people open: made on the server, whole without script; every text of a file is escaped as in a dossier."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from typing import Any

from jinja2 import BaseLoader, ChoiceLoader, PackageLoader, PrefixLoader
from markupsafe import Markup

from waarmerk.api.page_facts import questions
from waarmerk.provenance.report.document import canonical
from waarmerk.provenance.report.html import PARTS, Dossier, Run, environment
from waarmerk.provenance.report.repeat import word
from waarmerk.provenance.report.view import View
from waarmerk.provenance.report.wording import LANGUAGES, wording

POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
_BASE64_TYPES = ("text/html", "application/json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was found in one file: the report, what a dossier shows beside it; for which moment, with which facts."""

    report: dict[str, Any]
    shown: dict[str, Any] | None
    at: str
    facts: tuple[str, ...] = ()

    def dossier(self, language: str, form: str) -> Dossier:
        """The dossier of this file in a language; ``form`` is what the command that repeats it asks for."""
        facts = (part for fact in self.facts for part in ("--context", word(fact)))
        made = Dossier(language, Run(options=("--at", self.at, *facts, "--lang", language, "--format", form)))
        made.add(self.report, self.shown)
        return made


def language_of(asked: str | None, accepted: str) -> str:
    """The language asked for by name, else the best that the browser accepts (RFC 9110, 12.5.4), else English."""
    if asked in LANGUAGES:
        return str(asked)
    ranked = sorted(_ranges(accepted), key=lambda each: -each[1])
    return next((language for language, quality in ranked if language in LANGUAGES and quality > 0), LANGUAGES[0])


def _ranges(accepted: str) -> list[tuple[str, float]]:
    found = []
    for part in accepted.split(",")[:20]:
        tag, _, parameter = part.strip().partition(";")
        name, _, value = parameter.strip().partition("=")
        try:
            quality = float(value) if name.strip() == "q" else 1.0
        except ValueError:
            quality = 0.0
        found.append((tag.strip().lower().partition("-")[0], quality))
    return found


def page(
    language: str,
    *,
    problem: str | None = None,
    answer: Answer | None = None,
    given: Mapping[str, str] | None = None,
    with_desk: bool = False,
) -> str:
    """The whole page, with an answer or a problem where there is one, and the facts that were given.

    ``with_desk``: organisations can label here, and the page says where.
    """
    return _render("page.html", language, problem=problem, answer=answer, given=given or {}, with_desk=with_desk)


def waiting(language: str, told: Mapping[str, Any], *, watches: bool, is_over: bool) -> str:
    """How far a file is; ``watches``: the page asks again by itself; ``is_over``: nobody could examine it."""
    words = wording(language)
    page = {"words": words, "other": other_than(language), "watches": watches, "is_over": is_over}
    return laid_out("waiting.html", {**page, **told})


def fragment(language: str, *, problem: str | None = None, answer: Answer | None = None) -> str:
    """The answer or the problem alone, to be put into the page."""
    return _render("problem.html" if answer is None else "result.html", language, problem=problem, answer=answer)


def problem_text(language: str, code: str, places: Sequence[str] = ()) -> str:
    """A problem of the request in words for a person; of ``places`` (JSON pointers) the questions that they are."""
    words = wording(language)
    text = words.say("page_problem", code if words.has("page_problem", code) else "other")
    named = {place.rpartition("/")[2] for place in places}
    asked = [each.text for each in questions(words, {}) if each.name in named] if named else []
    return f"{text} {words.say('page_problem', 'about', questions=' '.join(asked))}" if asked else text


def _render(
    name: str,
    language: str,
    *,
    problem: str | None,
    answer: Answer | None,
    given: Mapping[str, str] | None = None,
    with_desk: bool = False,
) -> str:
    words = wording(language)
    told: dict[str, Any] = {"words": words, "problem": problem, "view": None, "with_pdf": has_pdf()}
    told["with_desk"] = with_desk
    if given is not None:
        told |= {"given": given, "questions": questions(words, given)}
    told["other"] = other_than(language)
    if answer is not None:
        made = answer.dossier(language, "html")
        told["view"] = View(answer.report, answer.shown, words, served=True)
        told["command"] = made.sheets[0].command
        told["dossier"] = Markup(made.render())  # noqa: S704 - encoded whole below, never part of the page
        told["report"] = canonical(answer.report)
    return laid_out(name, told)


def laid_out(name: str, told: Mapping[str, Any]) -> str:
    """The template of this name with these values, each made safe."""
    return environment(_loader()).get_template(name).render(told)


def other_than(language: str) -> str:
    """The language a reader can turn to."""
    return next(each for each in LANGUAGES if each != language)


def attachment(content: str, media_type: str) -> Markup:
    """Content as a ``data:`` address: nothing but base64 gets into the page."""
    if media_type not in _BASE64_TYPES:
        raise ValueError(f"{media_type} is no attachment of ours")
    encoded = base64.b64encode(str(content).encode("utf-8")).decode("ascii")
    return Markup(f"data:{media_type};base64,{encoded}")  # noqa: S704 - as said


@cache
def _loader() -> BaseLoader:
    loader = ChoiceLoader([PackageLoader("waarmerk.api"), PrefixLoader({"report": PARTS})])
    environment(loader).filters["attachment"] = attachment
    return loader


@cache
def has_pdf() -> bool:
    """Whether dossiers can be made as PDF here (the extra ``pdf``)."""
    return find_spec("reportlab") is not None


@cache
def static(name: str) -> tuple[str, bytes] | None:
    """Media type and content of a file the page needs; None for any other name."""
    ours = files("waarmerk.api") / "static"
    if name == "page.js":
        return "text/javascript; charset=utf-8", (ours / name).read_bytes()
    if name == "page.css":
        dossier = (files("waarmerk.provenance.report") / "templates" / "dossier.css").read_bytes()
        return "text/css; charset=utf-8", dossier + (ours / name).read_bytes()
    return None
