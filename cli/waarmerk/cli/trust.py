# SPDX-License-Identifier: Apache-2.0
"""``waarmerk trust``: whom the verifier believes, with the date and digest of every list."""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from waarmerk.cli import exits, options
from waarmerk.cli.said import said
from waarmerk.provenance.report.escape import plain
from waarmerk.provenance.report.wording import Wording, wording

if TYPE_CHECKING:
    from waarmerk.provenance.trust import Imported, TrustStore

_COLUMNS = ("id", "count", "issued", "next_update", "age", "sha256")
_SHORT = 12  # digits of a digest that tell two lists apart at a glance


@click.group()
def trust() -> None:
    """Trust lists: show the lists in force, import newer ones from a folder, update them from their publishers.

    Only ``update`` uses the network, and nothing else in this program does.
    """


@trust.command("list")
@options.trust
@options.at
@click.option("--format", "form", type=click.Choice(("human", "json")), default="human", show_default=True)
@options.language
def show(trust: Path | None, at: datetime | None, form: str, lang: str) -> int:
    """Show the lists in force: certificates, dates, age, digests, and which of them wants renewing."""
    from waarmerk.provenance.trust import load_store  # noqa: PLC0415 - costs start-up

    moment = options.now(at)
    store = load_store(trust, data_folder=options.trust_folder(), at=moment)
    rows = [_row(each, moment) for each in (*store.lists(), *((store.denylist,) if store.denylist else ()))]
    if form == "json":
        sys.stdout.write(json.dumps(rows, ensure_ascii=True, indent=2) + "\n")
        return exits.OK
    words = wording(lang)
    sys.stdout.writelines(line + "\n" for line in _table(rows, words))
    sys.stdout.writelines(line + "\n" for line in _warnings(store, moment, words))
    return exits.OK


def _row(each: Any, at: datetime) -> dict[str, Any]:
    issued, promised = each.dates.issued, each.dates.next_update
    return {
        "id": each.id,
        "file": each.file,
        "certificates": len(each.members),
        "issued": each.edition.issued,
        "next_update": None if promised is None else promised.isoformat(),
        "age_days": None if issued is None else max(0, (at - issued).days),
        "sha256": each.sha256,
    }


def _table(rows: Sequence[dict[str, Any]], words: Wording) -> Iterator[str]:
    shown = [
        {
            "id": row["id"],
            "count": str(row["certificates"]),
            "issued": (row["issued"] or "-")[:10],
            "next_update": (row["next_update"] or "-")[:10],
            "age": "-" if row["age_days"] is None else words.say("trust", "days", count=row["age_days"]),
            "sha256": row["sha256"][:_SHORT],
        }
        for row in rows
    ]
    lines = [{name: words.say("trust", f"column-{name}") for name in _COLUMNS}, *shown]
    lines = [{name: plain(line[name]) for name in _COLUMNS} for line in lines]
    widths = {name: max(len(line[name]) for line in lines) for name in _COLUMNS}
    for line in lines:
        cells = (line[n].rjust(widths[n]) if n in ("count", "age") else line[n].ljust(widths[n]) for n in _COLUMNS)
        yield "  ".join(cells).rstrip()


def _warnings(store: "TrustStore", at: datetime, words: Wording) -> Iterator[str]:
    from waarmerk.provenance.trust import WARN_AGE  # noqa: PLC0415

    for finding in store.findings:
        yield words.say("concern", finding.code, about=finding.about)
    denied = store.denylist
    if denied is None or denied.dates.issued is None or denied.id in {finding.about for finding in store.findings}:
        return
    if denied.dates.next_update is None and at - denied.dates.issued > WARN_AGE:
        yield words.say("trust", "ageing", about=denied.id)


