# SPDX-License-Identifier: Apache-2.0
"""``POST /v1/label``: what ``waarmerk label`` does to one picture or clip, with the keys of the tenant who asks."""

import base64
import hashlib
import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request, Response

from waarmerk.api.auth import open_to
from waarmerk.api.caller import Caller
from waarmerk.api.label_jobs import is_long, labelled_now, submitted
from waarmerk.api.labelling import Wishes, order_of, refusal, wishes_of
from waarmerk.api.moments import AT, given_moment
from waarmerk.api.problems import Problem
from waarmerk.api.routes.jobs import JobDocument, accepted, asks_later
from waarmerk.api.schemas import report_schema
from waarmerk.api.services import services_of
from waarmerk.api.spool import received
from waarmerk.api.tenants import Scope
from waarmerk.api.trail import trail_of
from waarmerk.api.wire import Json
from waarmerk.provenance.jobs.labelling import LabelDone

router = APIRouter(tags=["label"])

_PARTS = 16
_MIXED = "multipart/mixed"
_SIDECAR = "application/c2pa"
_IN_PARTS = ("content", "sidecar")  # parts of their own in a multipart answer


def _body() -> dict[str, Any]:
    schema = Wishes.model_json_schema()
    file = {"type": "string", "contentMediaType": "application/octet-stream"}
    properties = {"file": file, **schema["properties"]}
    form = {"type": "object", "required": ["file", "ai"], "properties": properties, "additionalProperties": False}
    return {"required": True, "content": {"multipart/form-data": {"schema": form}}}


def _answer() -> dict[str, Any]:
    text, texts = {"type": "string"}, {"type": "array", "items": {"type": "string"}}
    maybe = {"type": ["string", "null"]}
    coded = {"type": "array", "items": {"type": "object", "properties": {"code": text, "about": text}}}
    duty = report_schema()["properties"]["labels"]["items"]
    owed = {**duty, "properties": {**duty["properties"], "met": {"type": "boolean"}}}
    properties = {
        "content": {"type": "string", "contentEncoding": "base64"},
        "sidecar": {**maybe, "contentEncoding": "base64", "description": "The credentials, where asked for as a file"},
        "media_type": text,
        "sha256": text,
        "bytes": {"type": "integer"},
        "layers": texts,
        "gaps": texts,
        "losses": coded,
        "notes": coded,
        "personal": texts,
        "words": maybe,
        "corner": {**maybe, "description": "Where the visible label stands; of `auto`, which corner was chosen"},
        "on_detail": {
            "type": "boolean",
            "description": "Of `auto`: every corner has letters or other detail, and the label covers some of it",
        },
        "payload": maybe,
        "registered": maybe,
        "unregistered": maybe,
        "remaining": {"type": "array", "items": owed, "description": "What the rules still ask of you"},
        "report": report_schema(),
    }
    return {
        "type": "object",
        "properties": properties,
        "required": [each for each in properties if each not in _IN_PARTS],
    }


@router.post(
    "/v1/label",
    summary="Label one picture or clip with your own keys",
    responses={
        200: {
            "description": "The labelled file, what became of each layer, and what you still owe",
            "content": {"application/json": {"schema": _answer()}, _MIXED: {"schema": {"type": "string"}}},
        },
        202: {"model": JobDocument, "description": "A long clip: `Location` says where it will be"},
    },
    response_class=Response,
    openapi_extra={"requestBody": _body()},
)
async def label(
    request: Request,
    caller: Annotated[Caller, Depends(open_to(Scope.LABEL))],
    at: Annotated[str | None, AT] = None,
    prefer: Annotated[str | None, Header(description="`respond-async` (RFC 7240): answer at once, with a job")] = None,
) -> Response:
    """Watermark, visible label, metadata, signed credentials, ledger and registry, in one call.

    The file comes back in `content`, or as the second part for `Accept: multipart/mixed`; credentials that were asked
    for beside it in `sidecar`, or as the third. It is kept nowhere;
    ledger and registry remember what they need to know it again. What cannot be labelled as asked is refused.

    A clip that takes longer than callers wait becomes a job, as with `/v1/verify`: 202, or 200 with the job where the
    same clip was labelled under the same wishes within a day. What was labelled waits there until then.
    """
    services, given = services_of(request), given_moment(at)
    moment = given or services.clock().replace(microsecond=0)
    tenant = caller.tenant
    if tenant is None or tenant.signing is None:
        raise Problem("tenant.not-configured", "this tenant has no keys to sign with")
    async with received(request, max_parts=_PARTS) as upload:
        wishes = wishes_of(upload.fields)

        if services.label_work is not None and (asks_later(prefer) or is_long(upload)):
            return accepted(await submitted(request, tenant, upload, wishes, given))
        order = order_of(services, tenant, upload.path, wishes, moment)
        with await labelled_now(services, tenant, order) as done:
            if done.takes_long and services.label_work is not None:
                return accepted(await submitted(request, tenant, upload, wishes, given))
            if done.file is None:
                raise refusal(str(done.code), done.gaps, is_refused=done.is_refused)
            trail_of(request).note(done.told["report"])
            return _response(request, done)


def _response(request: Request, done: LabelDone) -> Response:
    media_type, about = done.told["media_type"], done.told
    data = b"" if done.file is None else done.file.read()
    beside = None if done.beside is None else done.beside.read()
    if _MIXED not in request.headers.get("accept", ""):
        sidecar = None if beside is None else base64.b64encode(beside).decode("ascii")
        return Json({"content": base64.b64encode(data).decode("ascii"), "sidecar": sidecar, **about})
    text = json.dumps(about, ensure_ascii=True).encode("ascii")
    boundary = hashlib.sha256(text + data).hexdigest()[:32]  # what holds its own digest has yet to be seen
    parts = [(b"application/json", text), (str(media_type).encode("ascii"), data)]
    parts += [] if beside is None else [(_SIDECAR.encode("ascii"), beside)]
    whole = b"".join(
        b"--%s\r\nContent-Type: %s\r\n\r\n%s\r\n" % (boundary.encode(), kind, part) for kind, part in parts
    )
    return Response(whole + b"--%s--\r\n" % boundary.encode(), media_type=f"{_MIXED}; boundary={boundary}")
