# SPDX-License-Identifier: Apache-2.0
"""Waiting for a bounded time, at no cost where there is nothing to wait for."""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from functools import partial
from typing import Any, Generic, TypeVar

T = TypeVar("T")


async def in_time(what: Awaitable[T], due: float) -> T:
    """What ``what`` comes to. Raises TimeoutError where that is not before ``due``, a moment of the event loop's clock.

    Pieces of a body that are there already, and of an answer that fit into what a socket holds, are most of what
    a service waits for: only who really waits gets a timer (``asyncio.timeout_at``).
    """
    begun = what.__await__()
    try:
        waits_for = next(begun)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
    async with asyncio.timeout_at(due):
        return await _Rest(begun, waits_for)


class _Rest(Generic[T]):
    """The rest of something that was begun, from what it waits for now."""

    def __init__(self, begun: Generator[Any, Any, T], waits_for: Any) -> None:
        self._begun, self._waits_for = begun, waits_for

    def __await__(self) -> Generator[Any, Any, T]:
        while True:
            goes_on: Callable[[], Any]
            try:
                told = yield self._waits_for
            except BaseException as fault:  # cancelled: that is for what was begun to know
                goes_on = partial(self._begun.throw, fault)
            else:
                goes_on = partial(self._begun.send, told)
            try:
                self._waits_for = goes_on()
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
