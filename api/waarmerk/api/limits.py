# SPDX-License-Identifier: Apache-2.0
"""Limits that act while a body streams in, before any of it is kept whole. Content-Length is a hint, not a promise."""

import asyncio
from dataclasses import dataclass

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from waarmerk.api.gate import Gate
from waarmerk.api.in_time import in_time
from waarmerk.api.problems import BodyProblem


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyLimits:
    """What a body may cost.

    A body has ``seconds`` to arrive and one more for each ``bytes_per_second`` it has delivered, so that a large file
    over a fair line comes through and a drip does not. Each piece of the answer has ``seconds`` to be taken.
    """

    max_bytes: int = 512 * 2**20 + 64 * 2**10  # the largest file of media/limits.py and the frame around it
    seconds: float = 30.0
    bytes_per_second: int = 4 * 2**20


class LimitBody:
    """ASGI middleware: refuse a body at the byte that goes too far, or at the moment it takes too long."""

    def __init__(self, app: ASGIApp, *, limits: BodyLimits, gate: Gate) -> None:
        self._app = app
        self._limits = limits
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its body counted and timed."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limits, trail = self._limits, scope["state"]["trail"]
        clock = asyncio.get_running_loop().time
        began = clock()
        ended = False

        async def counted() -> Message:
            nonlocal ended
            if ended:  # what comes now is a disconnect, however late
                return await receive()
            due = began + limits.seconds + trail.bytes_in / limits.bytes_per_second
            try:
                message = await in_time(receive(), due)
            except TimeoutError:
                raise BodyProblem("request.too-slow", f"{trail.bytes_in} bytes came in time") from None
            size = len(message.get("body", b""))
            ended = not message.get("more_body", False)
            trail.bytes_in += size
            self._gate.hold(size)
            if trail.bytes_in > limits.max_bytes:
                raise BodyProblem("request.too-large", f"the body is larger than {limits.max_bytes} bytes")
            return message

        async def timed(message: Message) -> None:
            try:
                await in_time(send(message), clock() + limits.seconds)  # who does not read holds it in memory
            except TimeoutError:
                raise ClientDisconnect from None

        try:
            await self._app(scope, counted, timed)
        finally:
            self._gate.let_go(trail.bytes_in)
