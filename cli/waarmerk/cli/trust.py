# SPDX-License-Identifier: Apache-2.0
"""``waarmerk trust``: whom the verifier believes, with the date and digest of every list."""

import json
import sys
from datetime import datetime
from pathlib import Path

import click

from waarmerk.cli import exits, options
from waarmerk.provenance.report.escape import plain
from waarmerk.provenance.report.wording import wording


@click.group()
def trust() -> None:
    """Trust lists: show the lists in force, import newer ones from a folder. Nothing is fetched."""


@trust.command("list")
@options.trust
@options.at
@click.option("--format", "form", type=click.Choice(("human", "json")), default="human", show_default=True)
@options.language
def show(trust: Path | None, at: datetime | None, form: str, lang: str) -> int:
    """Show the lists in force: certificates, dates, digests."""
    from waarmerk.provenance.trust import load_store  # noqa: PLC0415 - costs start-up

    store = load_store(trust, data_folder=options.trust_folder(), at=options.now(at))
    rows = [
        {
            "id": each.id,
            "file": each.file,
            "certificates": len(each.certificates),
            "issued": each.edition.issued,
            "next_update": None if each.dates.next_update is None else each.dates.next_update.isoformat(),
            "sha256": each.sha256,
        }
        for each in store.lists()
    ]
    if form == "json":
        sys.stdout.write(json.dumps(rows, ensure_ascii=True, indent=2) + "\n")
        return exits.OK
    words = wording(lang)
    for row in rows:
        shown = {key: plain(str(value)) if value is not None else "-" for key, value in row.items()}
        sys.stdout.write(words.say("trust", "row", **shown) + "\n")
        sys.stdout.write(f"  sha256 {shown['sha256']}\n")
    for finding in store.findings:
        sys.stdout.write(words.say("concern", finding.code, about=finding.about) + "\n")
    return exits.OK


@trust.command("import")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--dry-run", is_flag=True, help="Compare and show; change nothing.")
@click.option("--yes", is_flag=True, help="Accept that more than half of a list's certificates go.")
@options.language
def take(folder: Path, dry_run: bool, yes: bool, lang: str) -> int:
    """Take the lists in FOLDER into your own store.

    A list older than the one held, or damaged, is refused and nothing changes. The lists are not signed: compare the
    digests shown here with those their publisher states.
    """
    from waarmerk.provenance.trust import import_lists  # noqa: PLC0415 - costs start-up

    words = wording(lang)
    for one in import_lists(folder, options.trust_folder(), accept_drastic=yes, dry_run=dry_run):
        key = "would-import" if dry_run else "imported"
        sys.stdout.write(
            words.say(
                "trust", key, file=one.file, count=len(one.after.certificates), added=one.added, removed=one.removed
            )
            + f"\n  sha256 {one.after.sha256}\n"
        )
    return exits.OK
