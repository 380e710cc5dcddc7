# SPDX-License-Identifier: Apache-2.0
"""``POST /v1/decide``: which labels stated facts bring, as ``waarmerk rules decide --facts`` answers; no file."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Request, Response

from waarmerk.api.auth import ANYONE, open_to
from waarmerk.api.bodies import small_body
from waarmerk.api.caller import Caller
from waarmerk.api.moments import AT, given_moment
from waarmerk.api.problems import Problem
from waarmerk.api.schemas import report_schema
from waarmerk.api.services import services_of
from waarmerk.api.tenants import Scope
from waarmerk.api.wire import Json
from waarmerk.provenance.labelling.context import FactError
from waarmerk.provenance.labelling.rules import RuleSet
from waarmerk.provenance.labelling.stated import decide_stated, read_json_sets
from waarmerk.provenance.report.document import decision
from waarmerk.provenance.report.escape import plain
from waarmerk.provenance.verdict import weigh

router = APIRouter(tags=["rules"])

STRANGERS_BYTES, TENANTS_BYTES = 64 * 2**10, 2 * 2**20
STRANGERS_MOST, TENANTS_MOST = 100, 2000  # sets of facts; one takes 2 to 4 ms
_TURNS = CapacityLimiter(2)  # threads that decide: nothing here waits for anything but the processor
_NDJSON = "application/x-ndjson"
_SHOWN = 500


_ONE = {"type": "object", "description": "Facts by name, as `waarmerk rules list --fields` has them"}
_BODY = {
    "required": True,
    "content": {
        "application/json": {"schema": {"oneOf": [_ONE, {"type": "array", "items": _ONE}]}},
        _NDJSON: {"schema": {"type": "string", "description": "A set of facts a line"}},
    },
}


def _answer_schema() -> dict[str, Any]:
    """A list of findings with labels, or of refusals."""
    known = report_schema()
    finding = {"origin", "tier", "authentic_capture", "conflict"}
    texts = {"code": {"type": "string"}, "message": {"type": "string"}}
    properties = {
        "finding": _closed({name: known["properties"]["verdict"]["properties"][name] for name in sorted(finding)}),
        "labels": {"type": "array", "items": known["properties"]["labels"]["items"]},
    }
    refused = {"error": _closed(texts)}
    return {"type": "array", "items": {"oneOf": [_closed(properties), _closed(refused)]}}


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(properties),
        "properties": properties,
    }


@router.post(
    "/v1/decide",
    summary="Which labels stated facts bring",
    responses={
        200: {
            "description": "An answer for each set of facts, in their order; `error` where a set is refused",
            "content": {
                "application/json": {"schema": _answer_schema()},
                _NDJSON: {"schema": {"type": "string"}},
            },
        }
    },
    response_class=Response,
    openapi_extra={"requestBody": _BODY},
)
async def decide(
    request: Request,
    caller: Annotated[Caller, Depends(open_to(ANYONE))],
    at: Annotated[str | None, AT] = None,
) -> Response:
    """Decide on one set of facts, a list of them, or a line each; NDJSON comes back where `Accept` asks for it."""
    if not caller.is_stranger and Scope.VERIFY not in caller.scopes:
        raise Problem("auth.forbidden", f"this key has no scope `{Scope.VERIFY}`")
    services, moment = services_of(request), given_moment(at)
    body = await small_body(request, max_bytes=STRANGERS_BYTES if caller.is_stranger else TENANTS_BYTES)
    settings = caller.profile(services.settings)
    most = STRANGERS_MOST if caller.is_stranger else TENANTS_MOST

    has_lines = request.headers.get("content-type", "").partition(";")[0].strip().lower() == _NDJSON

    def work() -> list[dict[str, Any]]:
        stated, packs = _facts(body, lines=has_lines), services.rulebooks.of(settings.rule_packs)
        if len(stated) > most:
            raise Problem("request.too-large", f"at most {most} sets of facts")
        return [_answer(packs, facts, moment or services.clock()) for facts in stated]

    answers = await run_sync(work, limiter=_TURNS)
    if _NDJSON in request.headers.get("accept", ""):
        return Response("".join(json.dumps(each, ensure_ascii=True) + "\n" for each in answers), media_type=_NDJSON)
    return Json(answers)


def _facts(body: bytes, *, lines: bool) -> list[Mapping[str, Any] | FactError]:
    """The sets of facts in a body. Raises Problem, which says where it is not as described."""
    try:
        return read_json_sets(body.decode("utf-8-sig"), lines=lines)
    except UnicodeDecodeError:
        why = "not UTF-8"
    except FactError as error:
        why = plain(error.message, limit=_SHOWN)
    raise Problem("request.invalid", errors=[{"pointer": "/body", "detail": why}])


def _answer(packs: RuleSet, facts: Mapping[str, Any] | FactError, at: datetime) -> dict[str, Any]:
    try:
        if isinstance(facts, FactError):
            raise facts
        return decision(*decide_stated(packs, facts, weigh, at))
    except FactError as error:
        return {"error": {"code": error.code, "message": plain(error.message, limit=_SHOWN)}}
