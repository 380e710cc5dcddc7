# SPDX-License-Identifier: Apache-2.0
"""Who waits for a worker, which workers stand idle, and who is next: first come, first served."""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from waarmerk.provenance.jobs.child import Worker


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place for one worker, taken until it is given back.

    ``worker`` stood idle and knows the settings that were asked for, None where one is to be started; ``gone`` is to be
    ended first, which takes a while: it makes room.
    """

    worker: Worker | None
    gone: Worker | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ticket:
    """Somebody who waits; ``grant`` is called in the thread of whoever gives a place back, or asks."""

    settings: dict[str, Any]
    grant: Callable[[Place], object]


class Roster:
    """``size`` places. Safe to use from several threads."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._lock = threading.Lock()
        self._busy = 0
        self._idle: list[Worker] = []  # the longest idle first
        self._queue: deque[Ticket] = deque()
        self._closed = False

    @property
    def busy(self) -> int:
        """Places taken now."""
        return self._busy

    def ask(self, settings: dict[str, Any], grant: Callable[[Place], object]) -> Ticket:
        """Have ``grant`` called as soon as it is one's turn, at once where that is now."""
        ticket = Ticket(settings=settings, grant=grant)
        with self._lock:
            self._queue.append(ticket)
        self._serve()
        return ticket

    def take(self, settings: dict[str, Any]) -> Place:
        """Wait for a place."""
        granted: Future[Place] = Future()
        self.ask(settings, granted.set_result)
        return granted.result()

    def leave(self, ticket: Ticket) -> bool:
        """Wait no longer; whether this one still waited."""
        with self._lock:
            try:
                self._queue.remove(ticket)
            except ValueError:
                return False
        return True

    def give(self, worker: Worker | None) -> None:
        """Give a place back, with the worker in it."""
        with self._lock:
            self._busy -= 1
            if worker is not None:
                self._idle.append(worker)
        self._serve()

    def pass_on(self, place: Place) -> None:
        """Give a place back that was not used."""
        with self._lock:
            self._busy -= 1
            if place.gone is not None:
                self._idle.insert(0, place.gone)
            if place.worker is not None:
                self._idle.append(place.worker)
        self._serve()

    def close(self) -> None:
        """Let whoever waits, and whoever comes, go on to learn that there are no workers any more."""
        with self._lock:
            self._closed = True
            self._idle.clear()
        self._serve()

    def _serve(self) -> None:
        while (served := self._next()) is not None:
            ticket, place = served
            ticket.grant(place)

    def _next(self) -> tuple[Ticket, Place] | None:
        with self._lock:
            if not self._queue or (self._busy >= self.size and not self._closed):
                return None
            ticket = self._queue.popleft()
            self._busy += 1
            if self._closed:
                return ticket, Place(worker=None)
            fit = next((worker for worker in reversed(self._idle) if worker.settings == ticket.settings), None)
            gone = None if fit or len(self._idle) + self._busy <= self.size else self._idle[0]
            self._idle = [worker for worker in self._idle if worker not in (fit, gone)]
        return ticket, Place(worker=fit, gone=gone)
