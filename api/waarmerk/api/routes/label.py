# SPDX-License-Identifier: Apache-2.0
"""``POST /v1/label``: what ``waarmerk label`` does to one picture, with the keys of the tenant who asks."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from waarmerk.api.auth import Caller, Scope, open_to
from waarmerk.api.moments import AT, given_moment
from waarmerk.api.problems import Problem, pointer
from waarmerk.api.schemas import report_schema
from waarmerk.api.services import Services, services_of
from waarmerk.api.spool import Upload, received
from waarmerk.api.tenants import Tenant
from waarmerk.api.trail import trail_of
from waarmerk.api.wire import Json
from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.jobs.labelling import LabelDone, LabelOrder, label_apart
from waarmerk.provenance.report.wording import wording

router = APIRouter(tags=["label"])

_PARTS = 12
_MIXED = "multipart/mixed"
_TEXT = 200  # characters of a title or the name of a tool
_OURS = ("label.", "labelling.")  # codes of what the caller asked for; all others are about the tenant's keys


class Wishes(BaseModel):
    """The fields of the form beside `file`; what they mean is what the options of `waarmerk label` mean."""

    model_config = ConfigDict(extra="forbid")

    ai: Literal["generated", "modified", "none"] = Field(description="What AI did, as you declare")
    tool: str | None = Field(default=None, max_length=_TEXT, description="The AI system, as its maker calls it")
    tool_version: str | None = Field(default=None, max_length=_TEXT)
    title: str | None = Field(default=None, max_length=_TEXT, description="A title that stays in the file")
    visible: Literal["auto", "none", "top-left", "top-right", "bottom-left", "bottom-right"] = "auto"
    label_lang: str = Field(default="en", max_length=40, description="One language or two, e.g. nl,en")
    allow_partial: bool = Field(default=False, description="Go on where a layer cannot be written, and say which")
    despite_traces: bool = Field(default=False, description="With ai=none: the metadata name a generator; you know why")
    platforms: str = Field(default="", alias="for", max_length=_TEXT, description="Where it will be published")
    context: str = Field(default="{}", max_length=4096, description="Facts a file cannot tell: an object of JSON")

    def facts(self) -> dict[str, Any]:
        """The facts that were given. Raises Problem."""
        try:
            told = json.loads(self.context)
        except (ValueError, RecursionError):
            told = None
        if not isinstance(told, dict):
            raise Problem("request.invalid", errors=[{"pointer": "/body/context", "detail": "an object of JSON"}])
        return told

    def plain(self) -> dict[str, Any]:
        """The same in the words of the library."""
        corner = {"auto": "top-right", "none": None}.get(self.visible, self.visible)
        languages = [part.strip() for part in self.label_lang.split(",") if part.strip()]
        same = ("tool", "tool_version", "title", "allow_partial", "despite_traces")
        return {
            **{name: getattr(self, name) for name in same},
            "says": self.ai,
            "corner": corner,
            "languages": languages,
        }


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
        "media_type": text,
        "sha256": text,
        "bytes": {"type": "integer"},
        "layers": texts,
        "gaps": texts,
        "losses": coded,
        "notes": coded,
        "personal": texts,
        "words": maybe,
        "payload": maybe,
        "registered": maybe,
        "unregistered": maybe,
        "remaining": {"type": "array", "items": owed, "description": "What the rules still ask of you"},
        "report": report_schema(),
    }
    return {"type": "object", "properties": properties, "required": [name for name in properties if name != "content"]}


@router.post(
    "/v1/label",
    summary="Label one picture with your own keys",
    responses={
        200: {
            "description": "The labelled file, what became of each layer, and what you still owe",
            "content": {"application/json": {"schema": _answer()}, _MIXED: {"schema": {"type": "string"}}},
        }
    },
    response_class=Response,
    openapi_extra={"requestBody": _body()},
)
async def label(
    request: Request,
    caller: Annotated[Caller, Depends(open_to(Scope.LABEL))],
    at: Annotated[str | None, AT] = None,
) -> Response:
    """Watermark, visible label, metadata, signed credentials, ledger and registry, in one call.

    The file comes back in `content`, or as the second part for `Accept: multipart/mixed`. It is kept nowhere;
    ledger and registry remember what they need to know it again. What cannot be labelled as asked is refused.
    """
    services, moment = services_of(request), given_moment(at)
    moment = moment or services.clock().replace(microsecond=0)
    tenant = caller.tenant
    if tenant is None or tenant.signing is None:
        raise Problem("tenant.not-configured", "this tenant has no keys to sign with")
    async with received(request, max_parts=_PARTS) as upload:
        order = _order(services, tenant, upload, _wishes(upload), moment)
        done = await services.gate.run(lambda: _done(services, tenant, order), stranger=False)
    if done.data is None:
        raise _refusal(done)
    trail_of(request).note(done.told["report"])
    return _response(request, done.data, done.told)


def _wishes(upload: Upload) -> Wishes:
    try:
        return Wishes.model_validate(upload.fields)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        places = [{"pointer": pointer(("body", *each["loc"])), "detail": str(each["msg"])} for each in faults]
        raise Problem("request.invalid", errors=places) from None


def _order(services: Services, tenant: Tenant, upload: Upload, wishes: Wishes, at: datetime) -> LabelOrder:
    """What is to be done. Only a registry of the tenant's own is written into."""
    base, facts = tenant.profile(services.settings), wishes.facts()
    platforms = tuple(part.strip() for part in wishes.platforms.split(",") if part.strip())
    settings = replace(base, context=(*base.context, facts), platforms=platforms or base.platforms)
    own: Mapping[str, Any] = tenant.settings
    registry = settings.registry if own.get("registry") and settings.ledger is not None else None
    return LabelOrder(source=upload.path, at=at, settings=settings, registry=registry, wishes=wishes.plain())


