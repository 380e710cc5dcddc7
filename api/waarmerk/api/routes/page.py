# SPDX-License-Identifier: Apache-2.0
"""``/``: a form, and what was found in the file that was sent with it; for people, with and without script."""

from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.exceptions import HTTPException

from waarmerk.api.auth import ANYONE, Scope, open_to
from waarmerk.api.examining import examined
from waarmerk.api.page_answers import SAFE, download, html
from waarmerk.api.page_facts import MAX_PARTS, answers
from waarmerk.api.page_view import Answer, fragment, has_pdf, language_of, page, problem_text, static
from waarmerk.api.problems import Problem
from waarmerk.api.services import services_of
from waarmerk.api.spool import received
from waarmerk.api.trail import trail_of
from waarmerk.provenance.model.moment import rfc3339

router = APIRouter(include_in_schema=False)

Form = Annotated[Literal["page", "fragment", "html", "pdf"], Query(alias="as")]
_UNCOUNTED = Depends(open_to(ANYONE, counted=False))
_COUNTED = open_to(ANYONE)
_KEPT_SECONDS = 3600


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
    try:
        caller = await _COUNTED(request)  # here, so that a quota that is used up is told as a page
        if not caller.is_stranger and Scope.VERIFY not in caller.scopes:
            raise Problem("auth.forbidden")
        at = services_of(request).clock().replace(microsecond=0)
        async with received(request, max_parts=MAX_PARTS) as upload:
            if not upload.bytes:  # how a browser sends a form in which no file was chosen
                raise Problem("request.no-file")
            given = answers(upload.fields)
            facts = tuple(f"{name}={value}" for name, value in given.items())
            done = await examined(request, caller, upload, at=at, facts=facts, dossier=True)
        found = Answer(report=done.report, shown=done.dossier, at=rfc3339(at), facts=facts)
        laid_out = partial(
            _answered, found, language, form, given, with_desk=_with_desk(request)
        )  # which takes its turn as well: a PDF is work
        return await services_of(request).gate.run(laid_out, stranger=caller.is_stranger)
    except Problem as problem:
        return _refused(request, problem, language, form)


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


def _answered(found: Answer, language: str, form: str, given: dict[str, str], *, with_desk: bool) -> Response:
    if form == "html":
        return download(found.dossier(language, "html").render().encode("utf-8"), "dossier.html", "text/html")
    if form == "pdf" and has_pdf():
        from waarmerk.provenance.report.pdf import render  # noqa: PLC0415 - only where the extra is installed

        return download(render(found.dossier(language, "pdf")), "dossier.pdf", "application/pdf")
    if form == "fragment":
        return html(fragment(language, answer=found), language)
    return html(page(language, answer=found, given=given, with_desk=with_desk), language)


def _refused(request: Request, problem: Problem, language: str, form: str) -> Response:
    trail_of(request).code = problem.code
    text = problem_text(language, problem.code)
    made = (fragment if form == "fragment" else page)(language, problem=text)
    return html(made, language, status=problem.status_code, headers=dict(problem.headers or {}))
