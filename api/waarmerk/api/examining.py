# SPDX-License-Identifier: Apache-2.0
"""How a file is examined for somebody: with their settings, when it is its turn, counted; for strangers coarsely."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from fastapi import Request

from waarmerk.api.caller import Caller
from waarmerk.api.gate import Turn
from waarmerk.api.oracle import coarse, tells_marks, unmeasured
from waarmerk.api.problems import Problem
from waarmerk.api.services import Services, services_of
from waarmerk.api.spool import Upload
from waarmerk.api.tenants import Tenant
from waarmerk.api.trail import trail_of
from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.jobs.answers import document_of, fingerprinted, parted
from waarmerk.provenance.jobs.errand import Asked
from waarmerk.provenance.jobs.job import Job, State
from waarmerk.provenance.jobs.keep import Keep
from waarmerk.provenance.jobs.runner import Finished
from waarmerk.provenance.jobs.spool import Spooled
from waarmerk.provenance.media.sniff import HEAD_BYTES, Kind, kind_at, kind_by
from waarmerk.provenance.model.moment import moment_of

_LONGEST_CODE = 64
_RETRY_SECONDS = 60
_PAGE = "waarmerk.page/1"  # the form of a result that holds more than a report


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """A report, and what a dossier shows beside it where that was asked for."""

    report: dict[str, Any]
    dossier: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked about a file, and for whom: a tenant, None for a stranger; ``facts`` are ``field=value``."""

    at: datetime
    tenant: Tenant | None
    facts: tuple[str, ...] = ()
    dossier: bool = False


async def examined(
    request: Request, caller: Caller, upload: Upload, *, at: datetime, facts: Sequence[str] = (), dossier: bool = False
) -> Examined:
    """Examine an upload; ``facts`` are ``field=value`` for the rules. Raises Problem where all workers are busy, or
    none can work: lists or keys became unusable while the service runs.
    """
    services = services_of(request)
    question = Question(at=at, tenant=caller.tenant, facts=tuple(facts), dossier=dossier)
    async with services.gate.turn(stranger=caller.is_stranger) as turn:
        try:
            done = await _in_turn(services, upload.file, question, turn)
        except ConfigurationError as error:
            services.journal.worker_gone(services.clock, error.code[:_LONGEST_CODE])
            raise Problem("service.not-ready", retry_after=_RETRY_SECONDS) from None
    trail_of(request).note(done.report)
    return done


async def _in_turn(services: Services, file: Path | Spooled, question: Question, turn: Turn) -> Examined:
    """As ``examine``, in the event loop as far as nothing is waited for but a worker."""
    if _has_secrets(services, question):
        return await services.gate.aside(lambda: examine(services, file, question))
    verb, asked = _asked(services, question)
    answer = await services.bench.attend(verb, file, begun=turn.begin, **asked)
    done = _read(answer, question)
    if question.tenant is None or services.audit is None:
        return _given(services, done, question)
    return await services.gate.aside(lambda: _given(services, done, question))


def examine(services: Services, file: Path | Spooled, question: Question) -> Examined:
    """Examine a file now, in this thread and a worker; count the report, and log a tenant's.

    Raises StoreError where it cannot be logged: what is not on record is not given.
    """
    if _has_secrets(services, question):
        done = _for_strangers(services, file, question)
    else:
        done = _read(_ask(services, file, question), question)
    return _given(services, done, question)


def _has_secrets(services: Services, question: Question) -> bool:
    """Whether a stranger asks a service that knows what strangers are told coarsely only."""
    return question.tenant is None and bool(services.settings.keys or services.settings.detectors)


def _given(services: Services, done: Examined, question: Question) -> Examined:
    """What is given to whoever asked: counted, and logged for a tenant. Raises StoreError."""
    if question.tenant is None:
        done = replace(done, report=unmeasured(done.report))
    error, verdict = done.report["error"], done.report["verdict"]
    services.metrics.reported(origin=verdict["origin"], tier=verdict["tier"], code=error["code"] if error else None)
    if question.tenant is not None and services.audit is not None:
        record = {key: done.report[key] for key in ("at", "status", "basis", "tool")}
        record |= {"sha256": done.report["asset"]["sha256"], "verdict": [verdict["origin"], verdict["tier"]]}
        record |= {"tenant": question.tenant.name}
        keep = timedelta(days=question.tenant.keep_days)
        services.audit.write("report.given", record, tenant=question.tenant.name, keep=keep)
    return done


def _for_strangers(services: Services, file: Path | Spooled, question: Question) -> Examined:
    if is_clip(file):  # its marks are not told, so searching for them is for nothing
        done = _read(_ask(services, file, question, withhold=True), question)
        return replace(done, report=coarse(done.report))
    answer, seen = fingerprinted(_ask(services, file, question, fingerprint=True))
    done = _read(answer, question)
    if tells_marks(done.report) and not _may_know(services, done.report, seen):
        done = _read(_ask(services, file, question, withhold=True), question)
    return replace(done, report=coarse(done.report))


def is_clip(file: Path | Spooled) -> bool:
    """Whether these bytes are a film: it has no fingerprint by which questions about it could be counted."""
    try:
        kind = kind_by(file.head(HEAD_BYTES)) if isinstance(file, Spooled) else kind_at(file)
    except OSError:
        return False
    return kind is Kind.VIDEO


def _may_know(services: Services, report: dict[str, Any], seen: list[bytes] | None) -> bool:
    """Whether a stranger may learn what marks and detectors say; not where nobody can tell what it looks like."""
    return bool(seen) and services.near_duplicates.allows(bytes.fromhex(report["asset"]["sha256"]), seen or ())


def _ask(services: Services, file: Path | Spooled, question: Question, **options: bool) -> dict[str, Any]:
    verb, asked = _asked(services, question, **options)
    return services.bench.perform(verb, file, **asked)


def _asked(services: Services, question: Question, **options: bool) -> tuple[str, Asked]:
    return "dossier" if question.dossier else "verify", {
        "at": question.at,
        "named": False,
        "facts": question.facts,
        "options": options,
        "settings": None if question.tenant is None else question.tenant.profile(services.settings).to_json(),
    }


def _read(answer: dict[str, Any], question: Question) -> Examined:
    answer, shown = parted(answer) if question.dossier else (answer, None)
    report = document_of(answer, at=question.at, name=None)
    return Examined(report=report, dossier=shown)


def examine_job(services: Services, keep: Keep, job: Job) -> Finished:
    """What a Runner does with a job of the worklist. Raises ConfigurationError where its tenant is gone."""
    tenant = None
    if job.tenant:
        tenant = None if services.keyring is None else services.keyring.tenant(job.tenant)
        if tenant is None:
            raise ConfigurationError("tenant.unknown", "this tenant is gone")
    facts, for_page = tuple(job.wishes.get("facts", ())), bool(job.wishes.get("dossier"))
    question = Question(at=moment_of(job.wishes["at"]), tenant=tenant, facts=facts, dossier=for_page)
    done = examine(services, keep.path(str(job.file)), question)
    if for_page:
        return Finished(result={"format": _PAGE, "report": done.report, "dossier": done.dossier})
    return Finished(result=done.report)


def examined_in(job: Job) -> Examined | None:
    """The report of a job that is done, and what a dossier shows where it was asked for on the page.

    Of a file that was labelled: that of the labelled one.
    """
    if job.result is None or job.state is not State.DONE:
        return None
    if "record" in job.result:
        return Examined(report=job.result["record"]["report"])
    if job.result.get("format") == _PAGE:
        return Examined(report=job.result["report"], dossier=job.result["dossier"])
    return Examined(report=job.result)
