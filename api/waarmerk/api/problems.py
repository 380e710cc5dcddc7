# SPDX-License-Identifier: Apache-2.0
"""Errors of a request as ``application/problem+json`` (RFC 9457): our codes, never exception texts or paths.

Every code that can be answered stands in ``KINDS``, with its status and the title that never changes; ``type`` is the
address under which this service explains it (``/problems/CODE``). A broken credential is not an error of the request;
it is a report.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from waarmerk.api.wire import Json

MEDIA_TYPE = "application/problem+json"

KINDS: Mapping[str, tuple[HTTPStatus, str]] = {
    "request.form": (HTTPStatus.BAD_REQUEST, "The multipart body cannot be read"),
    "request.no-file": (HTTPStatus.BAD_REQUEST, "There is no file in the request"),
    "request.too-slow": (HTTPStatus.REQUEST_TIMEOUT, "The body did not arrive in time"),
    "request.too-large": (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is too large"),
    "request.head-too-large": (HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The header of the request is too large"),
    "request.invalid": (HTTPStatus.UNPROCESSABLE_ENTITY, "The request is not as described"),
    "tenant.not-configured": (HTTPStatus.CONFLICT, "This tenant was set up without what this needs"),
    "resolution.absent": (HTTPStatus.NOT_FOUND, "There is no registry here"),
    "dispute.unknown": (HTTPStatus.NOT_FOUND, "There is no such dispute"),
    "dispute.answered": (HTTPStatus.CONFLICT, "This dispute was answered already"),
    "registry.withdrawn": (HTTPStatus.CONFLICT, "This entry was withdrawn"),
    "registry.unknown": (HTTPStatus.NOT_FOUND, "There is no such entry"),
    "label.refused": (HTTPStatus.UNPROCESSABLE_ENTITY, "The file is not labelled as asked"),
    "label.unreadable": (HTTPStatus.UNPROCESSABLE_ENTITY, "The file cannot be read"),
    "label.failed": (HTTPStatus.UNPROCESSABLE_ENTITY, "The process that labelled the file did not end well"),
    "resolution.invalid": (HTTPStatus.BAD_REQUEST, "The query cannot be used"),
    "resolution.too-long": (HTTPStatus.REQUEST_URI_TOO_LONG, "This value is too long for an address; send it by POST"),
    "resolution.type": (HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Files of this type are not looked up"),
    "resolution.unknown": (HTTPStatus.NOT_FOUND, "There is no such manifest"),
    "auth.missing": (HTTPStatus.UNAUTHORIZED, "This needs a key"),
    "auth.unknown-key": (HTTPStatus.UNAUTHORIZED, "The key is not known"),
    "auth.forbidden": (HTTPStatus.FORBIDDEN, "The key does not allow this"),
    "auth.token": (HTTPStatus.FORBIDDEN, "The form does not carry the token of this visit"),
    "label.gone": (HTTPStatus.NOT_FOUND, "The labelled file is no longer here"),
    "label.absent": (HTTPStatus.NOT_FOUND, "There is no such labelled file, not yet or no longer"),
    "quota.exceeded": (HTTPStatus.TOO_MANY_REQUESTS, "Too many requests"),
    "job.unknown": (HTTPStatus.NOT_FOUND, "There is no such job"),
    "batch.unknown": (HTTPStatus.NOT_FOUND, "There is no such batch"),
    "batch.too-many": (HTTPStatus.UNPROCESSABLE_ENTITY, "A batch has at most 10,000 lines of 45 MiB"),
    "idempotency.in-flight": (HTTPStatus.CONFLICT, "The first request with this key is still under way"),
    "idempotency.other-body": (HTTPStatus.UNPROCESSABLE_ENTITY, "This key was used with another body"),
    "service.busy": (HTTPStatus.TOO_MANY_REQUESTS, "All workers are busy"),
    "service.full": (HTTPStatus.SERVICE_UNAVAILABLE, "No room for more uploads now"),
    "service.stopping": (HTTPStatus.SERVICE_UNAVAILABLE, "This service is ending; send the request again"),
    "service.not-ready": (HTTPStatus.SERVICE_UNAVAILABLE, "Something this service needs is not there"),
    "service.not-configured": (HTTPStatus.NOT_IMPLEMENTED, "This service was started without what this needs"),
    "internal.fault": (HTTPStatus.INTERNAL_SERVER_ERROR, "A fault in this service"),
}

# What the title does not say; in braces the limits of the service that is asked.
EXPLAINED: Mapping[str, str] = {
    "request.form": "A form (multipart/form-data) has one file, in the field `file`, and few other fields of at most "
    "1 MiB each; `detail` of the problem says what was wrong. Send each file in its own request, or all as a batch.",
    "request.too-large": "A request may have {body} here. Of files, pictures and documents may have {image}, clips and "
    "sound {video}. Bodies of JSON may have less: `POST /v1/decide` 64 KiB and 100 sets of facts, with a key 2 MiB and "
    "2,000.",
    "request.too-slow": "A body has {seconds} seconds to arrive, and one more for each {pace} that has arrived.",
    "request.head-too-large": "The header of a request, with its address, may have {head} KiB.",
    "request.invalid": "`errors` of the problem says where (a JSON pointer) and what was expected.",
    "batch.too-many": "Split the batch. A line has the file in base64, so that a file may have 32 MiB.",
    "quota.exceeded": "`RateLimit-*` count down, and `Retry-After` says after how many seconds to come again.",
    "service.busy": "As many files wait as can be examined in fair time. Come again after `Retry-After` seconds, or "
    "send `Prefer: respond-async` and fetch the report later.",
    "service.full": "The uploads under way fill the room there is. Come again later, with smaller files if you can.",
    "service.stopping": "It was told to end, as for an update, and this request was not done in time. Send it again "
    "after `Retry-After` seconds.",
    "service.not-ready": "Its database, its registry, its disk, a key or a trust list is in the way; `/readyz` tells "
    "operators which.",
    "dispute.answered": "A dispute is answered once. Nothing was changed by this answer.",
}


class Problem(HTTPException):
    """A request that cannot be answered; ``code`` is one of ``KINDS``, ``errors`` say where (JSON pointers)."""

    def __init__(
        self,
        code: str,
        detail: str | None = None,
        *,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        retry_after: int | None = None,
    ) -> None:
        """``detail`` is for the caller and holds nothing of a file; ``retry_after`` is in seconds."""
        status, title = KINDS[code]
        told = dict(headers or {})
        if retry_after is not None:
            told["Retry-After"] = str(max(1, retry_after))
        super().__init__(status_code=status, detail=detail or title, headers=told)
        self.code = code
        self.errors = tuple(errors)

    def response(self, request: Request) -> Json:
        """The problem document of this request."""
        return _document(request, self.code, str(self.detail), self.errors, self.headers)


def not_ready(request: Request) -> Json:
    """The answer where the database cannot be reached."""
    return Problem("service.not-ready", retry_after=5).response(request)


class BodyProblem(Problem):
    """A problem with a body that still arrives; the connection is of no further use."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code, detail, headers={"Connection": "close"})


SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "description": "RFC 9457",
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance", "code", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string", "format": "uri-reference"},
        "code": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}

# For ``responses=`` of a router: whatever is not a success is a problem document.
RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": {"description": "A problem (RFC 9457)", "content": {MEDIA_TYPE: {"schema": SCHEMA}}}
}


class PlainErrors(APIRoute):
    """A route of an interface that others wrote: its errors are ``{"error": text}``, what cannot be used is 400."""


PLAIN_SCHEMA: dict[str, Any] = {"title": "Error", "type": "object", "properties": {"error": {"type": "string"}}}


def install(app: FastAPI) -> None:
    """Make every error of ``app`` a problem document; faults of ours are told by ``trail.Trailing``."""

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> Json:
        if isinstance(error, Problem):
            return error.response(request)
        return _document(request, f"http.{error.status_code}", _phrase(error.status_code), (), error.headers)

    @app.exception_handler(RequestValidationError)
    async def on_invalid(request: Request, error: RequestValidationError) -> Json:
        places = [{"pointer": pointer(each["loc"]), "detail": str(each["msg"])} for each in error.errors()]
        return Problem("request.invalid", errors=places).response(request)


def pointer(steps: Sequence[Any]) -> str:
    """A JSON pointer (RFC 6901) to where it went wrong; the first step says whether in body, query, path or header."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase


def _document(
    request: Request,
    code: str,
    detail: str,
    errors: Sequence[Mapping[str, str]],
    headers: Mapping[str, str] | None,
) -> Json:
    is_plain = isinstance(request.scope.get("route"), PlainErrors)
    if is_plain and code == "request.invalid":
        code = "resolution.invalid"
    status, title = KINDS[code] if code in KINDS else (int(code.partition(".")[2]), None)
    trail = request.scope.get("state", {}).get("trail")
    body: dict[str, Any] = {
        "type": f"/problems/{code}",
        "title": title or _phrase(status),
        "status": int(status),
        "detail": detail,
        "instance": request.scope.get("raw_path", b"/").decode("ascii", "replace"),
        "code": code,
        "request_id": "" if trail is None else trail.request_id,
    }
    if errors:
        body["errors"] = [dict(each) for each in errors]
    if trail is not None:
        trail.code = code
    if is_plain:
        where = "; ".join(f"{each['pointer']}: {each['detail']}" for each in errors)
        return Json({"error": where or detail}, status_code=int(status), headers=dict(headers or {}))
    return Json(body, status_code=int(status), media_type=MEDIA_TYPE, headers=dict(headers or {}))
