# SPDX-License-Identifier: Apache-2.0
"""``/v1/jobs``: files that are examined or labelled later; the same file under the same policy is the same job."""

import hashlib
from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated, Any, Literal

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Header, Query, Request, Response
from pydantic import BaseModel, ConfigDict

from waarmerk.api.auth import ANYONE, open_to
from waarmerk.api.caller import Caller
from waarmerk.api.examining import examined_in
from waarmerk.api.label_jobs import errors_in, is_label, part_in, record_in
from waarmerk.api.labelling import name_of
from waarmerk.api.moments import AT, given_moment
from waarmerk.api.once import HEADER, once
from waarmerk.api.page_answers import streamed
from waarmerk.api.problems import Problem
from waarmerk.api.reports import etag
from waarmerk.api.services import Services, services_of
from waarmerk.api.spool import BODY, Upload, received
from waarmerk.api.tenants import Scope
from waarmerk.api.told_facts import require_none
from waarmerk.api.wire import Json
from waarmerk.api.worklist import Worklist
from waarmerk.provenance.jobs import bundle
from waarmerk.provenance.jobs.job import Job, State
from waarmerk.provenance.jobs.queue import Queue
from waarmerk.provenance.model.moment import rfc3339

router = APIRouter(tags=["jobs"])

Limit = Annotated[int, Query(ge=1, le=500, description="How many on a page")]
Cursor = Annotated[str | None, Query(max_length=64, description="From the `next` link of the page before")]
Key = Annotated[str | None, Header(alias=HEADER, description="A request that is sent twice is done once")]


Part = Literal["file", "sidecar"]


class JobSummary(BaseModel):
    """How far a job is."""

    model_config = ConfigDict(extra="forbid")

    id: str
    kind: Literal["verify", "label"]
    state: State
    bytes: int
    attempts: int
    created_at: str
    finished_at: str | None
    keep_until: str
    code: str | None


class JobDocument(JobSummary):
    """A job, and its report once there is one (`waarmerk.report/1`), of a labelled file that of the labelled one.

    `label`: what `POST /v1/label` tells of a labelled file, but for its report. `files`: where the file, and its
    sidecar if there is one, can be fetched. `errors`: why a job failed, never empty then.
    """

    report: dict[str, Any] | None
    label: dict[str, Any] | None = None
    files: dict[Part, str] | None = None
    errors: list[dict[str, str]] = []


class JobPage(BaseModel):
    """Some jobs, the newest first; the link `next` of the header `Link` leads on."""

    model_config = ConfigDict(extra="forbid")

    jobs: list[JobSummary]


def worklist_of(services: Services) -> Worklist:
    """The jobs of this service. Raises Problem where it keeps none."""
    if services.worklist is None:
        raise Problem("service.not-configured")
    return services.worklist


def queue_of(services: Services) -> Queue:
    """Where any job of this service is found. Raises Problem where it keeps none."""
    for each in (services.worklist, services.label_work):
        if each is not None:
            return each.queue
    raise Problem("service.not-configured")


def summary(job: Job) -> dict[str, Any]:
    """The job without its report."""
    return {
        "id": job.id,
        "kind": "label" if is_label(job) else "verify",
        "state": job.state,
        "bytes": job.bytes,
        "attempts": job.attempts,
        "created_at": rfc3339(job.created_at),
        "finished_at": None if job.finished_at is None else rfc3339(job.finished_at),
        "keep_until": rfc3339(job.keep_until),
        "code": job.code,
    }


def report_of(job: Job) -> dict[str, Any] | None:
    """The report of a job, None until there is one."""
    done = examined_in(job)
    return None if done is None else done.report


def document(job: Job) -> dict[str, Any]:
    """The job with all that came of it."""
    told = {**summary(job), "report": report_of(job), "label": None, "files": None, "errors": errors_in(job)}
    record = record_in(job)
    if record is not None:
        parts = [part for part in ("file", "sidecar") if part_in(job, part) is not None]
        told["label"] = {key: value for key, value in record.items() if key != "report"}
        told["files"] = {part: f"/v1/jobs/{job.id}/{part}" for part in parts}
    return told


def accepted(job: Job) -> Json:
    """202 with where to look, 200 where it is over already."""
    headers = {"Location": f"/v1/jobs/{job.id}"}
    if not job.is_over:
        headers["Retry-After"] = "2"
    status = HTTPStatus.OK if job.is_over else HTTPStatus.ACCEPTED
    return Json(document(job), status, headers)


def asks_later(prefer: str | None) -> bool:
    """Whether a caller wants a job, whatever the file (RFC 7240)."""
    return "respond-async" in (prefer or "").lower()


async def submitted(
    request: Request, caller: Caller, upload: Upload, at: str | None, *, facts: Sequence[str] | None = None
) -> Job:
    """The job for an upload; ``facts`` where it came from the page. Raises Problem, StoreError."""
    services = services_of(request)
    worklist, moment = worklist_of(services), given_moment(at)
    return await run_sync(lambda: worklist.submit(caller, upload.path, at=moment, now=services.clock(), facts=facts))


