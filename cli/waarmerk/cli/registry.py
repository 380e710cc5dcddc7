# SPDX-License-Identifier: Apache-2.0
"""``waarmerk registry``: enter known files, look files up, get stripped credentials back.

Files are parsed in confined processes, those that are entered too: what a desk enters, strangers have often made.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from waarmerk.cli import exits, known, options
from waarmerk.cli.console import Console
from waarmerk.cli.registry_exchange import accept, export, issuers, refuse, take
from waarmerk.cli.registry_keep import dispute, history, reinstate, upgrade, withdraw
from waarmerk.cli.registry_recover import recover
from waarmerk.cli.registry_sweep import count_copies, sweep, velocity
from waarmerk.cli.said import told
from waarmerk.provenance.errors import Error
from waarmerk.provenance.jobs import Pool
from waarmerk.provenance.model import Origin
from waarmerk.provenance.report import review
from waarmerk.provenance.report.wording import Wording, wording

if TYPE_CHECKING:
    from waarmerk.provenance.registry.model import Entry

_ORIGINS = {"generated": Origin.AI_GENERATED, "modified": Origin.AI_MODIFIED, "captured": Origin.CAPTURED}
_inputs = click.argument("inputs", nargs=-1, required=True, type=known.FILE)


@click.group()
def registry() -> None:
    """Known files: what was labelled, signed, fact-checked or reported is found again, near copies too.

    Matches propose, a person decides. docs/registry.md says what is kept of a file, and how it is erased.
    """


@registry.command()
@_inputs
@known.registry
@known.keys
@options.trust
@options.at
@click.option(
    "--origin", type=click.Choice(tuple(_ORIGINS)), help="What it is, as you know it: generated is every part of it."
)
@click.option("--label", "labels", multiple=True, help="A label to propose for copies; repeatable.")
@click.option("--fact-check", "fact_checks", multiple=True, metavar="ADDRESS", help="Who wrote about it: http(s).")
@click.option("--source", default="own", show_default=True, help="Who says so.")
@click.option("--keep-until", type=options.Moment(), help="When the entry is due for removal.")
@click.option("--published", is_flag=True, help="It is public: its hashes may leave in a package.")
@click.option("--debunk", is_flag=True, help="What a fact-check published, stamped or framed: never counted as a copy.")
@options.language
@options.quiet
def add(
    inputs: tuple[Path, ...],
    address: str | None,
    keys: tuple[Path, ...],
    trust: Path | None,
    at: datetime | None,
    origin: str | None,
    labels: tuple[str, ...],
    fact_checks: tuple[str, ...],
    source: str,
    keep_until: datetime | None,
    published: bool,
    debunk: bool,
    lang: str,
    quiet: bool,
) -> int:
    """Enter files: digest, fingerprints, marks, a small copy, and intact credentials.

    Exit code 1 if one is known already, 3 if one cannot be read.
    """
    from waarmerk.provenance.recovery import Wishes  # noqa: PLC0415 - numerics and a database
    from waarmerk.provenance.registry.model import Basis, Role  # noqa: PLC0415

    if debunk and not fact_checks:
        raise click.UsageError("--debunk wants --fact-check: the address it was published at")
    words, moment, console = wording(lang), options.now(at), Console(quiet=quiet)
    if keep_until is not None and keep_until <= moment:
        raise click.UsageError("--keep-until is over already")
    wishes = Wishes(
        origin=_ORIGINS.get(origin or ""),
        labels=labels,
        fact_checks=fact_checks,
        source=source,
        keep_until=keep_until,
        basis=Basis.FACT_CHECK if fact_checks else Basis.ENTERED,
        role=Role.DEBUNK if debunk else Role.ITEM,
        published=published,
    )
    settings = known.settings_of(address, keys=keys, trust=trust)
    at_work, codes = known.recovery(replace(settings, keys=()), moment), []
    with Pool(replace(settings, registry=None).to_json(), size=1) as pool:
        for path in inputs:
            try:
                entry = at_work.enter(known.features(pool, path, moment), wishes, at=moment)
            except Error as error:
                console.warn(f"{path}: {told(error, lang)} [{error.code}]")
                codes.append(exits.FAILED if error.code == "registry.known" else exits.UNREADABLE)
                continue
            code = "added" if entry.manifest is None else "added-manifest"
            known.say(words.say("registry", code, id=entry.registry_id, name=path))
            if entry.reference is None and entry.media_type.startswith("image/"):
                console.warn(words.say("registry", "digest-only", name=path))
            if at_work.index_fault is not None:
                console.warn(words.say("registry", "index-fault", id=entry.registry_id, code=at_work.index_fault))
            codes.append(exits.OK)
    return exits.worst(codes)


@registry.command()
@_inputs
@known.registry
@known.keys
@options.at
@known.form
@click.option("--count", "counting", is_flag=True, help="Count each copy of an item by the hour, for velocity.")
@options.language
def match(
    inputs: tuple[Path, ...],
    address: str | None,
    keys: tuple[Path, ...],
    at: datetime | None,
    form: str,
    counting: bool,
    lang: str,
) -> int:
    """Look files up: exactly, by mark (with --key), by fingerprint. Says of each what verify says of the registry.

    Exit code 1 if one is not known.
    """
    words, moment, codes, shown = wording(lang), options.now(at), [], []
    settings = known.settings_of(address, keys=keys)
    store = known.store_of(settings, writing=True) if counting else None
    for path, document in known.examined(inputs, settings, moment):
        found = document["matches"]
        if store is not None:
            count_copies(store, document, moment)
        is_known = any(each["verified"] for each in found)
        is_unread = document["error"] is not None or review.is_unread(document)
        codes.append(exits.UNREADABLE if is_unread else exits.OK if is_known else exits.FAILED)
        concerns = review.known_about(document)
        shown.append({"name": str(path), "error": document["error"], "matches": found, "concerns": concerns})
        if form == "json":
            continue
        if document["error"]:
            known.say(words.say("registry", "unread", name=path, reason=words.say("fault", document["error"]["code"])))
        elif not found:
            known.say(words.say("registry", "match-unread" if is_unread else "match-none", name=path))
        for each in found:
            known.say(known.matched(path, each, concerns, words))
        for each in concerns:  # as verify says it
            known.say("  " + words.concern(each["code"], each["about"]))
    if form == "json":
        known.say(json.dumps(shown, indent=2, ensure_ascii=True))
    return exits.worst(codes)


@registry.command("list")
@known.registry
@known.form
@click.option("--grey", is_flag=True, help="Only those that an earlier version kept without colours.")
@options.language
def entries(address: str | None, form: str, grey: bool, lang: str) -> int:
    """List what is in the registry, the oldest first."""
    from waarmerk.provenance.registry.grey import is_grey  # noqa: PLC0415 - as above

    settings = known.settings_of(address)
    words, store = wording(lang), known.store_of(settings)
    held = [entry for entry in store.entries() if not grey or is_grey(store, entry, settings.limits)]
    if form == "json":
        known.say(json.dumps([_plain(entry) for entry in held], indent=2, ensure_ascii=True))
        return exits.OK
    for entry in held:
        size = f"{entry.width}x{entry.height}" if entry.width and entry.height else "-"
        has = words.say("registry", "no" if entry.manifest is None else "yes")
        parts = {"id": entry.registry_id, "at": entry.added_at, "media_type": entry.media_type, "size": size}
        basis = known.basis({"basis": entry.basis.value, "source": entry.source}, words)
        parts |= {"origin": entry.origin.value, "manifest": has, "basis": basis, "sha256": entry.sha256.hex()}
        labels = ", ".join(entry.labels) or words.say("registry", "none")
        known.say(words.say("registry", "entry", labels=labels, **parts))
        for line in _more_of(entry, words):
            known.say("  " + line)
    if grey:
        known.say(words.say("registry", "grey" if held else "grey-none", count=len(held)))
    elif not held:
        known.say(words.say("registry", "empty"))
    return exits.OK


@registry.command()
@click.argument("names", nargs=-1, metavar="ID...")
@click.option("--due", is_flag=True, help="Those whose time is over.")
@known.registry
@options.at
@options.language
def remove(names: tuple[str, ...], due: bool, address: str | None, at: datetime | None, lang: str) -> int:
    """Erase entries (r1, r2, …) with everything that is held of them. Exit code 1 if one of them is not there."""
    numbers = known.numbers_of(names)
    if not (numbers or due):
        raise click.UsageError("name entries as registry list shows them, such as r7, or give --due")
    words, moment, settings = wording(lang), options.now(at), known.settings_of(address)
    store = known.store_of(settings)
    absent = [number for number in numbers if store.held(number) is None]
    at_work = known.recovery(settings, moment)
    count = at_work.remove([*numbers, *(at_work.due(at=moment) if due else ())], at=moment)
    for number in absent:
        click.echo("waarmerk: " + words.say("registry", "set-none", id=f"r{number}"), err=True)
    known.say(words.say("registry", "removed" if count else "removed-none", count=count))
    return exits.OK if count and not absent else exits.FAILED


def _more_of(entry: "Entry", words: Wording) -> Iterator[str]:
    """What else tells one entry from another: what it is, its fact-checks, its state."""
    if entry.role.value == "debunk":
        yield words.say("registry", "role-debunk")
    for address in entry.fact_checks:
        yield words.say("registry", "sweep-check", address=address)
    if entry.state.value != "active":
        yield words.say("registry", f"state-{entry.state}")


def _plain(entry: Any) -> dict[str, Any]:
    return {
        "registry_id": entry.registry_id,
        **entry.stated(),
        "source": entry.source,
        "published": entry.published,
        "is_own": entry.issuer is None,
        "added_at": entry.added_at,
        "keep_until": entry.keep_until,
        "manifest": entry.manifest is not None,
    }


for each in (
    *(recover, sweep, velocity, dispute, withdraw, reinstate, history, upgrade),
    *(export, take, issuers, accept, refuse),
):
    registry.add_command(each)