def _done(services: Services, tenant: Tenant, order: LabelOrder) -> LabelDone:
    from waarmerk.provenance.credentials.signing_folder import load_folder  # noqa: PLC0415 - only labelling pays

    try:
        signer = load_folder(tenant.signing) if tenant.signing is not None else None
        if signer is None:
            raise Problem("tenant.not-configured")
        done = label_apart(order, signer)
    except ConfigurationError as error:
        if error.code.startswith(_OURS):
            place = {"pointer": "/body", "detail": _sentence(error)}
            raise Problem("request.invalid", errors=[place]) from None
        raise Problem(
            "service.not-ready", f"the keys or settings of this tenant cannot be used: {error.code}"
        ) from None
    if done.data is not None and services.audit is not None:
        record = {"at": done.told["report"]["at"], "says": order.wishes["says"], "layers": done.told["layers"]}
        record |= {"sha256": hashlib.sha256(done.data).hexdigest(), "tenant": tenant.name}
        services.audit.write("label.made", record, tenant=tenant.name, keep=timedelta(days=tenant.keep_days))
    return done


def _sentence(error: ConfigurationError) -> str:
    from waarmerk.provenance.report.escape import plain  # noqa: PLC0415 - as above

    return plain(error.message, limit=_TEXT)


def _refusal(done: LabelDone) -> Problem:
    """Why there is no labelled file."""
    words, code = wording("en"), str(done.code)
    if code == "internal.fault":
        return Problem("internal.fault")
    if code in ("worker.answer", "worker.crashed", "worker.timeout", "worker.memory"):
        return Problem("label.failed", code)
    codes = (code, *done.gaps)
    section = "label" if done.is_refused else "fault"
    places = [
        {"pointer": "/body/file", "detail": f"{each}: {words.say(section, each)}" if words.has(section, each) else each}
        for each in codes
    ]
    return Problem("label.refused" if done.is_refused else "label.unreadable", errors=places)


def _response(request: Request, data: bytes, told: dict[str, Any]) -> Response:
    media_type = told["report"]["asset"]["media_type"]
    about = {"media_type": media_type, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data), **told}
    if _MIXED not in request.headers.get("accept", ""):
        return Json({"content": base64.b64encode(data).decode("ascii"), **about})
    text = json.dumps(about, ensure_ascii=True).encode("ascii")
    boundary = hashlib.sha256(text + data).hexdigest()[:32]  # what holds its own digest has yet to be seen
    parts = ((b"application/json", text), (str(media_type).encode("ascii"), data))
    whole = b"".join(
        b"--%s\r\nContent-Type: %s\r\n\r\n%s\r\n" % (boundary.encode(), kind, part) for kind, part in parts
    )
    return Response(whole + b"--%s--\r\n" % boundary.encode(), media_type=f"{_MIXED}; boundary={boundary}")
