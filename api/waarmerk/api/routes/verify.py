# SPDX-License-Identifier: Apache-2.0
"""``POST /v1/verify``: the report of one file, the same as the command line's but for the name."""

from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any

from anyio.to_thread import run_sync
from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse

from waarmerk.api.problems import Problem
from waarmerk.api.schemas import report_schema
from waarmerk.api.spool import received
from waarmerk.provenance.model.moment import moment_of
from waarmerk.provenance.report.escape import plain

router = APIRouter()

_BODY = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {"file": {"type": "string", "contentMediaType": "application/octet-stream"}},
            }
        },
        "application/octet-stream": {"schema": {}},
    },
}


@router.post(
    "/v1/verify",
    summary="Examine one file",
    response_description="The report (waarmerk.report/1), a broken credential included",
    responses={200: {"content": {"application/json": {"schema": report_schema()}}}},
    openapi_extra={"requestBody": _BODY},
)
async def verify(
    request: Request,
    at: Annotated[str | None, Query(description="The clock of the decision, RFC 3339; now if not given")] = None,
) -> JSONResponse:
    """Examine the uploaded file. Invalid credentials are a result, not an error of the request."""
    return JSONResponse(await _report(request, _moment(request, at)))


def _moment(request: Request, at: str | None) -> datetime:
    """The clock of the decision, read as the command line reads ``--at``. Raises Problem."""
    if at is None:
        now: datetime = request.app.state.clock()
        return now.replace(microsecond=0)
    try:
        return moment_of(at)
    except ValueError as error:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "request.invalid", f"at: {plain(str(error))}") from None


async def _report(request: Request, at: datetime) -> dict[str, Any]:
    state = request.app.state
    async with received(request) as path:
        return await run_sync(partial(state.verify, path, at=at, named=False))
