# SPDX-License-Identifier: Apache-2.0
"""How a route has a file examined: with the caller's settings, when it is its turn, counted; strangers coarsely."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from fastapi import Request

from waarmerk.api.auth import Caller
from waarmerk.api.oracle import coarse, tells_marks
from waarmerk.api.services import Services, services_of
from waarmerk.api.spool import Upload
from waarmerk.api.trail import trail_of
from waarmerk.provenance.jobs.answers import document_of, fingerprinted, parted


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """A report, and what a dossier shows beside it where that was asked for."""

    report: dict[str, Any]
    dossier: dict[str, Any] | None = None


async def examined(
    request: Request, caller: Caller, upload: Upload, *, at: datetime, facts: Sequence[str] = (), dossier: bool = False
) -> Examined:
    """Examine an upload; ``facts`` are ``field=value`` for the rules. Raises Problem where all workers are busy."""
    services = services_of(request)
    verb = "dossier" if dossier else "verify"
    own = caller.settings(services.settings)

    def ask(**options: bool) -> dict[str, Any]:
        return services.bench.perform(verb, upload.path, at=at, named=False, facts=facts, options=options, settings=own)

    def read(answer: dict[str, Any]) -> Examined:
        answer, shown = parted(answer) if dossier else (answer, None)
        return Examined(report=document_of(answer, upload.path, at=at, named=False), dossier=shown)

    def guarded() -> Examined:
        answer, seen = fingerprinted(ask(fingerprint=True))
        done = read(answer)
        if tells_marks(done.report) and not _may_know(services, done.report, seen):
            done = read(ask(withhold=True))
        return replace(done, report=coarse(done.report))

    is_guarded = caller.is_stranger and bool(services.settings.keys)
    done = await services.gate.run(guarded if is_guarded else lambda: read(ask()), stranger=caller.is_stranger)
    trail_of(request).note(done.report)
    error, verdict = done.report["error"], done.report["verdict"]
    services.metrics.reported(origin=verdict["origin"], tier=verdict["tier"], code=error["code"] if error else None)
    return done


def _may_know(services: Services, report: dict[str, Any], seen: list[bytes] | None) -> bool:
    """Whether a stranger may learn what the search for marks found; not where nobody can tell what it looks like."""
    return bool(seen) and services.near_duplicates.allows(bytes.fromhex(report["asset"]["sha256"]), seen or ())