@trust.command("import")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--dry-run", is_flag=True, help="Compare and show; change nothing.")
@click.option("--yes", is_flag=True, help="Accept that more than half of a list changes.")
@options.language
def take(folder: Path, dry_run: bool, yes: bool, lang: str) -> int:
    """Take the lists in FOLDER, the denylist among them, into your own store.

    A list older than the one held, or damaged, is refused and nothing changes. The lists are not signed: compare the
    digests shown here with those their publisher states.
    """
    from waarmerk.provenance.trust import import_lists  # noqa: PLC0415 - costs start-up

    words = wording(lang)
    taken = import_lists(folder, options.trust_folder(), accept_drastic=yes, dry_run=dry_run)
    sys.stdout.writelines(line + "\n" for line in _taken(taken, words, dry_run=dry_run))
    return exits.OK


def _taken(taken: "Iterable[Imported]", words: Wording, *, dry_run: bool) -> Iterator[str]:
    for one in taken:
        key = "would-import" if dry_run else "imported"
        if not one.is_change:
            key = "unchanged"
        yield words.say("trust", key, file=one.file, count=len(one.after.members), added=one.added, removed=one.removed)
        if one.before is not None and one.is_change:
            yield words.say("trust", "held-digest", sha256=one.before.sha256)
        yield f"  sha256 {one.after.sha256}"


@trust.command("remove")
@click.argument("name", metavar="user:NAME.pem")
@options.language
def remove(name: str, lang: str) -> int:
    """Stop believing a root of your own, named as trust list names it.

    The published lists are not removed; those of your store are replaced by import and update.
    """
    folder, file = options.trust_folder(), name.removeprefix("user:")
    held = folder / file
    if not (file.startswith("user") and file.endswith(".pem") and "/" not in file and held.is_file()):
        raise click.UsageError(f"{name} is no list of your own in {folder}; see 'waarmerk trust list'")
    held.unlink()
    held.with_suffix(".json").unlink(missing_ok=True)
    sys.stdout.write(wording(lang).say("trust", "removed", name=name) + "\n")
    return exits.OK


@trust.command("update")
@click.option(
    "--only",
    type=click.Choice(("official", "interim", "denylist")),
    multiple=True,
    help="Only these lists; repeatable. Without it the official and the interim lists.",
)
@click.option("--denylist", "denylist_url", metavar="URL", help="Where your denylist is published (https).")
@click.option("--proxy", metavar="HOST:PORT", help="Go through this proxy; those of the environment are not used.")
@click.option("--dry-run", is_flag=True, help="Fetch, compare and show; change nothing.")
@click.option("--yes", is_flag=True, help="Accept that more than half of a list changes.")
@options.language
def update(
    only: tuple[str, ...], denylist_url: str | None, proxy: str | None, dry_run: bool, yes: bool, lang: str
) -> int:
    """Fetch the published lists and take them into your own store. The only command that uses the network.

    Only the publishers' own addresses are asked, over https, and the host of --denylist. A list that is older than
    the one held, damaged, cut short or something else altogether is refused, and the state held stays as it is. The
    lists are not signed: compare the digests shown with those their publisher states.
    """
    from waarmerk.provenance.trust.fetch import Fetcher  # noqa: PLC0415 - nothing else may load a network client
    from waarmerk.provenance.trust.refresh import PUBLICATIONS, denylist_at, refresh  # noqa: PLC0415

    if "denylist" in only and denylist_url is None:
        raise click.UsageError("--only denylist needs --denylist URL")
    if proxy is not None and not proxy.rpartition(":")[2].isdecimal():
        raise click.UsageError("--proxy takes HOST:PORT")
    chosen = [each for each in PUBLICATIONS if not only or each.name in only]
    if denylist_url is not None:
        chosen.append(denylist_at(denylist_url))
    words, codes = wording(lang), {exits.OK}
    for publication in chosen:  # each with its own hosts: no publisher may redirect to another
        fetch = Fetcher(hosts=publication.hosts, proxy=proxy)
        outcome = refresh(options.trust_folder(), publication, fetch, accept_drastic=yes, dry_run=dry_run)
        sys.stdout.writelines(line + "\n" for line in _taken(outcome.taken, words, dry_run=dry_run))
        if outcome.refused is not None:
            fault = outcome.refused
            text = words.say(
                "trust", "refused", name=outcome.publication, why=said(fault.message, words.language), code=fault.code
            )
            sys.stderr.write(text + "\n")
            codes.add(exits.UNREADABLE)
    return exits.worst(codes)
