# SPDX-License-Identifier: Apache-2.0
"""Requests that offer another protocol, many in one read: as costly as others, or refused."""

import asyncio
import socket
import tracemalloc
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop
from uvicorn import Config
from uvicorn.server import ServerState

from waarmerk.api import connection
from waarmerk.api.connection import BoundedConnection

OFFER = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n"
BODY = b"POST /b HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 3\r\n\r\nabc"


class _Wire(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.is_closed, self.sent, self.writes = False, b"", 0

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default

    def write(self, data: Any) -> None:
        self.sent += bytes(data)
        self.writes += 1

    def is_closing(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        self.is_closed = True

    abort = close

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        """The service answers later; nothing more is sent here."""

    resume_reading = pause_reading


def served(data: bytes, pieces: int = 10**6) -> tuple[list[tuple[str, bytes]], _Wire, bool, int]:
    """What was asked, with the bodies; the wire, and whether it was closed; the most bytes that reading took."""
    asked: list[tuple[str, bytes]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while (message := await receive())["type"] == "http.request":
            body += message["body"]
            if not message["more_body"]:
                break
        asked.append((scope["path"], body))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def talk() -> tuple[_Wire, bool, int]:
        config = Config(app, http=BoundedConnection, log_level="critical")
        config.load()
        connection, wire = BoundedConnection(config=config, server_state=ServerState(), app_state={}), _Wire()
        connection.connection_made(wire)
        tracemalloc.start()
        for at in range(0, len(data), pieces):
            connection.data_received(data[at : at + pieces])
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        for _ in range(100):
            await asyncio.sleep(0)
        was_closed = wire.is_closed
        connection.connection_lost(None)
        return wire, was_closed, most

    return asked, *asyncio.run(talk())


@pytest.mark.parametrize("pieces", [1, 7, 10**6])
def test_requests_behind_each_other_that_offer_another_protocol_are_all_served(pieces: int) -> None:
    asked, wire, was_closed, _ = served(OFFER + BODY + OFFER, pieces)
    assert asked == [("/", b""), ("/b", b"abc"), ("/", b"")]
    assert (wire.sent.count(b"HTTP/1.1 204"), was_closed) == (3, False)


def test_thousands_of_offers_in_one_read_are_refused_before_they_cost_anything() -> None:
    _, wire, was_closed, most = served(OFFER * 4000)
    assert (b"HTTP/1.1 400" in wire.sent, was_closed) == (True, True)
    assert most < 2**20


@pytest.mark.parametrize("request_", [b"GET / HTTP/1.1\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\nx"])
def test_thousands_of_requests_behind_each_other_in_one_read_are_refused(request_: bytes) -> None:
    """Each is an object of 2 kB before anybody looks at it; nothing that people use sends more than a few ahead."""
    _, wire, was_closed, most = served(request_ * 6000)
    assert (b"HTTP/1.1 400" in wire.sent, was_closed) == (True, True)
    assert most < 2**20
    few = connection.MOST_AHEAD + 1
    asked, wire, was_closed, _ = served(request_ * few)
    assert (len(asked), wire.sent.count(b"HTTP/1.1 204"), was_closed) == (few, few, False)


def test_nobody_is_a_proxy_here() -> None:
    asked, wire, was_closed, _ = served(b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n")
    assert (asked, b"HTTP/1.1 400" in wire.sent, was_closed) == ([], True, True)


def answered(method: bytes, messages: list[dict[str, Any]], *, fails: bool = False) -> _Wire:
    """What is written for these messages of the application, which may fail after them."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)
        if fails:
            raise ValueError

    async def talk() -> _Wire:
        config = Config(app, http=BoundedConnection, log_level="critical")
        config.load()
        connection, wire = BoundedConnection(config=config, server_state=ServerState(), app_state={}), _Wire()
        connection.connection_made(wire)
        connection.data_received(method + b" / HTTP/1.1\r\nHost: a\r\n\r\n")
        for _ in range(100):
            await asyncio.sleep(0)
        was_closed = wire.is_closed
        connection.connection_lost(None)
        wire.is_closed = was_closed
        return wire

    return asyncio.run(talk())


def start(*headers: tuple[bytes, bytes], status: int = 200) -> dict[str, Any]:
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def body(data: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": data, "more_body": more}


def test_an_answer_leaves_in_one_write() -> None:
    wire = answered(b"GET", [start((b"content-length", b"2")), body(b"ab")])
    assert wire.writes == 1
    assert wire.sent.startswith(b"HTTP/1.1 200 OK\r\n")
    assert wire.sent.endswith(b"\r\n\r\nab")


def test_an_answer_in_pieces_begins_with_its_head_and_waits_for_no_more() -> None:
    wire = answered(b"GET", [start(), body(b"ab", more=True), body(b"c", more=True), body(b"")])
    assert wire.writes == 3
    assert wire.sent.endswith(b"\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n")


@pytest.mark.parametrize(
    ("method", "status", "length"),
    [(b"HEAD", 200, b"5"), (b"GET", 204, None), (b"GET", 304, None), (b"GET", 200, b"0")],
)
def test_a_head_without_a_body_leaves_all_the_same(method: bytes, status: int, length: bytes | None) -> None:
    headers = [] if length is None else [(b"content-length", length)]
    wire = answered(method, [start(*headers, status=status), body(b"")])
    assert wire.sent.startswith(b"HTTP/1.1 %d" % status)
    assert wire.sent.endswith(b"\r\n\r\n")
    assert not wire.is_closed


def test_an_answer_that_breaks_off_after_its_head_is_seen_to_break_off() -> None:
    wire = answered(b"GET", [start((b"content-length", b"5"))], fails=True)
    assert wire.sent.endswith(b"content-length: 5\r\n\r\n")
    assert wire.is_closed


def upload(pieces: list[bytes], head: bytes) -> bytes:
    """The body that an application was given, with the head and each piece read on its own into the common buffer."""
    whole: list[bytes] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for _ in range(len(pieces) // 3):  # some pieces are there before anybody asks
            await asyncio.sleep(0)
        body, more = [], True
        while more:
            message = await receive()
            assert isinstance(message["body"], bytes)
            body.append(message["body"])
            more = message.get("more_body", False)
        whole.append(b"".join(body))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def talk() -> None:
        config = Config(app, http=BoundedConnection, log_level="critical")
        config.load()
        connection, other = (BoundedConnection(config, ServerState(), {}) for _ in range(2))
        for each in (connection, other):
            each.connection_made(_Wire())
        for piece in (head, *pieces):
            for each, data in ((connection, piece), (other, b"GET / HTTP/1.1\r\n")):  # whose head never ends
                buffer = each.get_buffer(-1)
                buffer[: len(data)] = data
                each.buffer_updated(len(data))
            await asyncio.sleep(0)
        while not whole:
            await asyncio.sleep(0)
        connection.connection_lost(None)
        other.connection_lost(None)

    asyncio.run(talk())
    return whole[0]


@pytest.mark.parametrize("size", [1, 100, 70_000, 250_000])
def test_a_body_is_whole_in_however_many_pieces_it_comes(size: int) -> None:
    body = bytes(number * 7 % 251 for number in range(1 if size == 1 else 300_000))
    pieces = [body[at : at + size] for at in range(0, len(body), size)][:400]
    sent = b"".join(pieces)
    head = b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(sent)
    assert upload(pieces, head) == sent


def test_many_small_chunks_in_one_read_are_not_copied_again_and_again() -> None:
    chunks, end = [b"1\r\nx\r\n" * 40_000] * 3, b"0\r\n\r\n"
    head = b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert upload([*chunks, end], head) == b"x" * 120_000


class Reads:
    """A client on a connection of its own that asks for a large answer, which fits into no socket."""

    def __init__(self, whole: int, *, gives_up: bool = False, head: bytes = b"") -> None:
        self.whole, self._gives_up, self._head = whole, gives_up, head
        self.state = ServerState()

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        await send(start((b"content-length", b"%d" % self.whole)))
        if self._gives_up:
            await send(body(b"x" * (self.whole // 2), more=True))
            raise ValueError
        await send(body(b"x" * self.whole))

    async def got(self, read: Callable[[asyncio.StreamReader], Coroutine[Any, Any, int]]) -> int:
        """How many bytes ``read`` counts; afterwards the service has let go of the connection."""
        loop = asyncio.get_running_loop()
        config = Config(self._app, interface="asgi3", http=BoundedConnection, log_level="critical")
        config.load()
        server = await loop.create_server(lambda: BoundedConnection(config, self.state, {}), "127.0.0.1", 0)
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.setblocking(False)
            await loop.sock_connect(client, server.sockets[0].getsockname())
            reader, writer = await asyncio.open_connection(sock=client, limit=4096)
            writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n" + self._head + b"\r\n")
            while not self.state.connections:
                await asyncio.sleep(0.01)
            count = await read(reader)
            async with asyncio.timeout(20):
                while self.state.connections:
                    await asyncio.sleep(0.01)
            writer.transport.abort()
        server.close()
        return count


CLOSE = b"Connection: close\r\n"


@pytest.mark.parametrize("runner", [asyncio.new_event_loop, uvloop.new_event_loop])
@pytest.mark.parametrize(
    "client",
    [
        Reads(32 * 2**20),
        Reads(32 * 2**20, head=CLOSE),
        Reads(32 * 2**20, gives_up=True),
        Reads(32 * 2**20, head=b"\r\nGET / HTTP/1.1\r\nno head"),
    ],
    ids=["kept", "closed", "cut short", "nonsense behind"],
)
def test_who_does_not_take_an_answer_is_let_go(
    client: Reads, runner: Callable[[], asyncio.AbstractEventLoop], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "HEAD_SECONDS", 0.3)

    async def never(_reader: asyncio.StreamReader) -> int:
        return 0

    with asyncio.Runner(loop_factory=runner) as running:
        assert running.run(client.got(never)) == 0


@pytest.mark.parametrize("runner", [asyncio.new_event_loop, uvloop.new_event_loop])
@pytest.mark.parametrize("head", [b"", CLOSE])
def test_who_takes_an_answer_slowly_gets_all_of_it(
    head: bytes, runner: Callable[[], asyncio.AbstractEventLoop], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "HEAD_SECONDS", 0.3)
    client = Reads(32 * 2**20, head=head)

    async def slowly(reader: asyncio.StreamReader) -> int:
        while await reader.readline() != b"\r\n":
            pass
        count = 0
        while count < client.whole and (part := await reader.read(2**20)):
            count += len(part)
            if count % 2**20 < len(part):
                await asyncio.sleep(0.05)
        return count

    with asyncio.Runner(loop_factory=runner) as running:
        assert running.run(client.got(slowly)) == client.whole
