# SPDX-License-Identifier: Apache-2.0
"""Labelling rules without a file: list them, read one, decide on stated facts, test a pack, replay decisions."""

import json
import sys
from collections.abc import Iterable
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from waarmerk.cli import corrections, exits, options, rules_text
from waarmerk.cli.console import fitted, width
from waarmerk.cli.records import DecisionLog
from waarmerk.cli.said import said
from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.labelling.context import FactError
from waarmerk.provenance.labelling.loader import SHIPPED, examine_pack, load_packs
from waarmerk.provenance.labelling.record import decision_record, replay
from waarmerk.provenance.labelling.rules import RuleSet
from waarmerk.provenance.labelling.stated import read_stated, split_facts, weighed
from waarmerk.provenance.model import Duty
from waarmerk.provenance.report.document import decision
from waarmerk.provenance.report.escape import plain
from waarmerk.provenance.verdict import weigh

_FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)
_pack = click.option("--pack", "packs", multiple=True, type=_FOLDER, help="A pack of your own, a folder. Repeatable.")
_SHOWN = 2_000


@click.group()
def rules() -> None:
    """Labelling rules: which label is owed, by whom, under which provision. No legal advice."""


for _command in corrections.COMMANDS:
    rules.add_command(_command)


@rules.command("list")
@_pack
@click.option("--fields", is_flag=True, help="List the facts that rules may look at, not the rules.")
@click.option("--format", "form", type=click.Choice(("human", "json")), default="human", show_default=True)
@options.at
@options.language
def list_rules(packs: tuple[Path, ...], fields: bool, form: str, at: datetime | None, lang: str) -> None:
    """List the rules with their days, and which are not in force on the day of --at; with --fields the facts."""
    loaded = _load(packs)
    if fields:
        found = [rules_text.field(known) for known in loaded.fields]
        lines = list(rules_text.dictionary(loaded.fields, lang, width=width()))
    else:
        found = [rules_text.summary(rule, loaded) for rule in loaded.rules]
        lines = list(rules_text.table(loaded, lang, options.now(at).date().isoformat()))
    _print(found if form == "json" else None, lines)


@rules.command()
@click.argument("rule_id", metavar="RULE")
@_pack
@click.option("--format", "form", type=click.Choice(("human", "json")), default="human", show_default=True)
@options.language
def show(rule_id: str, packs: tuple[Path, ...], form: str, lang: str) -> None:
    """Show one rule with its condition, words, sources and dates, also one that a pack took out of force."""
    loaded = _load(packs)
    gone = [gone.rule for gone in loaded.replaced if gone.rule.id == rule_id]
    rule = next((rule for rule in (*loaded.rules, *reversed(gone)) if rule.id == rule_id), None)
    if rule is None:
        raise click.UsageError(f"no rule {rule_id}; see 'waarmerk rules list'")
    data = rules_text.detail(rule, loaded) | {
        "review": next(pack.review for pack in loaded.packs if pack.id == rule.pack)
    }
    _print(data if form == "json" else None, rules_text.shown(data, lang))


@rules.command()
@click.option("--facts", "source", required=True, metavar="FILE|-", help="JSON, YAML or JSON lines.")
@click.option("--format", "form", type=click.Choice(("human", "json", "jsonl")), default="human", show_default=True)
@click.option("--record", type=click.Path(path_type=Path, dir_okay=False), help="Append a record of each decision.")
@options.at
@_pack
@options.language
@click.pass_context
def decide(
    ctx: click.Context,
    source: str,
    form: str,
    record: Path | None,
    at: datetime | None,
    packs: tuple[Path, ...],
    lang: str,
) -> None:
    """Decide which labels stated facts bring, one answer an input, in the order of the inputs.

    A date in the facts goes before --at. An input that is refused has its reason in its place, and the exit code is 2.
    """
    moment = options.now(at)
    loaded = _load(packs)
    stated = read_stated(_read(source))
    refused = False
    answers = []
    with DecisionLog(record) if record is not None else nullcontext() as log:
        for number, facts_given in enumerate(stated, 1):
            try:
                facts, context = split_facts(facts_given, loaded.by_name)
            except FactError as error:
                refused = True
                why = plain(said(error.message, lang), limit=_SHOWN)
                click.echo(f"waarmerk: {said(f'input {number}', lang)}: {why} [{error.code}]", err=True)
                answers.append({"error": {"code": error.code, "message": error.message}})
                if log is not None:
                    log.add(number - 1, None)
                continue
            verdict = weighed(facts, context, weigh)
            duties = _decide(loaded, facts, verdict, context, moment)
            answers.append(decision(verdict, duties))
            if log is not None:
                log.add(len(answers) - 1, decision_record(loaded, facts, verdict, context, moment, duties=duties))
    _print_answers(answers, form, lang)
    ctx.exit(exits.USAGE if refused else exits.OK)


