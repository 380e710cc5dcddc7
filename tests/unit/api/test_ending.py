# SPDX-License-Identifier: Apache-2.0
"""The end of the service while uploads are under way: whoever is not done in time is told to come again."""

import asyncio
import json
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import sleep
from typing import Any

import pytest
import uvicorn

from tests.serving import answer
from waarmerk.api.app import create_app
from waarmerk.api.connection import BoundedConnection
from waarmerk.api.server import Listener
from waarmerk.api.services import Services

HEAD = b"POST %s HTTP/1.1\r\nHost: x\r\n"
UNDER_WAY = {
    "a body": HEAD % b"/v1/verify" + b"Content-Type: image/jpeg\r\nContent-Length: 90000\r\n\r\n" + bytes(1000),
    "a form": HEAD % b"/v1/verify"
    + b"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 90000\r\n\r\n--b\r\n",
    "a route of the framework": HEAD % b"/v1/decide" + b"Content-Length: 90000\r\n\r\n[",
    "the page": HEAD % b"/" + b"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 90000\r\n\r\n--b\r\n",
}


@contextmanager
def listening(services: Services, grace_seconds: float) -> Iterator[tuple[int, Callable[[], None]]]:
    """A port on which a service listens, and what tells it to end and waits until it has."""
    config = uvicorn.Config(
        create_app(services), port=0, http=BoundedConnection, ws="none", log_config=None, timeout_graceful_shutdown=30
    )
    listener = Listener(config, grace_seconds=grace_seconds)
    running = threading.Thread(target=lambda: asyncio.run(listener.serve()))
    running.start()
    while not listener.started:
        sleep(0.01)

    def end() -> None:
        listener.should_exit = True
        running.join(25)

    try:
        yield listener.servers[0].sockets[0].getsockname()[1], end
    finally:
        end()
        assert not running.is_alive()


def under_way(services: Services) -> float:
    return services.metrics.registry.get_sample_value("waarmerk_requests_running") or 0.0


def test_who_is_not_done_in_time_is_told_to_come_again(
    services: Services, lines: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING), listening(services, 0.3) as (port, end):
        connections = {name: socket.create_connection(("127.0.0.1", port), timeout=20) for name in UNDER_WAY}
        for name, connection in connections.items():
            connection.sendall(UNDER_WAY[name])
        half = socket.create_connection(("127.0.0.1", port), timeout=20)
        half.sendall(b"GET /livez HT")
        while under_way(services) < len(connections):
            sleep(0.01)
        end()
        told = {name: answer(connection) for name, connection in connections.items()}
        assert answer(half) == b"", "half a head is no request"
        for each in (*connections.values(), half):
            each.close()
    for name, got in told.items():
        head, _, body = got.partition(b"\r\n\r\n")
        fields = dict(line.lower().split(": ", 1) for line in head.decode().split("\r\n")[1:])
        assert head.startswith(b"HTTP/1.1 503 "), (name, got)
        assert fields["content-type"] == "application/problem+json", name
        assert int(fields["retry-after"]) > 0
        document: dict[str, Any] = json.loads(body)
        assert document["code"] == "service.stopping"
        assert document["request_id"] == fields["x-request-id"]
    assert [record.message for record in caplog.records if record.levelno >= logging.ERROR] == []
    logged = [json.loads(line) for line in lines]
    assert [(each["event"], each["status"]) for each in logged] == [("request", 503)] * len(UNDER_WAY)


def test_who_is_done_in_time_has_the_answer(services: Services) -> None:
    body = b"x" * 2000
    head = HEAD % b"/v1/verify" + b"Content-Type: image/jpeg\r\nContent-Length: 2000\r\n\r\n"
    with listening(services, 20.0) as (port, end), socket.create_connection(("127.0.0.1", port), timeout=20) as late:
        late.sendall(head + body[:1000])
        while under_way(services) < 1:
            sleep(0.01)
        ending = threading.Thread(target=end)
        ending.start()
        sleep(0.3)
        late.sendall(body[1000:])
        assert answer(late).startswith(b"HTTP/1.1 200 ")
        ending.join()
