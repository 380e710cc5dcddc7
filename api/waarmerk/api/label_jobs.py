# SPDX-License-Identifier: Apache-2.0
"""Labelling that takes longer than anybody waits: jobs on the database, with a spool and a runner of their own, so that
no film stands before the files that are to be examined.

What was labelled waits in the spool for a day, or until the job is erased. A job is done at least once; its outcome
appears once: whoever does it again takes what the first made (``jobs.bundle``).
"""

from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import Request

from waarmerk.api.label_work import KEPT, LABEL, LabelWork
from waarmerk.api.labelling import Wishes, labelled, order_of, refusal, require_sensible, signer_of
from waarmerk.api.problems import Problem
from waarmerk.api.services import Services, services_of
from waarmerk.api.spool import Upload
from waarmerk.api.tenants import Tenant
from waarmerk.provenance.credentials.signing_keys import pem_of
from waarmerk.provenance.errors import NO_ROOM, ConfigurationError, StoreError
from waarmerk.provenance.jobs import bundle
from waarmerk.provenance.jobs.job import Job, State
from waarmerk.provenance.jobs.labelling import TAKES_LONG, LabelDone, LabelOrder
from waarmerk.provenance.jobs.queue import MAX_ATTEMPTS
from waarmerk.provenance.jobs.runner import Again, Finished, NotNow
from waarmerk.provenance.media.sniff import Kind, kind_at
from waarmerk.provenance.model.moment import moment_of
from waarmerk.provenance.report.wording import wording

AT_ONCE_BYTES = 8 * 2**20  # a clip beyond it is a job: what comes of it may be three times as large, in an answer more
_RETRY_SECONDS = 60
_MAY_BE_ANOTHERS = ("worker.crashed", "worker.answer")  # as for files that are examined; a deadline is the file's own
_JUDGING = CapacityLimiter(2)  # threads that look at wishes: the processor's work, of milliseconds
_SUBMITTING = CapacityLimiter(4)  # threads that take files in: each copies one


def is_long(upload: Upload) -> bool:
    """Whether a file is too large to be labelled while somebody waits; pictures never are."""
    return upload.bytes > AT_ONCE_BYTES and _plays(upload.path)


def _plays(path: Path) -> bool:
    with suppress(OSError):
        return kind_at(path) in (Kind.VIDEO, Kind.AUDIO)
    return False


async def labelled_now(services: Services, tenant: Tenant, order: LabelOrder) -> LabelDone:
    """Label while somebody waits. A clip for which there is no place now is left to later, as one that takes long.

    Raises Problem, also where there is no later or no room; OSError.
    """
    await run_sync(require_sensible, services, order, limiter=_JUDGING)
    try:
        if not _plays(order.source):
            return await services.gate.run(lambda: labelled(services, tenant, order), stranger=False)
        done = await services.clip_places.run(lambda: labelled(services, tenant, order), tenant=tenant.name)
    except StoreError as error:
        code = "service.full" if error.code == NO_ROOM else "service.not-ready"
        raise Problem(code, f"nothing was labelled: {error.code}", retry_after=_RETRY_SECONDS) from None
    if done is None and services.label_work is None:
        raise Problem(
            "service.busy", "a clip of yours is labelled now, or others have the places", retry_after=_RETRY_SECONDS
        )
    return done or LabelDone(file=None, told={}, code=TAKES_LONG, is_refused=True)


async def submitted(request: Request, tenant: Tenant, upload: Upload, wishes: Wishes, at: datetime | None) -> Job:
    """The job for an upload; ``at`` is the clock that was asked for. Raises Problem, StoreError."""
    services = services_of(request)
    work, now = services.label_work, services.clock().replace(microsecond=0)
    if work is None:
        raise Problem("service.not-configured")

    if not upload.bytes:
        raise refusal("media.empty", (), is_refused=False)

    def submit() -> Job:
        order = order_of(services, tenant, upload.path, wishes, at or now)
        require_sensible(services, order)
        chain = pem_of(signer_of(tenant).chain)
        return work.submit(tenant, order, wishes.model_dump(by_alias=True), chain, at=at)

    return await run_sync(submit, limiter=_SUBMITTING)


def is_label(job: Job) -> bool:
    """Whether a file is to be labelled, not examined."""
    return LABEL in job.wishes


def wishes_of_job(job: Job) -> Wishes:
    """What was asked for."""
    return Wishes.model_validate(job.wishes[LABEL])


def label_job(services: Services, work: LabelWork, job: Job) -> Finished:
    """What a Runner does with such a job. Raises ConfigurationError where its tenant is gone, NotNow where the disk is
    full, Again where its process was ended and may be tried once more; StoreError, OSError.
    """
    tenant = None if services.keyring is None else services.keyring.tenant(job.tenant)
    if tenant is None:
        raise ConfigurationError("tenant.unknown", "this tenant is gone")
    made = bundle.find(work.keep, job.id)
    if made is None:
        if not work.has_room(job.bytes):
            raise NotNow
        path = work.keep.path(str(job.file))
        try:
            order = order_of(services, tenant, path, wishes_of_job(job), moment_of(job.wishes["at"]))
            order = replace(order, shows=True, is_later=True, is_wanted=lambda: work.is_there(job))
            done = labelled(services, tenant, order, place=work.keep.folder)
        except Problem as problem:
            return Finished(code=problem.code, result={"errors": _reasons(problem)})
        with done:
            if done.code in _MAY_BE_ANOTHERS and job.attempts < MAX_ATTEMPTS:
                raise Again
            if done.file is None:
                return _failed(done)
            files = {"file": done.file} | ({} if done.beside is None else {"sidecar": done.beside})
            made = bundle.put(work.keep, job.id, files, {"record": done.told, "preview": done.preview})
    result = {"parts": {key: list(place) for key, place in made.parts.items()}, **made.told}
    return Finished(result=result, file=made.name, keep=KEPT)


def _failed(done: LabelDone) -> Finished:
    code, gaps = str(done.code), list(done.gaps)
    problem = refusal(code, gaps, is_refused=done.is_refused)
    told = {"errors": _reasons(problem), "why": [code, *gaps], "is_refused": done.is_refused}
    return Finished(code=problem.code, result=told)


def _reasons(problem: Problem) -> list[dict[str, str]]:
    """What is wrong, with JSON pointers; of the whole where no place is named."""
    return [dict(each) for each in problem.errors] or [{"pointer": "", "detail": str(problem.detail)}]


def record_in(job: Job) -> dict[str, Any] | None:
    """The record of a labelled file, report and all; None until there is one."""
    return None if job.result is None else job.result.get("record")


def errors_in(job: Job) -> list[dict[str, str]]:
    """Why a job that failed did, with JSON pointers: at least one reason, none of a job that did not fail."""
    if job.state is not State.FAILED:
        return []
    told = [] if job.result is None else list(job.result.get("errors", ()))
    code, words = str(job.code), wording("en")
    return told or [
        {"pointer": "", "detail": f"{code}: {words.say('fault', code)}" if words.has("fault", code) else code}
    ]


def part_in(job: Job, part: str) -> tuple[int, int] | None:
    """Where ``file`` or ``sidecar`` stands in what was made: first byte, bytes; None where there is none."""
    place = {} if job.result is None else job.result.get("parts", {})
    return (int(place[part][0]), int(place[part][1])) if part in place else None
