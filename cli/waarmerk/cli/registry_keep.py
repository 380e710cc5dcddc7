# SPDX-License-Identifier: Apache-2.0
"""``waarmerk registry dispute|withdraw|reinstate|history|upgrade``: what becomes of what was entered."""

import json
from datetime import datetime

import click

from waarmerk.cli import exits, known, options
from waarmerk.provenance.report.wording import wording

_MOST_REASON = 500  # characters
_entry = click.argument("name", metavar="ID")
_why = click.option("--why", required=True, metavar="TEXT", help="The reason, for the history. No names of persons.")


@click.command()
@_entry
@_why
@known.registry
@options.at
@options.language
def dispute(name: str, why: str, address: str | None, at: datetime | None, lang: str) -> int:
    """Say that what an entry states is in doubt: it is still found, and proposes nothing.

    Exit code 1 if it is not there.
    """
    return _set(name, "disputed", why, address, at, lang)


@click.command()
@_entry
@_why
@known.registry
@options.at
@options.language
def withdraw(name: str, why: str, address: str | None, at: datetime | None, lang: str) -> int:
    """Take back what an entry states: it is found no more, here and by those who get your packages.

    It is not erased: remove does that.
    """
    return _set(name, "withdrawn", why, address, at, lang)


@click.command()
@_entry
@_why
@known.registry
@options.at
@options.language
def reinstate(name: str, why: str, address: str | None, at: datetime | None, lang: str) -> int:
    """Let an entry that was disputed or withdrawn count again."""
    return _set(name, "active", why, address, at, lang)


def _set(name: str, state: str, why: str, address: str | None, at: datetime | None, lang: str) -> int:
    from waarmerk.provenance.registry.model import State  # noqa: PLC0415 - as above

    (number,) = known.numbers_of([name])
    if not why.strip() or len(why) > _MOST_REASON:
        raise click.UsageError(f"--why takes a reason of at most {_MOST_REASON} characters")
    store = known.store_of(known.settings_of(address), writing=True)
    changed = store.mark(number, State(state), why=why, at=options.now(at))
    known.say(wording(lang).say("registry", f"set-{state}" if changed else "set-none", id=name))
    return exits.OK if changed else exits.FAILED


@click.command()
@_entry
@known.registry
@known.form
@options.language
def history(name: str, address: str | None, form: str, lang: str) -> int:
    """What became of an entry: added, disputed, withdrawn, reinstated, removed; when, and why.

    Exit code 1 for nothing.
    """
    (number,) = known.numbers_of([name])
    notes = [note for note in known.store_of(known.settings_of(address)).notes() if note[0] == number]
    if form == "json":
        shown = [{"what": what, "at": moment, "why": why} for _, what, moment, why in notes]
        known.say(json.dumps(shown, indent=2, ensure_ascii=True))
    words = wording(lang)
    for _, what, moment, why in notes if form == "human" else ():
        known.say(f"{moment}  {words.say('registry', f'what-{what}')}{f': {why}' if why else ''}")
    return exits.OK if notes else exits.FAILED


@click.command()
@known.registry
@options.language
def upgrade(address: str | None, lang: str) -> int:
    """Bring a registry that an earlier version wrote up to this one, whole or not at all. Keep a copy of it first.

    Earlier versions leave it alone from then on. Exit code 0 as well where there was nothing to do.
    """
    from waarmerk.provenance.recovery import upgraded  # noqa: PLC0415 - as above

    words = wording(lang)
    changed = upgraded(str(known.settings_of(address).registry))
    known.say(words.say("registry", "upgraded" if changed else "up-to-date"))
    return exits.OK
