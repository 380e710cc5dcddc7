# SPDX-License-Identifier: Apache-2.0
"""``/label/job/ID``: how far a long clip is that somebody of an organisation labels, and what became of it.

A page that asks again by itself, by a header that browsers without script follow. It opens to whoever of the
organisation shows a key: a visit may end before a film does.
"""

from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from waarmerk.api.auth import ANYONE, count, open_to
from waarmerk.api.bodies import small_body
from waarmerk.api.caller import Caller
from waarmerk.api.desk_form import TICKED, WRITTEN, fields_of
from waarmerk.api.desk_request import Desk
from waarmerk.api.desk_view import done, waiting
from waarmerk.api.label_jobs import is_label, part_in, record_in, wishes_of_job
from waarmerk.api.labelling import name_of, record_text
from waarmerk.api.page_answers import download
from waarmerk.api.problems import Problem
from waarmerk.api.routes.jobs import erase_job, job_of, part_of
from waarmerk.api.trail import trail_of
from waarmerk.provenance.jobs.job import Job

router = APIRouter(include_in_schema=False)

_OPEN = Depends(open_to(ANYONE, counted=False))
_AGAIN_SECONDS = 5
_DAY = "%Y-%m-%d %H:%M"
_FORM_BYTES = 4096


def job_page(job: Job) -> str:
    """Where a browser looks for a clip that is labelled later."""
    return f"/label/job/{job.id}"


@router.get("/label/job/{job}", dependencies=[_OPEN])
async def progress(request: Request, job: str, lang: str | None = None, watch: bool = True) -> Response:
    """How far a clip is, and what became of it once it is done; ``watch=0``: the page does not ask again by itself."""
    desk = Desk(request, lang)
    try:
        found = await _job(request, desk, job)
    except Problem as problem:
        return _refused(desk, problem)
    record = record_in(found)
    here = f"{job_page(found)}?lang={desk.language}"
    if found.is_over and record is None:
        return _not_labelled(desk, found)
    if record is None:
        megabytes = max(1, round(found.bytes / 2**20))
        told = {"job": found.id, "state": found.state.value, "megabytes": megabytes, "here": here}
        headers = {"refresh": f"{_AGAIN_SECONDS}"} if watch else {}
        return desk.answer(waiting(desk.visit, told, watches=watch), headers=headers)
    parts = [part for part in ("file", "sidecar") if part_in(found, part) is not None]
    links = {part: f"{job_page(found)}/{part}?lang={desk.language}" for part in (*parts, "record")}
    says, until = wishes_of_job(found).ai, found.keep_until.strftime(_DAY)
    picture = None if found.result is None else found.result.get("preview")
    page = done(desk.visit, record, says=says, until=until, links=links, picture=picture, job=found.id)
    return desk.answer(page)


@router.get("/label/job/{job}/{part}", dependencies=[_OPEN])
async def fetch(request: Request, job: str, part: str, lang: str | None = None) -> Response:
    """A labelled clip, its credentials or its record."""
    desk = Desk(request, lang)
    try:
        found = await _job(request, desk, job)
        record = record_in(found)
        if part == "record" and record is not None:
            return download(record_text(record), f"{name_of(record)}.json", "application/json")
        return await part_of(request, found, part)
    except Problem as problem:
        return _refused(desk, problem)


@router.post("/label/job/{job}/erase", dependencies=[_OPEN])
async def erase(request: Request, job: str, lang: str | None = None) -> Response:
    """Erase what was sent and what was made of it now."""
    desk = Desk(request, lang)
    try:
        found = await _job(request, desk, job)
        desk.require_token(fields_of(await small_body(request, max_bytes=_FORM_BYTES)))
        await erase_job(request, found.id, _caller(desk))
    except Problem as problem:
        return _refused(desk, problem)
    return desk.turned()


async def _job(request: Request, desk: Desk, id: str) -> Job:
    """The job, for a visit of the organisation whose it is. Raises Problem, StoreError."""
    await desk.enter()
    caller = _caller(desk)
    count(request, caller)
    found = await job_of(request, id, caller)
    if not is_label(found):
        raise Problem("job.unknown")
    return found


def _caller(desk: Desk) -> Caller:
    return desk.keyed()[0].caller


def _refused(desk: Desk, problem: Problem) -> Response:
    return desk.gone() if problem.code in ("job.unknown", "label.absent") else desk.refused(problem)


def _not_labelled(desk: Desk, job: Job) -> Response:
    """Why there is no labelled file, over the form as it was filled in."""
    trail_of(desk.request).code = job.code
    told: dict[str, Any] = job.result or {}
    why = [str(each) for each in told.get("why", ())]
    if not why:
        return desk.refused(Problem("label.failed"), _given(job))
    return desk.not_labelled(why, _given(job), is_refused=bool(told.get("is_refused")))


def _given(job: Job) -> dict[str, str]:
    """What of the form is known from what was asked for."""
    wishes = wishes_of_job(job)
    found = {name: str(getattr(wishes, name)) for name in ("ai", "visible", "stands") if getattr(wishes, name)}
    found |= {name: str(getattr(wishes, name)) for name in WRITTEN if getattr(wishes, name)}
    languages = dict(zip(("label_lang", "label_lang_2"), wishes.label_lang.split(","), strict=False))
    return found | languages | {name: "true" for name in TICKED if getattr(wishes, name)}
