# SPDX-License-Identifier: Apache-2.0
"""How much is taken on at once; a body that takes too long; an answer that nobody reads."""

import asyncio
import itertools
import json
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from starlette.types import Message

from tests.unit.api.conftest import LIMIT
from waarmerk.api.app import create_app
from waarmerk.api.gate import Gate
from waarmerk.api.limits import BodyLimits
from waarmerk.api.problems import Problem
from waarmerk.api.services import Services, monotonic


def test_who_comes_when_all_places_are_taken_is_told_when_to_come_back() -> None:
    go = threading.Event()

    async def scene() -> tuple[Problem, Problem, list[str]]:
        gate = Gate(working=2, monotonic=monotonic, waiting=6)
        running = [asyncio.create_task(gate.run(lambda: str(go.wait(60)))) for _ in range(6)]
        await asyncio.sleep(0.05)
        with pytest.raises(Problem) as stranger:
            await gate.run(lambda: None)
        known = [asyncio.create_task(gate.run(lambda: str(go.wait(60)), stranger=False)) for _ in range(2)]
        await asyncio.sleep(0.05)
        assert gate.taken == 8
        with pytest.raises(Problem) as tenant:
            await gate.run(lambda: None, stranger=False)
        go.set()
        done = await asyncio.gather(*running, *known)
        assert gate.taken == 0
        assert await gate.run(lambda: "again") == "again"
        return stranger.value, tenant.value, done

    stranger, tenant, done = asyncio.run(scene())
    assert done == ["True"] * 8
    for refused in (stranger, tenant):
        assert (refused.status_code, refused.code) == (429, "service.busy")
        assert int((refused.headers or {})["Retry-After"]) >= 1


def test_where_files_take_long_fewer_wait_and_they_come_back_later() -> None:
    """By a clock on which every file takes an hour."""
    hours, go = itertools.count(step=3600), threading.Event()

    async def scene() -> tuple[int, int]:
        gate = Gate(working=1, monotonic=lambda: next(hours))
        for _ in range(100):
            await gate.run(lambda: None)
        running = [asyncio.create_task(gate.run(lambda: go.wait(60), stranger=False)) for _ in range(9)]
        await asyncio.sleep(0.05)
        with pytest.raises(Problem) as refused:
            await gate.run(lambda: None, stranger=False)
        taken = gate.taken
        go.set()
        await asyncio.gather(*running)
        return taken, int((refused.value.headers or {})["Retry-After"])

    taken, later = asyncio.run(scene())
    assert taken == 9
    assert 8 * 3600 < later <= 9 * 3600


def test_a_task_that_fails_gives_its_place_back() -> None:
    async def scene() -> None:
        gate = Gate(working=1, monotonic=monotonic, waiting=0)
        for _ in range(5):
            with pytest.raises(ZeroDivisionError):
                await gate.run(lambda: 1 / 0)
        assert gate.taken == 0

    asyncio.run(scene())


def test_who_is_cancelled_waits_for_a_task_that_has_begun_and_for_no_other() -> None:
    begun, go, did = threading.Event(), threading.Event(), list[str]()

    def work() -> None:
        begun.set()
        go.wait(60)
        did.append("first")
        raise ZeroDivisionError

    async def scene() -> None:
        gate = Gate(working=1, monotonic=monotonic)
        first = asyncio.create_task(gate.run(work))
        while not begun.is_set():
            await asyncio.sleep(0.01)
        second = asyncio.create_task(gate.run(lambda: did.append("second")))
        await asyncio.sleep(0.01)
        for _ in range(3):
            for task in (first, second):
                task.cancel()
            await asyncio.sleep(0.05)
        assert second.cancelled()
        assert not first.done()
        assert gate.taken == 1
        go.set()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert gate.taken == 0
        assert await gate.run(lambda: did.append("third")) is None

    asyncio.run(scene())
    assert did == ["first", "third"]


