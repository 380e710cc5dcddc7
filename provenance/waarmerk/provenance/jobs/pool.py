# SPDX-License-Identifier: Apache-2.0
"""A pool of disposable processes: a file can end a worker, never the run.

Each worker has one task at a time, and each of its children a line of its own. One that crashes, hangs or answers
nonsense is killed and replaced; its file is tried once more, alone in a fresh worker, then recorded as unreadable.
"""

import contextlib
import os
import stat
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from waarmerk.provenance.jobs.answers import document_of
from waarmerk.provenance.jobs.child import Worker, WorkerGone
from waarmerk.provenance.jobs.spool import empty_folder
from waarmerk.provenance.media.sniff import Kind, kind_of, sniff

DEADLINE_SECONDS = 20.0  # wall clock for an image; a quiet machine needs 0.05
DEADLINE_SECONDS_LARGE = 90.0  # for film, and beyond LARGE_BYTES: hashing and pixel searches take longer
DEADLINE_SECONDS_PER_KEY = 2.0  # a search for one more watermark key takes 0.3 on a quiet machine
DEADLINE_SECONDS_PER_DETECTOR = 12.0  # each has 10 of its own (jobs/detectors.py)
LARGE_BYTES = 32 * 2**20
_HEAD_BYTES = 4096
TASKS_PER_WORKER = 20_000  # then a fresh process; until then its children are (jobs/worker.py)
# -P: the working directory is never a place to import from.
COMMAND = (sys.executable, "-P", "-m", "waarmerk.provenance.jobs.worker")


class Pool:
    """``size`` workers, started when first needed. Safe to use from several threads; a context manager.

    A worker knows the settings it was started with and no others: what one tenant's files do to a worker never meets
    another tenant's keys. Where all places are taken by idle workers of others, the longest idle one makes room.

    A worker ends after its share of tasks. Shares differ, so that workers do not all make room at once.
    """

    def __init__(self, settings: dict[str, Any], *, size: int = 1, command: Sequence[str] = COMMAND) -> None:
        """``settings`` is ``Settings.to_json()``, ``command`` starts a worker. Raises ValueError for no size."""
        if size < 1:
            raise ValueError("a pool has at least one worker")
        self._settings = settings
        self._command = command
        self.size = size
        self._folder = empty_folder()  # where workers stand: the engine looks for its library there, files name others
        # A worker dies with the thread that started it (PR_SET_PDEATHSIG); a caller's may end long before the pool.
        self._starter = ThreadPoolExecutor(1, thread_name_prefix="waarmerk-start")
        self._turn = threading.Condition()
        self._busy = 0
        self._idle: list[Worker] = []  # the longest idle first
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
        self._give(self._take(self._settings) or self._start(self._settings))

    def close(self) -> None:
        """End all workers; whoever still waits for one gets WorkerGone or a fault."""
        with self._lock:
            self._closed = True
            workers, self._all = self._all, set()
        for worker in workers:
            worker.end()
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
        return document_of(answer, path, at=at, named=named)

    def perform(
        self,
        verb: str,
        path: Path,
        *,
        at: datetime,
        named: bool = True,
        facts: Sequence[str] = (),
        options: Mapping[str, Any] | None = None,
        settings: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Have one worker do ``verb`` (see ``jobs.workbench.Workbench.perform``) with the file at ``path``."""
        task = {
            "verb": verb,
            "path": str(path.absolute()),
            "at": at.isoformat(),
            "named": named,
            "facts": list(facts),
            "options": dict(options or {}),
        }
        chosen = self._settings if settings is None else settings
        seconds = _deadline(path) + DEADLINE_SECONDS_PER_KEY * len(chosen.get("keys") or ())
        seconds += DEADLINE_SECONDS_PER_DETECTOR * len(chosen.get("detectors") or ())
        try:
            return self._ask(task, chosen, seconds)
        except WorkerGone as first:
            if first.code == "worker.timeout":
                return {"fault": first.code}
        try:  # a crash may have been another file's doing: once more, in a worker that has seen nothing else
            return self._ask(task, chosen, seconds, fresh=True)
        except WorkerGone as second:
            return {"fault": second.code}

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

    def _ask(
        self, task: dict[str, Any], settings: dict[str, Any], seconds: float, *, fresh: bool = False
    ) -> dict[str, Any]:
        worker = self._take(settings)
        try:
            if worker is not None and (fresh or worker.tasks >= worker.share):
                self._end(worker)
                worker = None
            worker = worker or self._start(settings)
            answer = worker.ask(task, seconds=seconds)
        except BaseException:
            if worker is not None:
                self._end(worker)
            self._give(None)
            raise
        self._give(worker)
        return answer

    def _take(self, settings: dict[str, Any]) -> Worker | None:
        """Wait for a place; the last idle worker with these settings, None where one is to be started."""
        with self._turn:
            while self._busy >= self.size:
                self._turn.wait()
            self._busy += 1
            fit = next((worker for worker in reversed(self._idle) if worker.settings == settings), None)
            gone = None if fit or len(self._idle) + self._busy <= self.size else self._idle[0]
            self._idle = [worker for worker in self._idle if worker not in (fit, gone)]
        if gone is not None:
            self._end(gone)
        return fit

    def _give(self, worker: Worker | None) -> None:
        """Give a place back, with the worker in it."""
        with self._turn:
            self._busy -= 1
            if worker is not None:
                self._idle.append(worker)
            self._turn.notify()

    def _start(self, settings: dict[str, Any]) -> Worker:
        with self._lock:
            if self._closed:
                raise WorkerGone("worker.crashed")
            share = TASKS_PER_WORKER + TASKS_PER_WORKER * (self._started % self.size) // (2 * self.size)
            begun = self._starter.submit(Worker, self._command, settings, self._folder, share=share)
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


def _deadline(path: Path) -> float:
    """Seconds on the clock for this file, by what its first bytes say it is."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # opening a pipe would wait for whoever writes into it
    except (OSError, ValueError):  # ValueError: a name that no file system can hold
        return DEADLINE_SECONDS
    try:
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode):
            return DEADLINE_SECONDS
        if status.st_size > LARGE_BYTES:
            return DEADLINE_SECONDS_LARGE
        media_type = sniff(os.read(file, _HEAD_BYTES))
    except OSError:
        return DEADLINE_SECONDS
    finally:
        os.close(file)
    return DEADLINE_SECONDS_LARGE if media_type and kind_of(media_type) is Kind.VIDEO else DEADLINE_SECONDS
