# SPDX-License-Identifier: Apache-2.0
"""``waarmerk verify``: examine, weigh, decide, report."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from waarmerk.cli import context, exits, known, options
from waarmerk.cli.console import Console, wants_colour, width
from waarmerk.cli.inputs import Input, all_names, gather, is_folder, is_same_file, passes_over
from waarmerk.cli.outputs import FORMS, Look, Printer, printer, verb_of
from waarmerk.cli.repeated import Given
from waarmerk.provenance.jobs import Pool
from waarmerk.provenance.jobs.answers import document_of, kept, parted
from waarmerk.provenance.report.wording import wording

if TYPE_CHECKING:
    from waarmerk.cli.keyframes import KeyFrames
    from waarmerk.cli.records import DecisionLog

_FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)
_NEW_FOLDER = click.Path(path_type=Path, file_okay=False)
_KEY_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
_LOG = click.Path(path_type=Path, dir_okay=False)


def _fail_on(context: click.Context, parameter: click.Parameter, value: str) -> frozenset[str]:
    try:
        return exits.parse_fail_on(value)
    except ValueError as error:
        raise click.BadParameter(str(error), context, parameter) from error


def _public(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    from waarmerk.provenance.report.search import search_links  # noqa: PLC0415 - only where an address is given

    try:
        return value if value is None or search_links(value) else None
    except ValueError as error:
        raise click.BadParameter(str(error), context, parameter) from error


@click.command()
@click.argument("inputs", nargs=-1, metavar="INPUT...")
@click.option("--recursive", "-r", is_flag=True, help="Walk folders wholly, not one level deep.")
@click.option("--files-from", metavar="FILE", help="Read names from FILE, one a line; - for standard input.")
@click.option("--null", "-0", "nul", is_flag=True, help="Names in --files-from end with NUL.")
@click.option("--format", "form", type=click.Choice(FORMS), default="human", show_default=True)
@options.trust
@options.at
@click.option("--key", "keys", multiple=True, type=_KEY_FILE, help="Search for the marks of this key file; repeatable.")
@click.option("--ledger", type=_KEY_FILE, help="The ledger of what was issued under the keys; your own if not given.")
@click.option(
    "--registry",
    metavar="URL",
    help="Look for known files in this registry: a path, sqlite:///PATH or postgresql://…",
)
@click.option("--context", "facts", multiple=True, metavar="FILE|k=v", help="Facts a file cannot tell; repeatable.")
@click.option("--for", "platforms", metavar="PLATFORM,...", help="The platforms it goes to, e.g. tiktok,instagram.")
@click.option("--rules", "packs", multiple=True, type=_FOLDER, help="A rule pack of your own, a folder; repeatable.")
@click.option("--record", type=_LOG, metavar="LOG", help="Append a record of each decision to LOG, for rules replay.")
@click.option("--ask", is_flag=True, help="Ask on the terminal what decides the labels (one INPUT).")
@click.option("--public-url", callback=_public, help="Where INPUT stands on the web: adds search links; not fetched.")
@options.open_marks
@options.detectors
@click.option("--keyframes", type=_NEW_FOLDER, metavar="DIR", help="Write pictures out of clips to DIR, to search by.")
@click.option("--second-opinion", is_flag=True, help="Ask an independent engine too; the weaker result counts.")
@click.option("--no-labels", is_flag=True, help="Leave the labelling rules out: only where from and who says so.")
@click.option("--numbered", is_flag=True, help="jsonl: each line says which input it is about (input, path, report).")
@click.option("--jobs", "-j", type=click.IntRange(1, 256), help="Worker processes; one a processor if not given.")
@click.option(
    "--fail-on",
    default=exits.DEFAULT_FAIL_ON,
    show_default=True,
    callback=_fail_on,
    metavar="LIST",
    help=f"Findings that make the exit code 1: {', '.join(exits.TOKENS)}.",
)
@options.language
@options.quiet
def verify(
    inputs: tuple[str, ...],
    recursive: bool,
    files_from: str | None,
    nul: bool,
    form: str,
    trust: Path | None,
    at: datetime | None,
    keys: tuple[Path, ...],
    ledger: Path | None,
    registry: str | None,
    facts: tuple[str, ...],
    platforms: str | None,
    packs: tuple[Path, ...],
    record: Path | None,
    ask: bool,
    public_url: str | None,
    open_marks: bool,
    detectors: tuple[str, ...],
    keyframes: Path | None,
    second_opinion: bool,
    no_labels: bool,
    numbered: bool,
    jobs: int | None,
    fail_on: frozenset[str],
    lang: str,
    quiet: bool,
) -> int:
    """Examine files and say where they come from, who says so, and what is not known.

    INPUT is a file, a folder, or - for standard input.

    Nothing is fetched and nothing is sent. "Origin unknown" is an answer: the absence of marks proves nothing.
    """
    names = all_names(inputs, files_from, nul=nul)
    settings = replace(
        context.settings_of(trust=trust, facts=facts, platforms=platforms, packs=packs, keys=keys, ledger=ledger),
        registry=registry,
        second_opinion=second_opinion,
        open_marks=open_marks,
        detectors=detectors,
        pixels=open_marks,  # in every form of the answer alike: what was looked at must not hang on how it is shown
        labels=not no_labels,
    )
    one = inputs[0] if len(inputs) == 1 and files_from is None and not is_folder(inputs[0]) else None
    if public_url is not None and one is None:
        raise click.UsageError("--public-url takes one file: the address is that of this file")
    if no_labels and (ask or record is not None or platforms or packs or "unlabelled" in fail_on):
        raise click.UsageError("--no-labels leaves the rules out, and another option asks for them")
    if numbered and form != "jsonl":
        raise click.UsageError("--numbered goes with --format jsonl")
    moment = options.now(at)
    settings = known.within_reach(settings)
    given = Given(
        at=options.written(moment),
        settings=settings,
        facts=facts,
        registry=registry,
        public_url=public_url,
        language=lang,
        form=form,
    )

    look = Look(language=lang, colour=wants_colour(sys.stdout), width=width())

    def out(answers: Sequence[str] = ()) -> Printer:
        return printer(form, sys.stdout, look, numbered=numbered, given=given, answers=answers)

    with ExitStack() as stack:
        log = None if record is None else stack.enter_context(_log(record, inputs))
        pool = stack.enter_context(Pool(settings.to_json(), size=jobs or len(os.sched_getaffinity(0))))
        pool.warm()
        if ask:
            if one is None or one == "-":
                raise click.UsageError("--ask takes one file by its name: the answers are about that file")
            return _ask(pool, one, moment, verb_of(form), out, lang, fail_on, log)
        console = Console(quiet=quiet)
        pictures = None if keyframes is None else _key_frames(keyframes, lang, console)
        run = _Run(pool=pool, at=moment, out=out(), console=console, fail_on=fail_on, log=log, pictures=pictures)
        return run.through(gather(names, recursive=recursive, held=stack), folders=[n for n in inputs if _is_dir(n)])


def _key_frames(folder: Path, lang: str, console: Console) -> "KeyFrames":
    from waarmerk.cli.keyframes import KeyFrames  # noqa: PLC0415 - only where pictures are asked for

    pictures = KeyFrames(folder=folder, words=wording(lang), console=console)
    pictures.prepare()
    return pictures


def _log(path: Path, names: Iterable[str]) -> "DecisionLog":
    from waarmerk.cli.records import DecisionLog  # noqa: PLC0415 - only where a log is kept

    if path.exists() and any(name != "-" and is_same_file(path, name) for name in names):
        raise click.UsageError("--record names an input; a log is a file of its own")
    return DecisionLog(path)


def _ask(
    pool: Pool,
    name: str,
    at: datetime,
    verb: str,
    printer_of: Callable[[Sequence[str]], Printer],
    language: str,
    fail_on: frozenset[str],
    log: "DecisionLog | None",
) -> int:
    """Examine one file and ask what decides its labels."""
    item = Input(path=Path(name))
    shown: dict[str, Any] | None = None
    record: dict[str, Any] | None = None

    def examine(answers: list[str]) -> dict[str, Any]:
        nonlocal shown, record
        wanted = {"record": log is not None}
        answer = pool.perform(verb, item.path, at=at, named=item.named, facts=answers, options=wanted)
        answer, record = kept(answer) if log is not None else (answer, None)
        answer, shown = parted(answer) if verb == "dossier" else (answer, None)
        return document_of(answer, at=at, name=item.shown_name)

    unknown = wording(language).say("cli", "ask-unknown")
    document, answers = context.ask(examine, language=language, unknown=unknown)
    out = printer_of(answers)
    out.begin()
    out.report(0, document, shown, path=item.path)
    out.end()
    if log is not None:
        log.add(0, record)
    return exits.exit_code(document, fail_on)


def _is_dir(name: str) -> bool:
    return name != "-" and is_folder(name)


@dataclass(slots=True, kw_only=True)
class _Run:
    """One run over many inputs: what was seen so far, and where it goes."""

    pool: Pool
    at: datetime
    out: Printer
    console: Console
    fail_on: frozenset[str]
    log: "DecisionLog | None" = None
    pictures: "KeyFrames | None" = None
    codes: set[int] = field(default_factory=set)
    examined: int = 0
    unreadable: int = 0
    skipped: int = 0

    def through(self, inputs: Iterator[Input], *, folders: list[str]) -> int:
        """Examine all inputs, print every report, and return the exit code."""
        taken: dict[int, Input] = {}
        wanted = {"record": self.log is not None}
        answers = self.pool.each(self.out.verb, _remembered(inputs, taken), at=self.at, options=wanted)
        self.out.begin()
        for position, answer in answers:
            self._take(position, taken.pop(position), answer)
            self.console.progress(self.examined + self.unreadable + self.skipped, None)
        self.out.end()
        self._count(folders)
        return exits.worst(self.codes)

    def _take(self, position: int, item: Input, answer: dict[str, Any]) -> None:
        if self.log is not None:
            answer, record = kept(answer)
            self.log.add(position, record)
        answer, shown = parted(answer) if self.out.verb == "dossier" else (answer, None)
        document = document_of(answer, at=self.at, name=item.shown_name)
        if "where" in answer:
            self.console.warn(f"{item.path.name}: {answer['where']}")
        error = document["error"]
        if error is not None and passes_over(item, error["code"]):
            self.skipped += 1
            self.out.skip(position)
            return
        if error is None:
            self.examined += 1
        else:
            self.unreadable += 1
        self.codes.add(exits.exit_code(document, self.fail_on))
        self.console.clear()
        self.out.report(position, document, shown, path=item.path if item.named else None)
        if self.pictures is not None:
            self.pictures.export(self.pool, item, document, at=self.at)

    def _count(self, folders: list[str]) -> None:
        words = wording(self.out.language)
        self.console.clear()
        if self.examined + self.unreadable == 0 and folders:
            self.console.warn(words.say("cli", "no-media", path=", ".join(folders)))
            self.codes.add(exits.UNREADABLE)
        elif self.examined + self.unreadable + self.skipped == 0:
            self.console.warn(words.say("cli", "no-names"))  # exit code 0: a pipeline may find nothing to ask about
        if self.examined + self.unreadable + self.skipped > 1:
            counts = {"examined": self.examined, "unreadable": self.unreadable, "skipped": self.skipped}
            self.console.say(words.say("cli", "counts", **counts))


def _remembered(inputs: Iterable[Input], taken: dict[int, Input]) -> Iterator[tuple[Path, bool]]:
    for position, item in enumerate(inputs):
        taken[position] = item
        yield item.path, item.named
