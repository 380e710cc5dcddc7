# SPDX-License-Identifier: Apache-2.0
"""Everything the routes lean on, handed in as one object; a route takes it from ``services_of(request)``."""

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, Unpack

from fastapi import Request

from waarmerk.api.clip_places import ClipPlaces
from waarmerk.api.disputes import Disputes
from waarmerk.api.gate import Gate
from waarmerk.api.journal import Journal
from waarmerk.api.label_work import LabelWork
from waarmerk.api.limits import BodyLimits
from waarmerk.api.metrics import Metrics
from waarmerk.api.oracle import NearDuplicates
from waarmerk.api.quota import Quota
from waarmerk.api.readiness import Readiness
from waarmerk.api.registries import Registries
from waarmerk.api.rulebooks import Rulebooks
from waarmerk.api.sessions import Sessions
from waarmerk.api.shelf import Shelf
from waarmerk.api.tenants import Keyring
from waarmerk.api.worklist import Worklist
from waarmerk.provenance.jobs.audit import Audit
from waarmerk.provenance.jobs.errand import Asked
from waarmerk.provenance.jobs.spool import Spooled
from waarmerk.provenance.settings import Settings


class Bench(Protocol):
    """Where files are examined: ``jobs.Pool``, in processes that may die. ``settings`` None: the service's own."""

    def verify(
        self,
        path: Path,
        *,
        at: datetime,
        named: bool = True,
        facts: Sequence[str] = (),
        settings: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The report document of the file at ``path``; a file that ends its worker has one too."""
        ...

    def perform(self, verb: str, file: Path | Spooled, **asked: Unpack[Asked]) -> dict[str, Any]:
        """``{"answer": …}`` of one of the verbs of ``jobs.workbench``, or ``{"fault": code}``."""
        ...

    async def attend(
        self, verb: str, file: Path | Spooled, *, begun: Callable[[], object] = ..., **asked: Unpack[Asked]
    ) -> dict[str, Any]:
        """The same, while the event loop goes on; ``begun`` is called when a worker begins."""
        ...


def now() -> datetime:
    """This moment; the clock of a service that runs."""
    return datetime.now(UTC)


monotonic = time.monotonic


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What an application is made of. Only ``bench`` has no default.

    ``settings`` are those of the service, from which a tenant's differ. ``keyring`` None: nobody has a key;
    ``sessions`` None: nobody can show one on the page;
    ``worklist`` None: nothing is examined later; ``label_work`` None: nothing is labelled later; ``disputes`` None:
    none are taken; ``audit`` None: what is done for tenants is not logged.
    """

    bench: Bench
    settings: Settings = field(default_factory=Settings)
    clock: Callable[[], datetime] = now
    mint: Callable[[], str] = field(default=lambda: secrets.token_hex(16))
    body: BodyLimits = field(default_factory=BodyLimits)
    gate: Gate = field(default_factory=lambda: Gate(working=4, monotonic=monotonic))
    clip_places: ClipPlaces = field(default_factory=lambda: ClipPlaces(working=4, monotonic=monotonic))
    quota: Quota = field(default_factory=lambda: Quota(clock=now))
    near_duplicates: NearDuplicates = field(default_factory=lambda: NearDuplicates(clock=now))
    readiness: Readiness = field(default_factory=lambda: Readiness({}, clock=now))
    metrics: Metrics = field(default_factory=Metrics)
    journal: Journal = field(default_factory=Journal)
    rulebooks: Rulebooks = field(default_factory=lambda: Rulebooks(clock=now))
    registries: Registries = field(default_factory=Registries)
    shelf: Shelf = field(default_factory=lambda: Shelf(clock=now))
    keyring: Keyring | None = None
    sessions: Sessions | None = None
    worklist: Worklist | None = None
    label_work: LabelWork | None = None
    disputes: Disputes | None = None
    audit: Audit | None = None


def services_of(request: Request) -> Services:
    """What this application was made of."""
    services: Services = request.app.state.services
    return services
