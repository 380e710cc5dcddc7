# SPDX-License-Identifier: Apache-2.0
"""How a file is examined for somebody: with their settings, when it is its turn, counted; for strangers coarsely."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked about a file. ``settings`` are the tenant's, None for strangers; ``facts`` are ``field=value``."""

    at: datetime
    settings: dict[str, Any] | None
    facts: tuple[str, ...] = ()
    dossier: bool = False


async def examined(
    request: Request, caller: Caller, upload: Upload, *, at: datetime, facts: Sequence[str] = (), dossier: bool = False
) -> Examined:
    """Examine an upload; ``facts`` are ``field=value`` for the rules. Raises Problem where all workers are busy."""
    services = services_of(request)
    question = Question(at=at, settings=caller.settings(services.settings), facts=tuple(facts), dossier=dossier)
    done = await services.gate.run(lambda: examine(services, upload.path, question), stranger=caller.is_stranger)
    trail_of(request).note(done.report)
    return done


def examine(services: Services, path: Path, question: Question) -> Examined:
    """Examine the file at ``path`` now, in this thread and a worker, and count the report."""
    if question.settings is None and services.settings.keys:
        done = _for_strangers(services, path, question)
    else:
        done = _read(_ask(services, path, question), path, question)
    error, verdict = done.report["error"], done.report["verdict"]
    services.metrics.reported(origin=verdict["origin"], tier=verdict["tier"], code=error["code"] if error else None)
    return done


def _for_strangers(services: Services, path: Path, question: Question) -> Examined:
    answer, seen = fingerprinted(_ask(services, path, question, fingerprint=True))
    done = _read(answer, path, question)
    if tells_marks(done.report) and not _may_know(services, done.report, seen):
        done = _read(_ask(services, path, question, withhold=True), path, question)
    return replace(done, report=coarse(done.report))


def _may_know(services: Services, report: dict[str, Any], seen: list[bytes] | None) -> bool:
    """Whether a stranger may learn what the search for marks found; not where nobody can tell what it looks like."""
    return bool(seen) and services.near_duplicates.allows(bytes.fromhex(report["asset"]["sha256"]), seen or ())


def _ask(services: Services, path: Path, question: Question, **options: bool) -> dict[str, Any]:
    return services.bench.perform(
        "dossier" if question.dossier else "verify",
        path,
        at=question.at,
        named=False,
        facts=question.facts,
        options=options,
        settings=question.settings,
    )


def _read(answer: dict[str, Any], path: Path, question: Question) -> Examined:
    answer, shown = parted(answer) if question.dossier else (answer, None)
    return Examined(report=document_of(answer, path, at=question.at, named=False), dossier=shown)
