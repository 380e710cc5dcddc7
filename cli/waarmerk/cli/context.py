# SPDX-License-Identifier: Apache-2.0
"""What a file cannot tell: facts given with ``--context``, and questions asked with ``--ask``."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from waarmerk.cli import options
from waarmerk.provenance.labelling.platforms import platform_names, require_platforms
from waarmerk.provenance.report.escape import plain
from waarmerk.provenance.settings import Settings

_TYPED = re.compile(r"[a-z_]+(@[a-z]+)?=")
MAX_QUESTIONS = 30

Document = dict[str, Any]


def read_context(arguments: Sequence[str]) -> tuple[str | Mapping[str, Any], ...]:
    """Every ``field=value`` as it stands, every file as its mapping. Raises UsageError and FactError."""
    return tuple(argument if _TYPED.match(argument) else _from_file(argument) for argument in arguments)


def settings_of(
    *,
    trust: Path | None,
    facts: Sequence[str],
    platforms: str | None,
    packs: tuple[Path, ...],
    keys: tuple[Path, ...],
    ledger: Path | None,
) -> Settings:
    """The settings that the options of an examining command stand for. Raises UsageError and FactError."""
    return Settings(
        trust=trust,
        data_folder=options.trust_folder(),
        context=read_context(facts),
        platforms=platforms_in(platforms, packs=packs),
        rule_packs=packs,
        keys=keys,
        ledger=options.ledger(ledger) if keys else None,
    )


def platforms_in(listed: str | None, *, packs: tuple[Path, ...] = ()) -> tuple[str, ...]:
    """The platforms of ``--for``, refused here where the shipped rules alone say which there are. Raises FactError."""
    names = platform_names(listed)
    if names and not packs:
        from waarmerk.provenance.labelling.loader import load_packs  # noqa: PLC0415 - only where one is named

        require_platforms(names, load_packs().by_name["platform"].values)
    return names


def _from_file(name: str) -> Mapping[str, Any]:
    from waarmerk.provenance.labelling.stated import read_stated  # noqa: PLC0415 - only where a file is given

    try:
        stated = read_stated(Path(name).read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"--context {name}: neither field=value nor a readable file") from error
    if len(stated) != 1:
        raise click.UsageError(f"--context {name}: holds {len(stated)} sets of facts, not one")
    return stated[0]


def ask(examine: Callable[[list[str]], Document], *, language: str, unknown: str) -> tuple[Document, list[str]]:
    """Examine, ask the question that most rules wait for, examine again, until none is open.

    The last report, and the answers it rests on.

    ``examine`` takes the answers so far as ``field=value``. An empty answer means unknown and is not asked twice.
    """
    from waarmerk.provenance.labelling.loader import load_packs  # noqa: PLC0415 - only here

    fields = load_packs().by_name
    answers: list[str] = []
    asked: set[str] = set()
    document = examine(answers)
    while len(asked) < MAX_QUESTIONS and (question := _next(document, asked)) is not None:
        field, text = question
        asked.add(field)
        known = fields.get(field)
        choices = "" if known is None else "yes/no" if known.kind == "bool" else "/".join(known.values)
        if typed := _typed(field, plain(text.get(language) or text["en"], limit=1000), choices, known, unknown):
            answers.append(f"{field}={typed}")
            document = examine(answers)
    return document, answers


def _next(document: Document, asked: set[str]) -> tuple[str, dict[str, str]] | None:
    """The open question that most duties wait for; the earlier one on a tie."""
    waiting: Counter[str] = Counter()
    texts: dict[str, dict[str, str]] = {}
    for duty in document["labels"]:
        for question in duty["asks"]:
            if question["field"] not in asked:
                waiting[question["field"]] += 1
                texts.setdefault(question["field"], question["question"])
    return next(((field, texts[field]) for field, _ in waiting.most_common(1)), None)


def _typed(field: str, question: str, choices: str, known: Any, unknown: str) -> str:
    """What the person typed, once it is a value of the field; empty for unknown."""
    while True:
        hint = f" [{choices}]" if choices else ""
        typed: str = click.prompt(f"{question}{hint} ({unknown})", default="", show_default=False, err=True).strip()
        try:
            if typed and known is not None:
                known.read(typed)
        except ValueError as error:
            click.echo(plain(str(error)), err=True)
            continue
        return typed
