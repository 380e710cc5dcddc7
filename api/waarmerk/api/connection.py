# SPDX-License-Identifier: Apache-2.0
"""One connection: what uvicorn leaves open. A client has a bounded time for the head of a request, and for whatever it
sends after an answer; connections beyond a number are closed at once.

Without this, 500 clients that send half a head each hold 500 connections for as long as they like.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

HEAD_SECONDS = 30.0
MAX_CONNECTIONS = 2000


class BoundedConnection(H11Protocol):
    """HTTP/1.1 with a deadline for everything that is not the body of a request under way."""

    _due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Start the time for the first head, or close where there are too many already."""
        super().connection_made(transport)
        if len(self.connections) > MAX_CONNECTIONS:
            transport.abort()
            return
        self._start()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the time."""
        self._stop()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """Stop the time once a request is under way."""
        super().handle_events()
        if self._answering():
            self._stop()

    def on_response_complete(self) -> None:
        """Start the time for the rest of this request, and for the next."""
        super().on_response_complete()
        self._start()

    def _start(self) -> None:
        self._stop()
        self._due = self.loop.call_later(HEAD_SECONDS, self._strike)

    def _stop(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None

    def _strike(self) -> None:
        if not self._answering():
            self.transport.abort()

    def _answering(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle  # None until the first request, whatever its annotation says
        return cycle is not None and not cycle.response_complete
