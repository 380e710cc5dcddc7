# SPDX-License-Identifier: Apache-2.0
"""Errors of a request as ``application/problem+json`` (RFC 9457): our codes, never exception texts or paths.

A broken credential is not an error of the request; it is a report.
"""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

_MEDIA_TYPE = "application/problem+json"


class Problem(HTTPException):
    """A request that cannot be answered; ``code`` is one of ours (``source.what``)."""

    def __init__(self, status: HTTPStatus, code: str, detail: str) -> None:
        super().__init__(status_code=status, detail=detail)
        self.code = code


def problem(status: int, code: str, detail: str, errors: list[dict[str, str]] | None = None) -> JSONResponse:
    """The response for one problem."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
    }
    if errors:
        body["errors"] = errors
    return JSONResponse(body, status_code=status, media_type=_MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Make every error of ``app`` a problem document."""

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> JSONResponse:
        code = error.code if isinstance(error, Problem) else f"http.{error.status_code}"
        response = problem(error.status_code, code, str(error.detail))
        response.headers.update(error.headers or {})
        return response

    @app.exception_handler(RequestValidationError)
    async def on_invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        places = [
            {"pointer": "/" + "/".join(str(step) for step in each["loc"]), "detail": str(each["msg"])}
            for each in error.errors()
        ]
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "request.invalid", "the request is not as described", places)

    @app.exception_handler(Exception)
    async def on_fault(request: Request, error: Exception) -> JSONResponse:
        return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal.fault", "a fault in this service")
