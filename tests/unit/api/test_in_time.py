# SPDX-License-Identifier: Apache-2.0
"""Waiting for a bounded time: as ``asyncio.timeout_at`` has it, without a timer where nothing is waited for."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
import uvloop

from waarmerk.api.in_time import in_time

LOOPS = pytest.mark.parametrize("run", [asyncio.run, uvloop.run])


async def after(steps: int, value: str = "x") -> str:
    for _ in range(steps):
        await asyncio.sleep(0.001)
    return value


def soon(seconds: float = 30) -> float:
    return asyncio.get_running_loop().time() + seconds


@LOOPS
def test_what_is_there_is_had_without_a_timer(run: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asyncio, "timeout_at", None)

    async def work() -> str:
        return await in_time(after(0), soon(-1))

    assert run(work()) == "x"


@LOOPS
@pytest.mark.parametrize("steps", [1, 2, 5])
def test_what_takes_a_while_is_waited_for(run: Callable[..., str], steps: int) -> None:
    async def work() -> str:
        return await in_time(after(steps), soon())

    assert run(work()) == "x"


@LOOPS
@pytest.mark.parametrize("seconds", [-1, 0.01])
def test_what_takes_too_long_is_ended(run: Callable[..., str], seconds: float) -> None:
    ended: list[str] = []

    async def long() -> None:
        try:
            await asyncio.sleep(30)
        finally:
            ended.append("ended")

    async def work() -> str:
        with pytest.raises(TimeoutError):
            await in_time(long(), soon(seconds))
        return await after(1)  # who waited is not cancelled

    assert run(work()) == "x"
    assert ended == ["ended"]


@LOOPS
def test_a_fault_is_that_of_what_was_waited_for(run: Callable[..., None]) -> None:
    async def fails(steps: int) -> None:
        await after(steps)
        raise KeyError(steps)

    async def work() -> None:
        for steps in (0, 1, 3):
            with pytest.raises(KeyError, match=str(steps)):
                await in_time(fails(steps), soon())

    run(work())


@LOOPS
def test_who_is_cancelled_is_cancelled_within(run: Callable[..., None]) -> None:
    told: list[str] = []

    async def tidy() -> str:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            told.append("cancelled")
            await after(2)  # and waits once more
            told.append("tidied")
            raise
        return "x"

    async def work() -> None:
        task = asyncio.create_task(in_time(tidy(), soon()))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(work())
    assert told == ["cancelled", "tidied"]


@LOOPS
def test_a_future_is_waited_for_as_well(run: Callable[..., str]) -> None:
    async def work() -> str:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[str] = loop.create_future()
        loop.call_later(0.005, future.set_result, "x")
        waited: Awaitable[str] = future
        return await in_time(waited, soon())

    assert run(work()) == "x"
