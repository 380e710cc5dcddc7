# SPDX-License-Identifier: Apache-2.0
"""One connection: what uvicorn leaves open. A client has a bounded time for the head of a request, for whatever it
sends after an answer, and to take an answer; a head, and what may follow a body in chunks, has a bounded size, and so
have requests sent ahead; connections beyond a number are closed at once.

Without this, 500 clients that send half a head each, or do not read, hold 500 connections for as long as they like.
"""

import asyncio
from collections.abc import Callable
from typing import Any, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from waarmerk.api.trail import MAX_HEAD_BYTES

HEAD_SECONDS = 30.0
MAX_CONNECTIONS = 2000
_READ_BYTES = 256 * 2**10
MOST_AHEAD = 16  # requests that wait for the answer to an earlier one
_LEAST_TAKEN = 256 * 2**10  # bytes of an answer in HEAD_SECONDS, by whoever still reads it
_MOST_OFFERS = 8  # of another protocol, in one read: each has a head parsed twice


class _HeadWithBody:
    """The transport of one answer: its head leaves with the first piece of its body.

    Two writes are two calls of the system, and whoever waits for the answer is woken twice.
    """

    def __init__(self, cycle: RequestResponseCycle, closing: Callable[[], object]) -> None:
        """``closing`` is called when the connection is to be closed."""
        self._cycle = cycle
        self._closing = closing
        self._transport = cycle.transport
        self._head = b""
        self._begun = cycle.scope["method"] == "HEAD"  # of which nothing follows the head

    def write(self, data: bytes) -> None:
        """Write, or hold what is the head. Before the answer begins (``100 Continue``) nothing is held."""
        if self._cycle.response_started and not self._begun:
            self._head, self._begun = data, True
            return
        head, self._head = self._head, b""
        self._transport.write(head + data if head else data)

    def close(self) -> None:
        """Close once everything is written."""
        if self._head:
            self.write(b"")
        self._transport.close()
        self._closing()

    def is_closing(self) -> bool:
        """Whether the connection is gone, or about to be."""
        return self._transport.is_closing()


# What arrives is read into this, by one connection at a time: between ``get_buffer`` and the end of ``buffer_updated``
# nothing else runs. A new object for each piece took caches from the workers beside.
_ARRIVED = memoryview(bytearray(_READ_BYTES))


class BoundedConnection(HttpToolsProtocol, asyncio.BufferedProtocol):
    """HTTP/1.1 with a deadline for everything that is not the body of a request under way.

    The parser keeps a line of a head, or of the trailers of a body in chunks, until it ends, and knows no longest one.
    A whole head that is too long is refused with a problem document by ``trail.Trailing``; here are those without end.
    Of a request that offers another protocol (``Upgrade: h2c``, as Java's client does) it would drop the body: such a
    head is parsed again without the offer, which nobody here takes (RFC 9110, 7.8).
    """

    _due: asyncio.TimerHandle | None = None
    _in_head = True
    _moved = False  # since the last piece of data the parser has given something away
    _kept = 0  # bytes given to the parser since then
    _untaken = 0  # bytes of answers that nobody had taken when the time began

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

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the next piece of data goes."""
        return _ARRIVED

    def buffer_updated(self, nbytes: int) -> None:
        """A piece of data is there."""
        self.data_received(_ARRIVED[:nbytes])

    def data_received(self, data: bytes | memoryview) -> None:
        """Pass data to the parser, and refuse what it only collects."""
        self._unset_keepalive_if_required()
        self._moved = False
        try:
            self._parse(data)
        except HttpParserError:
            self._refuse()
            return
        self._kept = 0 if self._moved else self._kept + len(data)
        if self._kept > MAX_HEAD_BYTES and not self.transport.is_closing():
            self._refuse()

    def _parse(self, data: bytes | memoryview) -> None:
        left = memoryview(data)
        for _ in range(_MOST_OFFERS + 1):
            try:
                self.parser.feed_data(left)
            except HttpParserUpgrade as offer:
                left = left[offer.args[0] :]
            else:
                return
            self._decline()
        raise HttpParserError("one offer after another")

    def _decline(self) -> None:
        """Parse the head that was just read again, without what it offers."""
        if self.scope["method"] == "CONNECT":
            raise HttpParserError("no proxy")
        fields = ((name, value) for name, value in self.headers if name != b"upgrade")
        version, self.parser = self.parser.get_http_version(), HttpRequestParser(self)
        lines = [b"%s %s HTTP/%s" % (self.scope["method"].encode(), self.url, version.encode())]
        lines += [name + b": " + value for name, value in fields]
        self.parser.feed_data(b"\r\n".join(lines) + b"\r\n\r\n")

    def _refuse(self) -> None:
        self.logger.warning("invalid request")
        self.send_400_response("Invalid HTTP request received.")
        self._start()

    def on_message_begin(self) -> None:
        """A head begins."""
        self._in_head = True
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field of the head; one behind the body is nothing anybody asks for."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Stop the time once a request is under way."""
        self._in_head, self._moved = False, True
        if self.parser.should_upgrade():
            self.scope["method"] = self.parser.get_method().decode("ascii")
            return
        super().on_headers_complete()
        if len(self.pipeline) > MOST_AHEAD:
            raise HttpParserError("too many requests ahead")
        self.cycle.transport = cast(asyncio.Transport, _HeadWithBody(self.cycle, self._start))
        if self._answering():
            self._stop()

    def on_body(self, body: bytes) -> None:
        """Pass a piece of the body on: the first as it is, which uvicorn would copy twice, others behind it."""
        self._moved = True
        cycle: Any = self.cycle  # None until the first request
        if cycle is not None and not cycle.body:
            cycle.body = b""  # with bytes behind it that is those bytes
        elif cycle is not None and isinstance(cycle.body, bytes):
            cycle.body = bytearray(cycle.body)  # many small ones would be copied again and again
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A request has ended; what comes now is another."""
        self._moved = True
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Start the time for the rest of this request, and for the next."""
        super().on_response_complete()
        self._start()

    def _start(self) -> None:
        self._stop()
        self._untaken = self.transport.get_write_buffer_size()
        self._due = self.loop.call_later(HEAD_SECONDS, self._strike)

    def _stop(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None

    def _strike(self) -> None:
        """The time is over, unless an answer is under way, or one that is written is still being read."""
        if self._answering() and not self.transport.is_closing():
            return
        left = self.transport.get_write_buffer_size()
        if left and self._untaken - left >= _LEAST_TAKEN:
            self._start()
        else:
            self.transport.abort()

    def _answering(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle  # None until the first request, whatever its annotation says
        return cycle is not None and not cycle.response_complete