class Wire:
    """A request by hand, so that time can pass inside it."""

    def __init__(self, services: Services, pieces: AsyncIterator[bytes], *, reads: bool = True) -> None:
        self.app = create_app(services)
        self.pieces = pieces
        self.reads = reads
        self.sent: list[Message] = []

    async def receive(self) -> Message:
        async for piece in self.pieces:
            return {"type": "http.request", "body": piece, "more_body": True}
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(self, message: Message) -> None:
        self.sent.append(message)
        if not self.reads:
            await asyncio.sleep(3600)

    async def run(self) -> tuple[int, dict[str, str], bytes]:
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "path": "/v1/verify",
            "raw_path": b"/v1/verify",
            "query_string": b"",
            "root_path": "",
            "scheme": "http",
            "headers": [(b"host", b"x"), (b"content-type", b"image/jpeg")],
            "client": ("192.0.2.1", 1),
            "server": ("x", 80),
        }
        await self.app(scope, self.receive, self.send)
        head = self.sent[0]
        headers = {name.decode(): value.decode() for name, value in head["headers"]}
        return head["status"], headers, b"".join(each.get("body", b"") for each in self.sent[1:])


async def drip(seconds: float, piece: bytes) -> AsyncIterator[bytes]:
    while True:
        await asyncio.sleep(seconds)
        yield piece


def limited(services: Services, **changes: Any) -> Services:
    return replace(services, body=BodyLimits(**{"max_bytes": LIMIT, "seconds": 0.2, **changes}))


def test_a_body_that_drips_is_cut_off_and_its_connection_closed(services: Services) -> None:
    status, headers, body = asyncio.run(Wire(limited(services), drip(0.02, b"x")).run())
    assert status == 408
    assert headers["connection"] == "close"
    assert b"request.too-slow" in body


def test_a_body_that_keeps_coming_has_more_time(services: Services) -> None:
    """It is too large in the end, not too slow: each byte delivered has bought time."""
    wire = Wire(limited(services, bytes_per_second=1000), drip(0.02, b"x" * 1000))
    status, _, body = asyncio.run(wire.run())
    assert status == 413
    assert b"request.too-large" in body


def test_uploads_that_fill_the_room_are_refused_and_leave_it_empty(services: Services) -> None:
    gate = Gate(working=1, monotonic=monotonic, spool_bytes=5000)
    full = replace(limited(services, seconds=30), gate=gate)
    status, _, body = asyncio.run(Wire(full, drip(0, b"x" * 1000)).run())
    assert status == 503
    assert b"service.full" in body
    assert gate.held == 0


def test_an_answer_that_nobody_reads_is_dropped(services: Services, lines: list[str]) -> None:
    async def scene() -> None:
        async def one() -> AsyncIterator[bytes]:
            yield b"abc"

        wire = Wire(limited(services), one(), reads=False)
        await asyncio.wait_for(wire.run(), 30)

    asyncio.run(scene())
    told = [json.loads(line) for line in lines]
    assert [(each["event"], each.get("route")) for each in told] == [("request", "/v1/verify")], "no fault of ours"
    assert services.gate.held == 0


def test_those_at_hand_have_their_turn_and_are_timed_from_when_they_begin() -> None:
    """One is worked on, one is at hand, the third waits; the hour that the second was at hand is not its own."""
    now = [0.0]

    async def scene() -> list[str]:
        gate, entered = Gate(working=1, ahead=1, monotonic=lambda: now[0]), []
        go = [asyncio.Event() for _ in range(3)]

        async def turn(number: int) -> None:
            async with gate.turn() as mine:
                entered.append(f"{number} in")
                await go[number].wait()
                mine.begin()
                now[0] += 1.0
                entered.append(f"{number}: {mine.seconds:g}")

        tasks = [asyncio.create_task(turn(number)) for number in range(3)]
        await asyncio.sleep(0.01)
        now[0] = 3600.0
        for number in range(3):
            go[number].set()
            await asyncio.sleep(0.01)
        await asyncio.gather(*tasks)
        assert gate.taken == 0
        return entered

    assert asyncio.run(scene()) == ["0 in", "1 in", "0: 1", "2 in", "1: 1", "2: 1"]
