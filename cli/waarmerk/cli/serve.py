# SPDX-License-Identifier: Apache-2.0
"""``waarmerk serve``: the verification API on this machine."""

import os
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from waarmerk.cli import exits, options
from waarmerk.provenance.report.escape import plain
from waarmerk.provenance.settings import Settings

FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)

folder = click.option(
    "--data",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="WAARMERK_DATA",
    show_envvar=True,
    help="Folder for what the service keeps: its secret, its database, jobs under way.",
)
database = click.option(
    "--database",
    metavar="URL",
    envvar="WAARMERK_DATABASE",
    show_envvar=True,
    help="postgresql://… for several hosts; its password in libpq's own file.",
)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="Port; 0 for any free one."
)
@options.trust
@click.option(
    "--jobs", "-j", type=click.IntRange(1, 256), help="Worker processes; one more than processors if not given."
)
@click.option("--key", "keys", type=FILE, multiple=True, help="Watermark key that strangers may have searched for.")
@click.option("--ledger", type=FILE, help="Ledger of what was issued under these keys.")
@click.option("--registry", metavar="PATH", help="Registry of known files.")
@options.open_marks
@options.detectors
@click.option("--rules", "rule_packs", type=FOLDER, multiple=True, help="Folder with rules of your own.")
@click.option("--max-list-age", type=click.IntRange(1), metavar="DAYS", help="Not ready with older trust lists.")
@click.option(
    "--per-minute", type=click.IntRange(1), default=60, show_default=True, help="Requests of one stranger a minute."
)
@click.option("--proxy", metavar="ADDRESS", help="Reverse proxy whose X-Forwarded-For is believed.")
@folder
@database
def serve(
    host: str,
    port: int,
    trust: Path | None,
    jobs: int | None,
    keys: tuple[Path, ...],
    ledger: Path | None,
    registry: str | None,
    open_marks: bool,
    detectors: tuple[str, ...],
    rule_packs: tuple[Path, ...],
    max_list_age: int | None,
    per_minute: int,
    proxy: str | None,
    folder: Path | None,
    database: str | None,
) -> int:
    """Start the verification API: POST a file to /v1/verify, get its report; / is a page for people.

    Nothing of an upload is kept. The service fetches no address, whatever a file or a caller names. Who has a key may
    do more: see `waarmerk tenant`.
    """
    settings = Settings(
        trust=trust,
        data_folder=options.trust_folder(),
        keys=keys,
        ledger=ledger,
        registry=registry,
        open_marks=open_marks,
        detectors=detectors,
        rule_packs=rule_packs,
    )
    options.require_registry(settings)
    _tell_own_roots(trust or options.trust_folder())
    api: Any = door("waarmerk.api.server")
    api.run(
        api.ServiceOptions(
            settings=settings,
            folder=service_folder(folder),
            database=database,
            workers=jobs or len(os.sched_getaffinity(0)) + 1,  # decision 92
            host=host,
            port=port,
            max_list_age=None if max_list_age is None else timedelta(days=max_list_age),
            per_minute=per_minute,
            proxy=proxy,
        )
    )
    return exits.OK


def _tell_own_roots(folder: Path) -> None:
    """Say whom the service believes beside the lists: a root that was taken in for oneself speaks to everybody here."""
    names = sorted(path.name for path in folder.glob("user*.pem"))
    if names:
        own = plain(", ".join(names), limit=400)
        click.echo(f"waarmerk: this service believes your own roots too: {own}, in {plain(str(folder))}", err=True)
        click.echo("waarmerk: to keep them apart, name another folder of trust lists with --trust", err=True)


def service_folder(named: Path | None) -> Path:
    """Where a service keeps what is its own."""
    return named or options.trust_folder().parent / "service"


def door(module: str) -> Any:
    """The other door, loaded by name: the two doors never import each other, and this one works without FastAPI."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise click.UsageError(f"the API needs the extra `api` (pip install 'waarmerk[api]'): {error.name}") from error