@router.post(
    "/v1/jobs",
    summary="Examine one file later",
    response_model=JobDocument,
    responses={202: {"model": JobDocument, "description": "Under way; `Location` says where to look"}},
    openapi_extra={"requestBody": BODY},
)
async def submit(
    request: Request,
    caller: Annotated[Caller, Depends(open_to(Scope.VERIFY))],
    at: Annotated[str | None, AT] = None,
    idempotency_key: Key = None,
) -> Json:
    """Take a file and answer at once; 200 where this very file was examined under this very policy before."""
    worklist_of(services_of(request))
    async with once(request, caller) as claim, received(request) as upload:
        require_none(upload.fields)
        digest = hashlib.sha256(await run_sync(_digest, upload) + (at or "").encode()).digest()
        if (replayed := claim.replay(digest)) is not None:
            return replayed
        return claim.keep(digest, accepted(await submitted(request, caller, upload, at)), "Location", "Retry-After")


@router.get("/v1/jobs", summary="One's own jobs", response_model=JobPage)
async def page(
    request: Request,
    caller: Annotated[Caller, Depends(open_to(Scope.VERIFY))],
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Json:
    """The jobs of this tenant that are still kept, the newest first, without their reports."""
    worklist = worklist_of(services_of(request))
    before = None if cursor is None else worklist.place(cursor)
    jobs = await run_sync(lambda: worklist.queue.page(tenant=caller.name, before=before, most=limit + 1))
    shown, more = jobs[:limit], len(jobs) > limit
    headers = next_link(request, worklist.cursor(shown[-1].number), limit) if more else {}
    return Json({"jobs": [summary(job) for job in shown]}, headers=headers)


@router.get(
    "/v1/jobs/{job}",
    summary="One job, and its report once there is one",
    response_model=JobDocument,
    responses={304: {"description": "The report is the one you have (`If-None-Match`)"}},
)
async def show(request: Request, job: str, caller: Annotated[Caller, Depends(open_to(ANYONE))]) -> Response:
    """A stranger's job is shown to whoever knows its id, a tenant's to the tenant."""
    found = await job_of(request, job, caller)
    headers = {} if found.is_over else {"Retry-After": "2"}
    report = report_of(found)
    if report is not None:
        headers["ETag"] = etag(report)
        if headers["ETag"] in [each.strip() for each in request.headers.get("if-none-match", "").split(",")]:
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Json(document(found), headers=headers)


@router.get(
    "/v1/jobs/{job}/{part}",
    summary="A file that was labelled later",
    response_class=Response,
    responses={
        200: {"description": "The file, or the credentials beside it", "content": {"application/octet-stream": {}}}
    },
)
async def fetch(
    request: Request, job: str, part: Part, caller: Annotated[Caller, Depends(open_to(Scope.LABEL))]
) -> Response:
    """What was made of a file, until a day after it was made or until the job is erased."""
    found = await job_of(request, job, caller)
    return await part_of(request, found, part)


@router.delete("/v1/jobs/{job}", summary="Erase a job", status_code=204, response_class=Response)
async def erase(request: Request, job: str, caller: Annotated[Caller, Depends(open_to(ANYONE))]) -> Response:
    """Erase the file, the report and the record of one job now."""
    await erase_job(request, job, caller)
    return Response(status_code=HTTPStatus.NO_CONTENT)


async def job_of(request: Request, id: str, caller: Caller) -> Job:
    """The job of this id as far as the caller may see it. Raises Problem, StoreError."""
    queue, tenant = queue_of(services_of(request)), caller.name
    found = await run_sync(lambda: queue.find(id, tenant=tenant))
    needed = {Scope.VERIFY, Scope.LABEL}
    if found is not None:
        needed = {Scope.LABEL} if is_label(found) else {Scope.VERIFY}
    if not caller.is_stranger and not needed & caller.scopes:
        raise Problem("auth.forbidden", f"this key has no scope `{min(needed)}`")
    if found is None:
        raise Problem("job.unknown")
    return found


async def part_of(request: Request, job: Job, part: str) -> Response:
    """One file of what a job made, a little at a time. Raises Problem where there is none, or not here."""
    work, place, record = services_of(request).label_work, part_in(job, part), record_in(job)
    if work is None or place is None or record is None or job.file is None:
        raise Problem("label.absent")
    name = job.file
    file = await run_sync(lambda: bundle.opened(work.keep, name))
    if file is None:
        raise Problem("label.absent")
    media_type = str(record["media_type"]) if part == "file" else "application/c2pa"
    named = name_of(record) + ("" if part == "file" else ".c2pa")
    return streamed(bundle.pieces(file, *place), place[1], named, media_type)


async def erase_job(request: Request, id: str, caller: Caller) -> None:
    """Erase the file, the report and the record of a job. Raises Problem, StoreError."""
    services = services_of(request)
    found = await job_of(request, id, caller)
    file = await run_sync(lambda: queue_of(services).remove(found.id, tenant=found.tenant))
    for each in (services.worklist, services.label_work):
        if each is not None and file:
            await run_sync(each.keep.drop, file)


def next_link(request: Request, cursor: str, limit: int) -> dict[str, str]:
    """The header that leads to the next page (RFC 8288)."""
    return {"Link": f'<{request.url.path}?cursor={cursor}&limit={limit}>; rel="next"'}


def _digest(upload: Upload) -> bytes:
    with upload.path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
