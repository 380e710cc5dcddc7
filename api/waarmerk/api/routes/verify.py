# SPDX-License-Identifier: Apache-2.0
"""``POST /v1/verify``: the report of one file, the same as the command line's but for the name."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse

from waarmerk.api.auth import ANYONE, Caller, Scope, open_to
from waarmerk.api.examining import examined
from waarmerk.api.problems import Problem
from waarmerk.api.reports import etag
from waarmerk.api.schemas import report_schema
from waarmerk.api.services import services_of
from waarmerk.api.spool import BODY, received
from waarmerk.provenance.model.moment import moment_of
from waarmerk.provenance.report.escape import plain

router = APIRouter(tags=["verify"])

AT = Query(description="The clock of the decision, RFC 3339; now if not given")


@router.post(
    "/v1/verify",
    summary="Examine one file",
    response_description="The report (waarmerk.report/1), a broken credential included",
    responses={200: {"content": {"application/json": {"schema": report_schema()}}}},
    openapi_extra={"requestBody": BODY},
)
async def verify(
    request: Request,
    caller: Annotated[Caller, Depends(open_to(ANYONE))],
    at: Annotated[str | None, AT] = None,
) -> JSONResponse:
    """Examine the uploaded file. Invalid credentials are a result, not an error of the request."""
    if not caller.is_stranger and Scope.VERIFY not in caller.scopes:
        raise Problem("auth.forbidden", f"this key has no scope `{Scope.VERIFY}`")
    moment = decision_time(request, at)
    async with received(request) as upload:
        done = await examined(request, caller, upload, at=moment)
    return JSONResponse(done.report, headers={"ETag": etag(done.report)})


def decision_time(request: Request, at: str | None) -> datetime:
    """The clock of the decision, read as the command line reads ``--at``. Raises Problem."""
    if at is None:
        return services_of(request).clock().replace(microsecond=0)
    try:
        return moment_of(at)
    except ValueError as error:
        places = [{"pointer": "/query/at", "detail": plain(str(error))}]
        raise Problem("request.invalid", f"at: {plain(str(error))}", errors=places) from None
