# SPDX-License-Identifier: Apache-2.0
"""Limits that act while a body streams in, before any of it is kept whole. Content-Length is a hint, not a promise."""

from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from waarmerk.api.problems import Problem

MAX_BODY_BYTES = 512 * 2**20 + 64 * 2**10  # the largest file of media/limits.py and the frame around it


class BodyTooLarge(Problem):
    """More bytes than any file may have."""

    def __init__(self, max_bytes: int) -> None:
        super().__init__(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "request.too-large", f"the body is larger than {max_bytes} bytes"
        )


class LimitBody:
    """ASGI middleware: refuse a body beyond ``max_bytes`` at the byte that goes too far."""

    def __init__(self, app: ASGIApp, *, max_bytes: int = MAX_BODY_BYTES) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its body counted."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._max_bytes:
                raise BodyTooLarge(self._max_bytes)
            return message

        await self._app(scope, counted, send)
