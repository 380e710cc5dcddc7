# SPDX-License-Identifier: Apache-2.0
"""``/v1/batches``: many files in one request, a line of JSON each; their reports page by page, as NDJSON or CSV.

A line holds a file (``content``, base64) or names one that this tenant sent before (``sha256``). No line holds an
address: nothing is fetched for anybody.
"""

import base64
import hashlib
import json
from collections.abc import AsyncIterator, Collection
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from waarmerk.api.auth import open_to
from waarmerk.api.caller import Caller
from waarmerk.api.moments import AT, given_moment
from waarmerk.api.once import once
from waarmerk.api.problems import Problem, pointer
from waarmerk.api.routes.jobs import Cursor, Key, Limit, next_link, worklist_of
from waarmerk.api.services import services_of
from waarmerk.api.tenants import Scope
from waarmerk.api.wire import Json
from waarmerk.api.worklist import Worklist
from waarmerk.provenance.jobs.batches import Item, NewItem, add_batch, batch_items, find_batch
from waarmerk.provenance.jobs.spool import nameless_file
from waarmerk.provenance.model.moment import rfc3339
from waarmerk.provenance.report import table
from waarmerk.provenance.report.escape import plain
from waarmerk.provenance.report.wording import wording

router = APIRouter(tags=["batches"])

MAX_ITEMS = 10_000
MAX_LINE_BYTES = 45 * 2**20  # 32 MiB in base64, and its name
_LINE = "batch.line"  # a line that cannot be used; beside it the database keeps why
_MOST_REASONS, _LONGEST_REASON = 3, 300
_NDJSON, _CSV = "application/x-ndjson", "text/csv"


