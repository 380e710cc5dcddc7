# SPDX-License-Identifier: Apache-2.0
"""How much this service takes on at once: more is refused at the door, with the time after which to try again.

Refusing early keeps the answers of those who are in fast; a queue without an end only makes everybody's caller give up.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from typing import TypeVar

from waarmerk.api.places import Places
from waarmerk.api.problems import BodyProblem, Problem
from waarmerk.provenance.jobs.aside import aside

T = TypeVar("T")
SPOOL_BYTES = 4 * 2**30


class Turn:
    """The turn of one file, from the moment at which it is worked on: it may wait within its turn too."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._began = monotonic()

    def begin(self) -> None:
        """What waited begins now."""
        self._began = self._monotonic()

    @property
    def seconds(self) -> float:
        """How long it has been worked on."""
        return self._monotonic() - self._began


class Gate:
    """Places for files under examination and for those that wait, and room for the bytes of all uploads."""

    def __init__(
        self,
        *,
        working: int,
        monotonic: Callable[[], float],
        waiting: int | None = None,
        ahead: int = 0,
        spool_bytes: int = SPOOL_BYTES,
    ) -> None:
        """``working`` files at once, ``waiting`` more or as many as ``Places`` allows; ``spool_bytes`` of uploads.

        ``ahead`` of those that wait have their turn before it is free, so that they are at hand when it is.
        """
        self._places = Places(working=working, waiting=waiting)
        self._monotonic = monotonic
        self._taken = 0
        self._turns = asyncio.Semaphore(working + ahead)  # first come, first served
        self._threads = ThreadPoolExecutor(working, thread_name_prefix="waarmerk-gate")
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

    @asynccontextmanager
    async def turn(self, *, stranger: bool = True) -> AsyncIterator[Turn]:
        """Wait for one's turn. Raises Problem where too many wait already."""
        with self._place(stranger=stranger):
            async with self._turns:
                turn = Turn(self._monotonic)
                try:
                    yield turn
                finally:
                    self._places.took(turn.seconds)

    async def aside(self, task: Callable[[], T]) -> T:
        """Do ``task`` in a thread, by who has the turn; whoever is cancelled meanwhile waits for it."""
        return await aside(self._threads, task)

    async def run(self, task: Callable[[], T], *, stranger: bool = True) -> T:
        """Do ``task`` in a thread when it is its turn. Raises Problem where too many wait already."""
        async with self.turn(stranger=stranger):
            return await self.aside(task)

    @contextmanager
    def _place(self, *, stranger: bool) -> Iterator[None]:
        if self._taken >= self._places.places(stranger=stranger):
            raise Problem("service.busy", retry_after=self._places.retry_after(self._taken))
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1
