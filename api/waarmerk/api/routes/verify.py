# SPDX-License-Identifier: Apache-2.0
"""``POST /v1/verify``: the report of one file, the same as the command line's but for the name."""

from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Header, Request

from waarmerk.api.auth import ANYONE, open_to
from waarmerk.api.caller import Caller
from waarmerk.api.examining import examined
from waarmerk.api.moments import AT, given_moment
from waarmerk.api.problems import Problem
from waarmerk.api.reports import answered
from waarmerk.api.routes.jobs import JobDocument, accepted, asks_later, submitted
from waarmerk.api.schemas import report_schema
from waarmerk.api.services import services_of
from waarmerk.api.spool import received, with_field
from waarmerk.api.tenants import Scope
from waarmerk.api.told_facts import FIELD, require_none, told_facts
from waarmerk.api.wire import Json

router = APIRouter(tags=["verify"])

PATH = "/v1/verify"
LONG_BYTES = 32 * 2**20  # a still is never larger, and a film takes longer than callers like to wait


_CALLER = open_to(ANYONE)


@router.post(
    PATH,
    summary="Examine one file",
    response_description="The report (waarmerk.report/1), a broken credential included",
    responses={
        200: {"content": {"application/json": {"schema": report_schema()}}},
        202: {"model": JobDocument, "description": "Long media: `Location` says where the report will be"},
    },
    openapi_extra={"requestBody": with_field(FIELD, "Facts a file cannot tell: an object of JSON")},
)
async def verify(
    request: Request,
    caller: Annotated[Caller, Depends(_CALLER)],
    at: Annotated[str | None, AT] = None,
    prefer: Annotated[str | None, Header(description="`respond-async` (RFC 7240): answer at once, with a job")] = None,
) -> Json:
    """Examine the uploaded file. Invalid credentials are a result, not an error of the request.

    The field `context` of a form tells what no file can, and labels depend on: an object of JSON, names and values as
    `waarmerk rules list --fields` has them.
    """
    if not caller.is_stranger and Scope.VERIFY not in caller.scopes:
        raise Problem("auth.forbidden", f"this key has no scope `{Scope.VERIFY}`")
    services, moment = services_of(request), given_moment(at)
    async with received(request) as upload:
        asynchronous = asks_later(prefer) or upload.bytes > LONG_BYTES
        if asynchronous and services.worklist is not None:
            require_none(upload.fields)
            return accepted(await submitted(request, caller, upload, at))
        moment = moment or services.clock().replace(microsecond=0)
        facts = await run_sync(told_facts, services, caller, upload.fields) if upload.fields else ()
        done = await examined(request, caller, upload, at=moment, facts=facts)
    return answered(done.report)


async def verify_at_once(request: Request) -> Json:
    """The same, asked without the framework; ``at`` and ``prefer`` are read as it reads them."""
    caller = await _CALLER(request)
    at = request.query_params.get("at") if request.scope["query_string"] else None
    return await verify(request, caller, at, request.headers.get("prefer"))
