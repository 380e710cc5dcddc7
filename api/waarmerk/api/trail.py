# SPDX-License-Identifier: Apache-2.0
"""What is known of one request while it runs, and the middleware that opens and closes its record.

Every answer carries ``X-Request-ID``: the caller's own where it has a plain form, the trace of a ``traceparent``
(W3C Trace Context) otherwise, else a new one.
"""

import asyncio
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fastapi import Request
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from waarmerk.api.journal import Journal
from waarmerk.api.metrics import Metrics
from waarmerk.api.problems import Problem
from waarmerk.provenance.errors import places
from waarmerk.provenance.model.moment import rfc3339

MAX_HEAD_BYTES = 16 * 1024
_GONE = 499  # in logs and counters alone, as several servers write it
_COME_AGAIN_SECONDS = 5
_LONGEST_TYPE = 100
_OWN_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_TRACE = re.compile(r"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_SAFE = {b"x-content-type-options": b"nosniff", b"cache-control": b"no-store", b"referrer-policy": b"no-referrer"}


@dataclass(slots=True, kw_only=True)
class Trail:
    """One request. A route adds what is worth counting: ``media_type``, ``verdict``; none of it names a file."""

    request_id: str
    bytes_in: int = 0
    media_type: str | None = None
    verdict: str | None = None
    code: str | None = None
    tenant: str | None = None
    headers: dict[str, str] = field(default_factory=dict)  # to be sent with the answer, whatever it is

    def note(self, report: dict[str, Any]) -> None:
        """Take from a report what may be counted: the type, and the class of the verdict."""
        media_type = report["asset"].get("media_type")
        self.media_type = None if media_type is None else media_type[:_LONGEST_TYPE]  # a file may write any
        self.verdict = f"{report['verdict']['origin']}/{report['verdict']['tier']}"
        error = report.get("error")
        self.code = error["code"] if error else self.code

    def missing_in(self, headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """What an answer with these headers is still to have; names are in lower case, as ASGI has them."""
        own = {name.lower().encode("latin-1"): value.encode("latin-1") for name, value in self.headers.items()}
        there = {name for name, _ in headers}
        others = [(name, value) for name, value in (_SAFE | own).items() if name not in there]
        return [(b"x-request-id", self.request_id.encode("latin-1")), *others]


def trail_of(request: Request) -> Trail:
    """The record of this request."""
    trail: Trail = request.scope["state"]["trail"]
    return trail


class Trailing:
    """ASGI middleware, the outermost: request id, size of the head, one line of log and the counters."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        journal: Journal,
        metrics: Metrics,
        clock: Callable[[], datetime],
        mint: Callable[[], str],
    ) -> None:
        self._app = app
        self._journal = journal
        self._metrics = metrics
        self._clock = clock
        self._mint = mint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; its record is closed on every path."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        trail = Trail(request_id=self._id(Headers(scope=scope)))
        scope.setdefault("state", {})["trail"] = trail
        began = asyncio.get_running_loop().time()
        status = 0

        async def told(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *trail.missing_in(message["headers"])]
            await send(message)

        try:
            with self._metrics.running():
                await self._within_head(scope, receive, told)
        except asyncio.CancelledError:  # the service ends, and this request has had its time
            if status:  # the answer is cut short, which the caller can see
                raise
            ending = Problem("service.stopping", headers={"Connection": "close"}, retry_after=_COME_AGAIN_SECONDS)
            await ending.response(Request(scope))(scope, receive, told)
        except ClientDisconnect:  # whoever asked has gone: no fault, and nobody to answer
            status = status or _GONE
        except Exception as fault:
            self._journal.write(
                at=rfc3339(self._clock()),
                event="fault",
                request_id=trail.request_id,
                where=f"{type(fault).__name__} at {places(fault)}",
            )
            if not status:  # else the answer is cut short, which the caller can see
                await Problem("internal.fault").response(Request(scope))(scope, receive, told)
        finally:
            self._close(scope, trail, status, asyncio.get_running_loop().time() - began)

    async def _within_head(self, scope: Scope, receive: Receive, send: Send) -> None:
        if _head_bytes(scope) > MAX_HEAD_BYTES:
            refused = Problem("request.head-too-large", headers={"Connection": "close"})
            await refused.response(Request(scope))(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _id(self, headers: Headers) -> str:
        own = headers.get("x-request-id", "")
        if _OWN_ID.fullmatch(own):
            return own
        trace = _TRACE.fullmatch(headers.get("traceparent", ""))
        return trace[1] if trace else self._mint()

    def _close(self, scope: Scope, trail: Trail, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "-")
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._metrics.answered(route=route, method=method, status=status, seconds=seconds, size=trail.bytes_in)
        self._journal.write(
            at=rfc3339(self._clock()),
            event="request",
            request_id=trail.request_id,
            tenant=trail.tenant,
            method=method,
            route=route,
            status=status,
            bytes=trail.bytes_in,
            media_type=trail.media_type,
            verdict=trail.verdict,
            ms=round(seconds * 1000),
            code=trail.code,
        )


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})


def _head_bytes(scope: Scope) -> int:
    fields = sum(len(name) + len(value) + 4 for name, value in scope["headers"])
    return fields + len(scope.get("raw_path") or b"") + len(scope["query_string"])
