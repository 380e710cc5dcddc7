# SPDX-License-Identifier: Apache-2.0
"""``/``: a form, and what was found in the file that was sent with it; for people, with and without script."""

from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException

from waarmerk.api.auth import ANYONE, open_to
from waarmerk.api.caller import Caller
from waarmerk.api.examining import examined, examined_in
from waarmerk.api.page_answers import SAFE, download, html
from waarmerk.api.page_facts import ASKED, MAX_PARTS, answers
from waarmerk.api.page_view import Answer, fragment, has_pdf, language_of, page, problem_text, static, waiting
from waarmerk.api.problems import Problem
from waarmerk.api.routes.jobs import erase_job, job_of, submitted
from waarmerk.api.services import services_of
from waarmerk.api.spool import received
from waarmerk.api.tenants import Scope
from waarmerk.api.trail import trail_of
from waarmerk.provenance.model.moment import rfc3339

router = APIRouter(include_in_schema=False)

Form = Annotated[Literal["page", "fragment", "html", "pdf"], Query(alias="as")]
_UNCOUNTED = Depends(open_to(ANYONE, counted=False))
_COUNTED = open_to(ANYONE)
_KEPT_SECONDS = 3600
LONG_BYTES = 16 * 2**20  # what takes longer than people look at a page that does nothing: clips, large scans
_AGAIN_SECONDS = 5


@router.get("/", dependencies=[_UNCOUNTED])
async def empty(request: Request, lang: str | None = None) -> Response:
    """The empty page."""
    language = language_of(lang, request.headers.get("accept-language", ""))
    return html(page(language, with_desk=_with_desk(request)), language)


@router.post("/", dependencies=[_UNCOUNTED])
async def answer(request: Request, lang: str | None = None, form: Form = "page") -> Response:
    """Examine the file in the form; ``as`` says in which form the answer comes.

    A problem is told to a person too, in their language, under the status of the problem.
    """
    language = language_of(lang, request.headers.get("accept-language", ""))
    given: dict[str, str] = {}
    filled: dict[str, str] = {}  # as it was typed: a problem leaves the form as it was
    try:
        caller = await _COUNTED(request)  # here, so that a quota that is used up is told as a page
        if not caller.is_stranger and Scope.VERIFY not in caller.scopes:
            raise Problem("auth.forbidden")
        at = services_of(request).clock().replace(microsecond=0)
        async with received(request, max_parts=MAX_PARTS) as upload:
            filled = {name: upload.fields[name] for name in ASKED if name in upload.fields}
            if not upload.bytes:  # how a browser sends a form in which no file was chosen
                raise Problem("request.no-file")
            given = answers(upload.fields)
            facts = tuple(f"{name}={value}" for name, value in given.items())
            if upload.bytes > LONG_BYTES and services_of(request).worklist is not None:
                job = await submitted(request, caller, upload, None, facts=facts)
                return RedirectResponse(job_address(job.id, language, form), HTTPStatus.SEE_OTHER, headers=SAFE)
            done = await examined(request, caller, upload, at=at, facts=facts, dossier=True)
        found = Answer(report=done.report, shown=done.dossier, at=rfc3339(at), facts=facts)
        return await laid_out(request, caller, found, language=language, form=form, given=given)
    except Problem as problem:
        return refused(request, problem, language, form, given=filled)


@router.get("/job/{job}", dependencies=[_UNCOUNTED])
async def progress(
    request: Request, job: str, lang: str | None = None, form: Form = "page", watch: bool = True
) -> Response:
    """How far a file is that takes long, and what was found once it is done.

    Until then the page asks again by itself, by a header that browsers without script follow; ``watch=0`` stops that.
    """
    language = language_of(lang, request.headers.get("accept-language", ""))
    try:
        caller = await _COUNTED(request)
        found = await job_of(request, job, caller)
        if (done := examined_in(found)) is not None:
            facts = tuple(map(str, found.wishes.get("facts", ())))
            given = dict(fact.split("=", 1) for fact in facts)
            answer = Answer(report=done.report, shown=done.dossier, at=str(found.wishes["at"]), facts=facts)
            return await laid_out(request, caller, answer, language=language, form=form, given=given)
    except Problem as problem:
        return refused(request, problem, language, form)
    if found.is_over:
        trail_of(request).code = found.code
    here = job_address(job, language, form)
    told = {"job": job, "state": found.state.value, "megabytes": max(1, round(found.bytes / 2**20)), "here": here}
    again = watch and not found.is_over
    headers = {"refresh": f"{_AGAIN_SECONDS}"} if again else {}
    return html(waiting(language, told, watches=again, is_over=found.is_over), language, headers=headers)


@router.post("/job/{job}/erase", dependencies=[_UNCOUNTED])
async def erase(request: Request, job: str, lang: str | None = None) -> Response:
    """Erase a file, its report and its record now; whoever knows its address may."""
    language = language_of(lang, request.headers.get("accept-language", ""))
    try:
        await erase_job(request, job, await _COUNTED(request))
    except Problem as problem:
        return refused(request, problem, language, "page")
    return RedirectResponse(f"/?lang={language}", HTTPStatus.SEE_OTHER, headers=SAFE)


@router.get("/static/{name}", dependencies=[_UNCOUNTED])
async def fixed(name: str) -> Response:
    """The style and the script of the page."""
    found = static(name)
    if found is None:
        raise HTTPException(404)
    media_type, content = found
    kept = {"cache-control": f"public, max-age={_KEPT_SECONDS}"}
    return Response(content, headers={**SAFE, **kept, "content-type": media_type})


def _with_desk(request: Request) -> bool:
    return services_of(request).sessions is not None


def job_address(job: str, language: str, form: str) -> str:
    """Where a browser looks for a job."""
    return f"/job/{job}?lang={language}" + ("" if form in ("page", "fragment") else f"&as={form}")


async def laid_out(
    request: Request, caller: Caller, found: Answer, *, language: str, form: str, given: dict[str, str]
) -> Response:
    """An answer in the form that was asked for; it takes its turn, for a PDF is work as well. Raises Problem."""
    made = partial(_answered, found, language, form, given, with_desk=_with_desk(request))
    return await services_of(request).gate.run(made, stranger=caller.is_stranger)


def _answered(found: Answer, language: str, form: str, given: dict[str, str], *, with_desk: bool) -> Response:
    if form == "html":
        return download(found.dossier(language, "html").render().encode("utf-8"), "dossier.html", "text/html")
    if form == "pdf" and has_pdf():
        from waarmerk.provenance.report.pdf import render  # noqa: PLC0415 - only where the extra is installed

        return download(render(found.dossier(language, "pdf")), "dossier.pdf", "application/pdf")
    if form == "fragment":
        return html(fragment(language, answer=found), language)
    return html(page(language, answer=found, given=given, with_desk=with_desk), language)


def refused(
    request: Request, problem: Problem, language: str, form: str, *, given: Mapping[str, str] | None = None
) -> Response:
    """A problem in words for a person, in the form as it was filled in (``given``)."""
    trail_of(request).code = problem.code
    text = problem_text(language, problem.code, [each["pointer"] for each in problem.errors])
    if form == "fragment":
        made = fragment(language, problem=text)
    else:
        made = page(language, problem=text, given=given, with_desk=_with_desk(request))
    return html(made, language, status=problem.status_code, headers=dict(problem.headers or {}))
