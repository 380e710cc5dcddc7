# SPDX-License-Identifier: Apache-2.0
"""How much this service takes on at once: more is refused at the door, with the time after which to try again.

Refusing early keeps the answers of those who are in fast; a queue without an end only makes everybody's caller give up.
"""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from waarmerk.api.problems import BodyProblem, Problem

T = TypeVar("T")
SPOOL_BYTES = 4 * 2**30
_SECONDS_A_FILE = 0.3  # for the time in Retry-After: a still with one key on a busy machine


class Gate:
    """Places for files under examination and for those that wait, and room for the bytes of all uploads."""

    def __init__(self, *, working: int, waiting: int | None = None, spool_bytes: int = SPOOL_BYTES) -> None:
        """``working`` files at once, by default eight times as many waiting; ``spool_bytes`` of uploads in all."""
        self._working = working
        self._places = working + (8 * working if waiting is None else waiting)
        self._taken = 0
        self._threads = ThreadPoolExecutor(working, thread_name_prefix="waarmerk-gate")  # first come, first served
        self._room = spool_bytes
        self._held = 0

    @property
    def taken(self) -> int:
        """Places taken now, by files under examination and files that wait."""
        return self._taken

    @property
    def held(self) -> int:
        """Bytes of uploads held now."""
        return self._held

    def hold(self, size: int) -> None:
        """Take room for ``size`` more bytes. Raises Problem where there is none; they are to be let go all the same."""
        self._held += size
        if self._held > self._room:
            raise BodyProblem("service.full", "the uploads under way fill the room there is")

    def let_go(self, size: int) -> None:
        """Give the room of ``size`` bytes back."""
        self._held -= size

    async def run(self, task: Callable[[], T], *, stranger: bool = True) -> T:
        """Do ``task`` in a thread when it is its turn. Raises Problem where too many wait already.

        Who is cancelled meanwhile waits for a task that has begun: it works on what the caller holds.
        A quarter of the places is kept for callers with a key: strangers cannot shut them out.
        """
        with self._place(stranger=stranger):
            work = self._threads.submit(task)
            try:
                return await asyncio.wrap_future(work)
            except asyncio.CancelledError:
                await _ended(work)
                raise

    @contextmanager
    def _place(self, *, stranger: bool) -> Iterator[None]:
        places = max(1, self._places * 3 // 4) if stranger else self._places
        if self._taken >= places:
            raise Problem("service.busy", retry_after=round(self._taken * _SECONDS_A_FILE / self._working))
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1


async def _ended(work: Future[Any]) -> None:
    while not work.cancel() and not work.done():
        with suppress(
            asyncio.CancelledError, Exception
        ):  # cancelled again, or what the task raised: nobody asks any more
            await asyncio.shield(asyncio.wrap_future(work))