@rules.command()
@click.argument("folder", type=_FOLDER, default=SHIPPED)
def lint(folder: Path) -> None:
    """Read a pack and say what is wrong with it, file by file and line by line."""
    _examine(folder, scenarios=False)


@rules.command()
@click.argument("folder", type=_FOLDER, default=SHIPPED)
def test(folder: Path) -> None:
    """Lint a pack and run its own scenarios."""
    _examine(folder, scenarios=True)


@rules.command("replay")
@click.argument("log", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option(
    "--pack", "packs", required=True, multiple=True, type=_FOLDER, help="A new pack; it replaces one with its id."
)
@click.option("--format", "form", type=click.Choice(("human", "jsonl")), default="human", show_default=True)
def replay_log(log: Path, packs: tuple[Path, ...], form: str) -> None:
    """Print what new packs would change in recorded decisions.

    Name every pack that is to count beside the one that ships, old ones too.
    """
    loaded = _load(packs)
    changed = total = 0
    for number, line in enumerate(_read(str(log)).splitlines(), 1):
        if not line.strip():
            continue
        total += 1
        try:
            differences = replay(line, loaded)
        except ConfigurationError as error:
            raise ConfigurationError(error.code, f"line {number}: {error.message}") from error
        changed += bool(differences)
        for rule, then, now in differences:
            entry = {"line": number, "rule": rule, "then": then, "now": now}
            human = f"line {number}: {plain(rule)}: {plain(then or 'absent')} -> {now or 'absent'}"
            click.echo(json.dumps(entry) if form == "jsonl" else human)
    click.echo(f"{changed} of {_count(total, 'decision')} would change", err=form == "jsonl")


def _load(folders: Iterable[Path]) -> RuleSet:
    return load_packs(folders, weigh=weigh)


def _decide(*arguments: Any) -> tuple[Duty, ...]:
    from waarmerk.provenance.labelling.decide import decide as duties_of  # noqa: PLC0415  # the command has the name

    return duties_of(*arguments)


def _read(source: str) -> str:
    """The text of a file or of standard input. Ends with 3 where it cannot be read."""
    try:
        raw = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
        return raw.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        context = click.get_current_context()
        reason = str(error.strerror) if isinstance(error, OSError) else "not UTF-8"
        why = said(reason, str(context.params.get("lang", "en")))
        click.echo(f"waarmerk: {plain(source)}: {why} [labelling.unreadable]", err=True)
        context.exit(exits.UNREADABLE)


def _print_answers(answers: list[dict[str, Any]], form: str, lang: str) -> None:
    if form == "json":
        click.echo(json.dumps(answers, indent=2, ensure_ascii=True))
    elif form == "jsonl":
        click.echo("".join(json.dumps(answer, ensure_ascii=True) + "\n" for answer in answers), nl=False)
    else:
        shown = (fitted(rules_text.human(answer, lang), sys.stdout) for answer in answers)
        click.echo("\n\n".join(map("\n".join, shown)))


def _print(data: Any, lines: Iterable[str]) -> None:
    click.echo("\n".join(lines) if data is None else json.dumps(data, indent=2, ensure_ascii=True))


def _examine(folder: Path, *, scenarios: bool) -> None:
    base = None if folder == SHIPPED else load_packs()
    try:
        found = examine_pack(base, folder, weigh if scenarios else None)
    except ConfigurationError as error:
        click.echo(plain_lines(error.message), err=True)
        click.get_current_context().exit(exits.USAGE)
    for warning in found.warnings:
        click.echo(f"warning: {plain_lines(warning)}", err=True)
    for problem in found.problems:
        click.echo(plain_lines(problem), err=True)
    if found.problems:
        click.echo(f"refused: {_count(len(found.problems), 'problem')}", err=True)
        click.get_current_context().exit(exits.USAGE)
    pack = found.merged.packs[-1]
    ran = f", {_count(found.examples, 'example')} ran" if found.examples else ", no examples: nothing was tried"
    click.echo(
        f"{pack.id} {pack.version}: {_count(len(pack.rules), 'rule')}{ran if scenarios else ''}, sha256 {pack.sha256}"
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def plain_lines(text: str) -> str:
    """Several lines, each made safe for a terminal."""
    return "\n".join(plain(line, limit=_SHOWN) for line in text.splitlines())
