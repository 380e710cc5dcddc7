# SPDX-License-Identifier: Apache-2.0
"""Options that several commands share, read into the library's words."""

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from waarmerk.provenance.model.moment import moment_of

if TYPE_CHECKING:
    from waarmerk.provenance.settings import Settings


class Moment(click.ParamType[datetime]):
    """A moment in RFC 3339 with its offset, e.g. ``2026-11-21T12:00:00Z``."""

    name = "RFC3339"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The moment in UTC; fails for a text without offset, for then nobody knows which moment is meant."""
        if isinstance(value, datetime):
            return value
        try:
            return moment_of(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


at = click.option("--at", type=Moment(), help="The clock of the decision; now if not given.")
trust = click.option(
    "--trust",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Folder with trust lists; the user's own store if not given.",
)
open_marks = click.option("--open-marks", is_flag=True, help="Search pictures for published marks of AI generators.")
detectors = click.option(
    "--detector", "detectors", multiple=True, metavar="NAME[=mark]", help="Ask this installed detector; repeatable."
)
language = click.option("--lang", type=click.Choice(("en", "nl")), default="en", show_default=True, help="Language.")
quiet = click.option("--quiet", "-q", is_flag=True, help="No progress and no counts on standard error.")


def ticks() -> float:
    """Seconds of a clock that never goes back: for how long something takes."""
    return time.monotonic()


def now(moment: datetime | None) -> datetime:
    """``moment``, or this one, to the second."""
    return moment if moment is not None else datetime.now(UTC).replace(microsecond=0)


def trust_folder() -> Path:
    """Where this user's trust store lives (XDG base directory specification)."""
    base = os.environ.get("XDG_DATA_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".local" / "share") / "waarmerk" / "trust"


def own_ledger() -> Path:
    """Where what was issued under this user's marks is remembered."""
    return trust_folder().parent / "ledger.sqlite"


def own_registry() -> Path:
    """Where this user's registry of known pictures is."""
    return trust_folder().parent / "registry" / "registry.sqlite"


def ledger(named: Path | None) -> Path | None:
    """The ledger that is named, else this user's own where there is one."""
    own = own_ledger()
    return named if named is not None else own if own.is_file() else None


def own_marks(key: Path | None, ledger_file: Path | None) -> dict[str, Any]:
    """The key of this user's mark and the ledger as settings, each where it is there; named ones, else the own."""
    key = key or trust_folder().parent / "watermark.key"
    held = ledger_file or own_ledger()
    return {"keys": (key,) if key.exists() else (), "ledger": held if held.is_file() else None}


def require_registry(settings: "Settings") -> None:
    """Raise unless the registry of these settings can be read by confined processes, which may not write.

    What a killed writer left half done is undone first. ConfigurationError, StoreError.
    """
    if settings.registry is None:
        return
    from waarmerk.provenance.build import build_store, require_registry  # noqa: PLC0415 - a database

    store = build_store(settings)
    if store.path is not None and store.path.with_name(store.path.name + "-journal").exists():
        build_store(settings, writing=True).require()
    require_registry(settings)


def written(moment: datetime) -> str:
    """``moment`` as ``--at`` takes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
