# SPDX-License-Identifier: Apache-2.0
"""What became of a published label: ``rules published|dispute|uphold|withdraw|history``. A history only grows."""

import fcntl
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from waarmerk.cli import options
from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.labelling import corrections
from waarmerk.provenance.labelling.corrections import History
from waarmerk.provenance.report.escape import plain
from waarmerk.provenance.report.exports import atproto
from waarmerk.provenance.report.wording import wording

_FILE = click.Path(path_type=Path, dir_okay=False)
_PRESENT = click.Path(path_type=Path, dir_okay=False, exists=True)
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_SHOWN = 2_000

_history = click.argument("file", metavar="HISTORY", type=_PRESENT)
_reason = click.option("--reason", required=True, help="Why; no names of persons.")
_MAX_BYTES = 8 * 2**20


def _by(default: str) -> Callable[[Any], Any]:
    roles = click.Choice(corrections.ROLES)
    return click.option("--by", type=roles, default=default, show_default=True, help="In which capacity.")


@click.command()
@click.argument("file", metavar="HISTORY", type=_FILE)
@click.option("--rule", required=True, help="The rule that asked for the label.")
@click.option("--decision", metavar="SHA256", help="The digest of the decision record.")
@click.option("--log", type=_PRESENT, help="The log that holds the decision, in place of --decision.")
@click.option("--line", type=click.IntRange(1), default=1, show_default=True, help="The line of --log.")
@click.option("--reason", default="", help="A remark; no names of persons.")
@_by("platform")
@options.at
@options.language
def published(
    file: Path,
    rule: str,
    decision: str | None,
    log: Path | None,
    line: int,
    reason: str,
    by: str,
    at: datetime | None,
    lang: str,
) -> None:
    """Start the HISTORY of a label that was published."""
    if (decision is None) == (log is None):
        raise click.UsageError("name the decision: --decision SHA256, or --log LOG with --line")
    digest = _recorded(log, line, rule) if log is not None else str(decision)
    if not _SHA256.match(digest):
        raise click.UsageError("--decision is a SHA-256 in 64 small hexadecimal digits")
    history = corrections.begin(rule=rule, decision=digest, at=options.now(at), by=by, reason=reason)
    with _locked(file):
        if file.exists():
            raise ConfigurationError("labelling.history-exists", f"{file} is there already; a history starts once")
        _write(file, corrections.lines(history), force=False)
    _say(history, lang)


@click.command()
@_history
@_reason
@_by("uploader")
@options.at
@options.language
def dispute(file: Path, reason: str, by: str, at: datetime | None, lang: str) -> None:
    """Record that somebody disputes the label; it stands until a person has looked."""
    _grow(file, lambda held: corrections.dispute(held, at=options.now(at), by=by, reason=reason), lang)


@click.command()
@_history
@_reason
@options.at
@options.language
def uphold(file: Path, reason: str, at: datetime | None, lang: str) -> None:
    """Record that a reviewer looked at the dispute and the label stays."""
    _grow(file, lambda held: corrections.uphold(held, at=options.now(at), reason=reason), lang)


@click.command()
@_history
@_reason
@_by("reviewer")
@click.option(
    "--atproto", "value", type=click.Choice(atproto.VALUES), help="Print the AT-proto label that takes it back."
)
@click.option("--labeler", metavar="DID", help="The labeler, for --atproto.")
@click.option("--uri", help="The record or account that was labelled, for --atproto.")
@click.option("--cid", help="The version of that record, for --atproto.")
@options.at
@options.language
def withdraw(
    file: Path,
    reason: str,
    by: str,
    value: str | None,
    labeler: str | None,
    uri: str | None,
    cid: str | None,
    at: datetime | None,
    lang: str,
) -> None:
    """Record that the label is taken back. What was written before stays."""
    moment, negation = options.now(at), None
    if value is not None:
        if labeler is None or uri is None:
            raise click.UsageError("--atproto needs --labeler and --uri")
        negation = atproto.label(value, labeler=labeler, uri=uri, at=moment, cid=cid, withdrawn=True)
    grown = _grown(file, lambda held: corrections.withdraw(held, at=moment, by=by, reason=reason))
    if negation is None:
        _say(grown, lang)
    else:
        click.echo(json.dumps(negation, indent=2, sort_keys=True, ensure_ascii=True))


@click.command("history")
@_history
@click.option("--format", "form", type=click.Choice(("human", "jsonl")), default="human", show_default=True)
@options.language
def show_history(file: Path, form: str, lang: str) -> None:
    """Read a HISTORY, hold its chain of digests, and say whether the label stands."""
    history = _read(file)
    if form == "jsonl":
        click.echo(corrections.lines(history), nl=False)
        return
    for entry in history:
        click.echo(f"{entry.at}  {entry.act.value:<10} {entry.by:<12} {plain(entry.reason, limit=_SHOWN)}".rstrip())
    _say(history, lang)


COMMANDS = (published, dispute, uphold, withdraw, show_history)


def _recorded(log: Path, line: int, rule: str) -> str:
    """The digest of the decision on that line. Raises ConfigurationError where it did not bring the rule."""
    from waarmerk.provenance.labelling.loader import load_packs  # noqa: PLC0415 - only where a log is read
    from waarmerk.provenance.labelling.record import decision_digest, read_record  # noqa: PLC0415

    try:
        text = log.read_text("utf-8").splitlines()[line - 1]
    except (OSError, UnicodeDecodeError, IndexError) as error:
        raise ConfigurationError("labelling.record-refused", f"{log} has no line {line}") from error
    if rule not in read_record(text, load_packs()).result:
        raise ConfigurationError("labelling.not-decided", f"the decision on line {line} did not bring {rule}")
    return decision_digest(json.loads(text))


def _grow(file: Path, step: Callable[[History], History], lang: str) -> None:
    _say(_grown(file, step), lang)


def _grown(file: Path, step: Callable[[History], History]) -> History:
    """The history with one entry more, on disk as well: the whole file is written anew and moved into place."""
    with _locked(file):
        held = _read(file)
        grown = step(held)
        _write(file, corrections.lines(grown), force=True)
    return grown


def _read(file: Path) -> History:
    try:
        if file.stat().st_size > _MAX_BYTES:
            raise ConfigurationError("labelling.history-broken", f"{file} is no history: it is too large")
        raw = file.read_bytes()
        history = corrections.read_lines(raw.decode("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError("labelling.history-broken", f"{file} cannot be read") from error
    if corrections.lines(history) != raw:  # else writing it anew would change what was written before
        raise ConfigurationError("labelling.history-broken", f"{file} is not in the form in which it was written")
    return history


def _write(file: Path, data: bytes, *, force: bool) -> None:
    from waarmerk.provenance.media.write import write_file  # noqa: PLC0415 - only where something is written

    def same(path: Path) -> None:
        if path.read_bytes() != data:
            raise OSError("the disk gave back other bytes")

    before = os.umask(0o077)
    try:
        write_file(file, data, verify=same, force=force)
    finally:
        os.umask(before)


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    """Nobody else grows a history in this folder meanwhile."""
    try:
        descriptor = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise ConfigurationError("write.no-folder", f"there is no folder {file.parent}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _say(history: History, lang: str) -> None:
    words = wording(lang)
    if not history:
        click.echo(words.say("history", "empty"))
        return
    last = history[-1]
    key = last.act.value if corrections.stands(history) else "withdrawn"
    click.echo(words.say("history", key, rule=last.rule, at=last.at, by=words.say("role", last.by)))
