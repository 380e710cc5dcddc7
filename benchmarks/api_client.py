# SPDX-License-Identifier: Apache-2.0
"""Clients for the benchmark of the service: plain sockets on this machine, so that the client costs little.

``closed`` asks without a pause, ``opened`` at random moments whether the service keeps up or not.
"""

from __future__ import annotations

import random
import re
import socket
import threading
import time
from collections.abc import Callable, Sequence
from itertools import cycle
from pathlib import Path

CLIENTS = 4
OPEN_CLIENTS = 128  # more than the service has places: a request never waits for a client
SEED = 7


def requests(files: Sequence[Path]) -> list[bytes]:
    """Each file as the bytes of a request as curl writes it: the client's own work is kept small."""
    made, mark = [], b"-" * 24 + b"4rKc1vXh0mQz8sTg2yWb6N"
    for path in files:
        head = b"--" + mark + b'\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n'
        head += b"Content-Type: application/octet-stream\r\n\r\n"
        body = head + path.read_bytes() + b"\r\n--" + mark + b"--\r\n"
        made.append(
            b"POST /v1/verify HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=%s\r\n"
            b"Content-Length: %d\r\n\r\n" % (mark, len(body)) + body
        )
    return made


class Client:
    """One connection that stays open."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None

    def ask(self, request: bytes) -> int:
        """Send a request, read the whole answer; its status."""
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=120)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(request)
        got = b""
        while b"\r\n\r\n" not in got:
            piece = self._socket.recv(65536)
            if not piece:
                raise SystemExit("the service closed the connection")
            got += piece
        head, _, rest = got.partition(b"\r\n\r\n")
        left = int(re.search(rb"(?i)content-length: (\d+)", head)[1]) - len(rest)  # type: ignore[index]
        while left > 0:
            left -= len(self._socket.recv(min(left, 65536)))
        return int(head[9:12])


def together(count: int, work: Callable[[int], None]) -> None:
    faults: list[BaseException] = []

    def guarded(number: int) -> None:
        try:
            work(number)
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=guarded, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]


def alone(port: int, asked: Sequence[bytes]) -> list[float]:
    """Seconds that each request takes where no other is under way."""
    client, took = Client(port), []
    for request in asked:
        began = time.monotonic()
        status = client.ask(request)
        if status != 200:
            raise SystemExit(f"the service answered {status}")
        took.append(time.monotonic() - began)
    return took


def closed(port: int, asked: Sequence[bytes], *, seconds: float = 1e9, most: int = 10**9) -> int:
    """Requests answered by clients that ask one after the other, for so long or so many."""
    done = [0] * CLIENTS
    end = time.monotonic() + seconds

    def work(number: int) -> None:
        client, order = Client(port), cycle(asked[number::CLIENTS])
        while time.monotonic() < end and done[number] < most // CLIENTS:
            status = client.ask(next(order))
            if status != 200:
                raise SystemExit(f"the service answered {status}")
            done[number] += 1

    together(CLIENTS, work)
    return sum(done)


def steady(port: int, asked: Sequence[bytes], *, lead: float, seconds: float) -> tuple[int, int]:
    """The same for ``seconds`` after a ``lead`` in which all get going: answers within that time, and answers in all.

    Who begins with nothing under way loses what fills the line, and who counts to the last answer has processors stand
    idle while it is awaited; between the two a service does what it does for hours.
    """
    done, within = [0] * CLIENTS, [0] * CLIENTS
    opens = time.monotonic() + lead
    closes = opens + seconds

    def work(number: int) -> None:
        client, order = Client(port), cycle(asked[number::CLIENTS])
        while time.monotonic() < closes:
            status = client.ask(next(order))
            if status != 200:
                raise SystemExit(f"the service answered {status}")
            done[number] += 1
            within[number] += opens <= time.monotonic() < closes

    together(CLIENTS, work)
    return sum(within), sum(done)


def opened(port: int, asked: Sequence[bytes], *, rate: float, seconds: float) -> tuple[list[float], int]:
    """Seconds from the moment each request was due to the end of its answer, and how many were refused (429)."""
    chance, due, moments = random.Random(SEED), 0.0, []
    while (due := due + chance.expovariate(rate)) < seconds:
        moments.append(due)
    queue, lock = iter(list(enumerate(moments))), threading.Lock()
    took: list[float] = []
    refused: list[int] = []
    began = time.monotonic() + 0.5

    def work(_: int) -> None:
        client = Client(port)
        while True:
            with lock:
                turn = next(queue, None)
            if turn is None:
                return
            number, due = turn
            time.sleep(max(0.0, began + due - time.monotonic()))
            status = client.ask(asked[number % len(asked)])
            if status == 200:
                took.append(time.monotonic() - began - due)
            else:
                refused.append(status)

    together(OPEN_CLIENTS, work)
    return took, len(refused)
