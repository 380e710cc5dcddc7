# SPDX-License-Identifier: Apache-2.0
"""A pool of disposable processes: a file can end a worker, never the run.

Each worker has one task at a time, and each of its children a line of its own. One that crashes, hangs or answers
nonsense is killed and replaced; its file is tried once more, alone in a fresh worker, then recorded as unreadable.
"""

import asyncio
import contextlib
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self, Unpack

from waarmerk.provenance.jobs import child
from waarmerk.provenance.jobs.answers import document_of
from waarmerk.provenance.jobs.aside import aside
from waarmerk.provenance.jobs.attending import Attendance
from waarmerk.provenance.jobs.child import Worker, WorkerGone
from waarmerk.provenance.jobs.errand import Asked, Errand, errand_of
from waarmerk.provenance.jobs.roster import Place, Roster
from waarmerk.provenance.jobs.spool import Spooled, empty_folder

_SECONDS_TO_END = 1.0  # of event loops that do something else
TASKS_PER_WORKER = 20_000  # then a fresh process; until then its children are (jobs/worker.py)
# -P: the working directory is never a place to import from.
COMMAND = (sys.executable, "-P", "-m", "waarmerk.provenance.jobs.worker")


class Pool:
    """``size`` workers, started when first needed. Safe to use from several threads; a context manager.

    A worker knows the settings it was started with and no others: what one tenant's files do to a worker never meets
    another tenant's keys. Where all places are taken by idle workers of others, the longest idle one makes room.

    A worker ends after its share of tasks. Shares differ, so that workers do not all make room at once.
    """

    def __init__(
        self,
        settings: dict[str, Any],
        *,
        size: int = 1,
        command: Sequence[str] = COMMAND,
        gone: Callable[[str], object] = lambda code: None,
    ) -> None:
        """``settings`` is ``Settings.to_json()``, ``command`` starts a worker. Raises ValueError for no size.

        ``gone`` is told why a worker went that did not answer (``worker.crashed``, ``worker.timeout``,
        ``worker.answer``), and nothing of its file; those that had done their share, or go with the pool, are not told.
        """
        if size < 1:
            raise ValueError("a pool has at least one worker")
        self._settings = settings
        self._command = command
        self._gone = gone
        self.size = size
        self._folder = empty_folder()  # where workers stand: the engine looks for its library there, files name others
        # A worker dies with the thread that started it (PR_SET_PDEATHSIG); a caller's may end long before the pool.
        self._starter = ThreadPoolExecutor(1, thread_name_prefix="waarmerk-start")
        self._threads = ThreadPoolExecutor(size, thread_name_prefix="waarmerk-attend")  # may all wait for a place
        self._placed = ThreadPoolExecutor(size, thread_name_prefix="waarmerk-placed")  # each has one
        self._ender = ThreadPoolExecutor(1, thread_name_prefix="waarmerk-end")  # never does, and gives places back
        self._roster = Roster(size)
        self._all: set[Worker] = set()
        self._started = 0
        self._lock = threading.Lock()
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def warm(self) -> None:
        """Start one worker now, so that it gets ready while the caller does other things."""
        self._roster.give(self._roster.take(self._settings).worker or self._start(self._settings))

    def close(self) -> None:
        """End all workers; whoever still waits for one gets WorkerGone or a fault."""
        with self._lock:
            self._closed = True
            workers, self._all = self._all, set()
        self._roster.close()  # nobody begins any more
        listen = [listener.close() for worker in workers if isinstance(listener := worker.listener, Attendance)]
        wait(listen, _SECONDS_TO_END)
        for worker in workers:
            worker.end()
        self._threads.shutdown()
        self._placed.shutdown()
        self._ender.shutdown()
        self._starter.shutdown()
        with contextlib.suppress(OSError):
            self._folder.rmdir()

    def verify(
        self,
        path: Path,
        *,
        at: datetime,
        named: bool = True,
        facts: Sequence[str] = (),
        settings: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The report document of the file at ``path``; a file that ends its worker is a report too.

        ``settings`` are others than the pool's own. Raises ConfigurationError where the settings cannot be used.
        """
        answer = self.perform("verify", path, at=at, named=named, facts=facts, settings=settings)
        return document_of(answer, at=at, name=path.name if named else None)

    def perform(self, verb: str, file: Path | Spooled, **asked: Unpack[Asked]) -> dict[str, Any]:
        """Have one worker do ``verb`` (see ``jobs.workbench.Workbench.perform``) with a file."""
        return self._run(errand_of(verb, file, self._settings, **asked))

    async def attend(
        self,
        verb: str,
        file: Path | Spooled,
        *,
        begun: Callable[[], object] = lambda: None,
        **asked: Unpack[Asked],
    ) -> dict[str, Any]:
        """As ``perform``, for whoever has an event loop: a worker that stands ready is asked and heard from there.

        Each thread that wakes for a moment takes the caches of one that computes. What may take a while (starting and
        ending) is done in a thread. ``begun`` is called when it is one's turn. Who is cancelled loses the worker.
        """
        errand = errand_of(verb, file, self._settings, **asked)
        if not errand.is_short:
            return await aside(self._threads, lambda: self._run(errand))
        try:
            answer = await self._attended(errand, begun)
            return answer if isinstance(answer, dict) else await self._placed_aside(errand, answer)
        except WorkerGone as fault:
            gone = fault
        except RuntimeError:  # its threads are gone
            if not self._closed:
                raise
            gone = WorkerGone("worker.crashed")
        return {"fault": gone.code} if self._closed else await aside(self._threads, lambda: self._after(gone, errand))

    async def _attended(self, errand: Errand, begun: Callable[[], object]) -> dict[str, Any] | Place:
        """The answer, or a place in which something has to be done first that takes a while."""
        give, pass_on = self._roster.give, self._roster.pass_on
        asks = Attendance(
            errand, give=give, pass_on=pass_on, lose=self._lose_later, begun=begun, is_closed=lambda: self._closed
        )
        ticket = self._roster.ask(errand.settings, asks.granted)
        try:
            return await asks.over
        except asyncio.CancelledError:
            if not self._roster.leave(ticket):
                asks.give_up()
            raise

    async def _placed_aside(self, errand: Errand, place: Place) -> dict[str, Any]:
        """The errand, once, in a thread that has its place already: none of these waits for another."""
        has_begun: list[bool] = []

        def run() -> dict[str, Any]:
            has_begun.append(True)
            return self._ask(errand, place)

        try:
            return await aside(self._placed, run)
        except BaseException:
            if not has_begun:  # cancelled, or the pool is closed
                self._roster.pass_on(place)
            raise

    def each(
        self,
        verb: str,
        items: Iterable[tuple[Path, bool]],
        *,
        at: datetime,
        options: Mapping[str, Any] | None = None,
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        """(position, answer) of every item (path, whether its name is told), as they finish.

        Takes from ``items`` only a few ahead of the workers, so that it may be endless.
        """
        waiting: dict[Future[dict[str, Any]], int] = {}
        with ThreadPoolExecutor(self.size, thread_name_prefix="waarmerk-pool") as threads:
            for position, (path, named) in enumerate(items):
                task = threads.submit(self.perform, verb, path, at=at, named=named, options=options)
                waiting[task] = position
                if len(waiting) >= 4 * self.size:
                    yield from _finished(waiting)
            while waiting:
                yield from _finished(waiting)

    def _run(self, errand: Errand) -> dict[str, Any]:
        try:
            return self._ask(errand)
        except WorkerGone as first:
            return self._after(first, errand)

    def _after(self, first: WorkerGone, errand: Errand) -> dict[str, Any]:
        """A crash may have been another file's doing: once more, in a worker that has seen nothing else."""
        self._tell(first)
        if first.code == "worker.timeout":
            return {"fault": first.code}
        try:
            return self._ask(errand, fresh=True)
        except WorkerGone as second:
            self._tell(second)
            return {"fault": second.code}

    def _tell(self, end: WorkerGone) -> None:
        if not self._closed:
            self._gone(end.code)

    def _ask(self, errand: Errand, place: Place | None = None, *, fresh: bool = False) -> dict[str, Any]:
        place = place or self._roster.take(errand.settings)
        worker = place.worker
        try:
            if place.gone is not None:
                self._end(place.gone)
            if worker is not None and (fresh or worker.tasks >= worker.share):
                self._end(worker)
                worker = None
            worker = worker or self._start(errand.settings)
            answer = worker.ask(errand.task, seconds=errand.seconds, may_refuse=errand.may_be_refused)
        except BaseException:
            self._lose(worker)
            raise
        self._roster.give(worker)
        return answer

    def _lose(self, worker: Worker | None) -> None:
        """End it, and give its place back."""
        if worker is not None:
            self._end(worker)
        self._roster.give(None)

    def _lose_later(self, worker: Worker, first: Callable[[], object]) -> None:
        """The same in a thread, in which ``first`` is called before."""

        def lose() -> None:
            first()
            self._lose(worker)

        try:
            self._ender.submit(lose)
        except RuntimeError:  # closed: it has been ended
            first()

    def _start(self, settings: dict[str, Any]) -> Worker:
        with self._lock:
            if self._closed:
                raise WorkerGone("worker.crashed")
            turn = self._started % self.size
            share = TASKS_PER_WORKER + TASKS_PER_WORKER * turn // (2 * self.size)
            first = max(1, child.FILES_PER_CHILD * (turn + 1) // self.size)
            begun = self._starter.submit(Worker, self._command, settings, self._folder, share=share, first=first)
            self._started += 1
            self._all.add(worker := begun.result())
            return worker

    def _end(self, worker: Worker) -> None:
        with self._lock:
            self._all.discard(worker)
        worker.end()


def _finished(waiting: dict[Future[dict[str, Any]], int]) -> Iterator[tuple[int, dict[str, Any]]]:
    done, _ = wait(waiting, return_when=FIRST_COMPLETED)
    for future in sorted(done, key=waiting.__getitem__):
        yield waiting.pop(future), future.result()
