# SPDX-License-Identifier: Apache-2.0
"""``POST /v1/verify``: the report of one file, the same as the command line's but for the name."""

from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any

from anyio.to_thread import run_sync
from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse

from waarmerk.api.schemas import report_schema
from waarmerk.api.spool import received

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
    at: Annotated[datetime | None, Query(description="The clock of the decision, RFC 3339; now if not given")] = None,
) -> JSONResponse:
    """Examine the uploaded file. Invalid credentials are a result, not an error of the request."""
    return JSONResponse(await _report(request, _moment(request, at)))


def _moment(request: Request, at: datetime | None) -> datetime:
    moment: datetime = at or request.app.state.clock()
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).replace(microsecond=0)


async def _report(request: Request, at: datetime) -> dict[str, Any]:
    state = request.app.state
    async with received(request, state.spool) as path:
        return await run_sync(partial(state.verify, path, at=at, named=False))
