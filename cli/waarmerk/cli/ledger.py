# SPDX-License-Identifier: Apache-2.0
"""``waarmerk ledger``: see what was issued under your marks, and let an entry be forgotten."""

import hashlib
import re
import sys
from datetime import datetime
from pathlib import Path

import click

from waarmerk.cli import exits, options
from waarmerk.provenance.registry import Ledger
from waarmerk.provenance.report.wording import wording
from waarmerk.provenance.trust.lists import rfc3339

_PAYLOAD = re.compile(r"[0-9a-f]{16}")
_ledger_file = click.option("--ledger", type=click.Path(path_type=Path), help="The ledger; your own if not given.")


@click.group()
def ledger() -> None:
    """What was issued under your marks: list it, forget an entry. No names, no persons (docs/privacy.md)."""


@ledger.command("list")
@_ledger_file
@options.language
def entries(ledger: Path | None, lang: str) -> int:
    """List the entries, the oldest first."""
    words = wording(lang)
    lines = [
        words.say(
            "ledger",
            "entry",
            payload=one.payload.hex(),
            at=one.issued_at,
            says=one.says,
            size=f"{one.width}x{one.height}",
            media_type=one.media_type,
            sha256=one.sha256.hex(),
        )
        for one in Ledger(ledger or options.own_ledger()).entries()
    ]
    sys.stdout.write("\n".join(lines or [words.say("ledger", "empty")]) + "\n")
    return exits.OK


@ledger.command()
@click.argument("name", metavar="FILE|PAYLOAD")
@_ledger_file
@options.at
@options.language
def forget(name: str, ledger: Path | None, at: datetime | None, lang: str) -> int:
    """Erase what the ledger holds about a labelled FILE, or about the mark PAYLOAD (16 hex digits).

    The bytes are overwritten. What stays is that an entry was erased, and when. Exit code 1 if there was none.
    """
    words, held = wording(lang), Ledger(ledger or options.own_ledger())
    payload = bytes.fromhex(name) if _PAYLOAD.fullmatch(name) else None
    digest = None
    if payload is None:
        try:
            digest = hashlib.sha256(Path(name).read_bytes()).digest()
        except OSError as error:
            raise click.UsageError(f"{name}: neither 16 hex digits nor a readable file") from error
    count = held.forget(payload=payload, sha256=digest, at=rfc3339(options.now(at)))
    code = "forgotten" if count else "unknown"
    sys.stdout.write(words.say("ledger", code, count=count, name=name) + "\n")
    return exits.OK if count else exits.FAILED