class Line(BaseModel):
    """One line: your own `id` for it, and the file, or the digest of one that you sent before."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(min_length=1, max_length=200)
    content: str | None = Field(default=None, description="The file, base64")
    sha256: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")

    @model_validator(mode="after")
    def _one_of_two(self) -> "Line":
        if (self.content is None) == (self.sha256 is None):
            raise ValueError("either content or sha256")
        return self


class BatchDocument(BaseModel):
    """A batch, and how far its items are."""

    model_config = ConfigDict(extra="forbid")

    id: str
    items: int
    waiting: int
    running: int
    done: int
    failed: int
    created_at: str
    keep_until: str
    results: str


_BODY = {"required": True, "content": {_NDJSON: {"schema": {"type": "string"}}}}
_PAGES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "One line an item, in the order of the batch; `Link` leads on",
        "content": {_NDJSON: {"schema": {"type": "string"}}, _CSV: {"schema": {"type": "string"}}},
    }
}


@router.post(
    "/v1/batches",
    summary="Examine many files later",
    status_code=202,
    response_model=BatchDocument,
    openapi_extra={"requestBody": _BODY},
)
async def submit(
    request: Request,
    caller: Annotated[Caller, Depends(open_to(Scope.VERIFY))],
    at: Annotated[str | None, AT] = None,
    idempotency_key: Key = None,
) -> Json:
    """Take a line of JSON for each file. A line that cannot be used is recorded as failed; the others go on."""
    services = services_of(request)
    worklist, moment = worklist_of(services), given_moment(at)
    async with once(request, caller) as claim:
        digest, items, names = hashlib.sha256((at or "").encode()), list[NewItem](), set[str]()
        async for line in _lines(request):
            digest.update(hashlib.sha256(line).digest())
            if len(items) >= MAX_ITEMS:
                raise Problem("batch.too-many")
            if claim.earlier is None:
                take = partial(_taken, worklist, caller, line, at=moment, now=services.clock(), names=names)
                items.append(await run_sync(take))
                if not (items[-1].code or "").startswith(_LINE):
                    names.add(items[-1].name)
        if (replayed := claim.replay(digest.digest())) is not None:
            return replayed
        if not items:
            raise Problem("request.no-file", "the batch has no lines")
        keep = timedelta(days=caller.tenant.keep_days if caller.tenant else 0)
        id = await run_sync(
            lambda: add_batch(worklist.queue.database, tenant=caller.name, items=items, now=services.clock(), keep=keep)
        )
        response = Json(
            await run_sync(_document, worklist, caller, id), HTTPStatus.ACCEPTED, {"Location": f"/v1/batches/{id}"}
        )
        return claim.keep(digest.digest(), response, "Location")


@router.get("/v1/batches/{batch}", summary="How far a batch is", response_model=BatchDocument)
async def show(request: Request, batch: str, caller: Annotated[Caller, Depends(open_to(Scope.VERIFY))]) -> Json:
    """How many items wait, run, are done and have failed."""
    worklist = worklist_of(services_of(request))
    return Json(await run_sync(_document, worklist, caller, batch))


@router.get("/v1/batches/{batch}/results", summary="The reports of a batch", response_class=Response, responses=_PAGES)
async def results(
    request: Request,
    batch: str,
    caller: Annotated[Caller, Depends(open_to(Scope.VERIFY))],
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response:
    """NDJSON, or CSV where `Accept` asks for `text/csv`. Items that are not over yet say so."""
    worklist = worklist_of(services_of(request))
    after = -1 if cursor is None else worklist.place(cursor)
    await run_sync(_document, worklist, caller, batch)
    items = await run_sync(lambda: batch_items(worklist.queue.database, batch, after=after, most=limit + 1))
    shown, more = items[:limit], len(items) > limit
    headers = next_link(request, worklist.cursor(shown[-1].position), limit) if more else {}
    if _CSV in request.headers.get("accept", ""):
        text = "".join(line + "\r\n" for line in [table.header(), *map(_row, shown)])
        return Response(text, media_type=_CSV, headers=headers)
    return Response("".join(map(_line, shown)), media_type=_NDJSON, headers=headers)


async def _lines(request: Request) -> AsyncIterator[bytes]:
    """The lines of the body that are not empty, one at a time in memory. Raises Problem for one that is too long."""
    rest = bytearray()
    async for piece in request.stream():
        rest += piece
        if b"\n" in piece:
            *whole, last = bytes(rest).split(b"\n")
            rest = bytearray(last)
            for line in whole:
                if line.strip():
                    yield line.strip()
        if len(rest) > MAX_LINE_BYTES:
            raise Problem("batch.too-many", "a line has at most 45 MiB: a file of 32 MiB in base64, and its name")
    if rest.strip():
        yield bytes(rest).strip()


def _taken(
    worklist: Worklist, caller: Caller, line: bytes, *, at: datetime | None, now: datetime, names: Collection[str]
) -> NewItem:
    """One line as an item, its job submitted; ``names`` are those of the lines before. Raises Problem, StoreError."""
    try:
        told = Line.model_validate_json(line)
        content = None if told.content is None else base64.b64decode(told.content, validate=True)
    except ValidationError as error:
        return NewItem(name=_name(line), code=f"{_LINE} {_reason(error)}")
    except ValueError:  # letters beyond ASCII are another fault than those beyond base64
        return NewItem(name=_name(line), code=f"{_LINE} /content: not base64 (RFC 4648, with its padding)")
    if told.id in names:
        return NewItem(name=told.id, code="batch.same-id")  # two reports under one id: nobody could tell whose is whose
    if content is None:
        identity = worklist.identity(caller, bytes.fromhex(told.sha256 or ""), at)
        known = worklist.queue.of_identity(identity)
        return NewItem(name=told.id, job=known.id) if known else NewItem(name=told.id, code="batch.unknown-content")
    with nameless_file() as (copy, path):
        copy.write(content)
        copy.flush()
        try:
            return NewItem(name=told.id, job=worklist.submit(caller, path, at=at, now=now).id)
        except Problem as problem:
            if problem.code != "request.too-large":
                raise
            return NewItem(name=told.id, code="media.too-large")  # the others go on


def _name(line: bytes) -> str:
    """What the caller calls a line that cannot be used, as far as that can be told."""
    try:
        told = json.loads(line)
        return str(told["id"])[:200] if isinstance(told, dict) and isinstance(told.get("id"), str) else ""
    except (ValueError, RecursionError):
        return ""


def _document(worklist: Worklist, caller: Caller, id: str) -> dict[str, Any]:
    found = find_batch(worklist.queue.database, id, tenant=caller.name)
    if found is None:
        raise Problem("batch.unknown")
    return {
        "id": found.id,
        "items": found.items,
        **{state.value: count for state, count in found.counts.items()},
        "created_at": rfc3339(found.created_at),
        "keep_until": rfc3339(found.keep_until),
        "results": f"/v1/batches/{found.id}/results",
    }


def _reason(error: ValidationError) -> str:
    """Where a line is not as described, and how: nothing of what stands there but its own names."""
    faults = error.errors(include_url=False, include_context=False, include_input=False)[:_MOST_REASONS]
    told = (f"{pointer(each['loc']) or 'the line'}: {each['msg']}" for each in faults)
    return plain("; ".join(told), limit=_LONGEST_REASON)


def _code(kept: str | None) -> tuple[str | None, str | None]:
    """The code of an item and why, as far as that is known."""
    code, _, why = (kept or "").partition(" ")
    if not code:
        return None, None
    words = wording("en")
    return code, why or (words.say("fault", code) if words.has("fault", code) else None)


def _line(item: Item) -> str:
    code, why = _code(item.code)
    told = {"position": item.position, "id": item.name, "job": item.job, "state": item.state, "code": code}
    report = None if item.result is None else json.loads(item.result)
    return json.dumps({**told, "detail": why, "report": report}, ensure_ascii=True) + "\n"


def _row(item: Item) -> str:
    if item.result is not None:
        report = json.loads(item.result)
        return table.row({**report, "asset": {**report["asset"], "name": item.name}}, language="en")
    code, why = _code(item.code)
    return table.plain_row({"name": item.name, "status": item.state.value, "error": code or "", "summary": why or ""})
