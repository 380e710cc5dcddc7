# SPDX-License-Identifier: Apache-2.0
"""Does the jobs of a queue, a few at a time, until told to stop."""

import contextlib
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

from waarmerk.provenance.errors import ConfigurationError, StoreError
from waarmerk.provenance.jobs.job import Job
from waarmerk.provenance.jobs.keep import Keep
from waarmerk.provenance.jobs.queue import LEASE, Queue


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """What came of a job: ``result``, and ``file`` in the spool where one was made, kept for ``keep``; with a ``code``
    it failed, and nobody tries again.
    """

    result: dict[str, Any] | None = None
    file: str | None = None
    keep: timedelta | None = None
    code: str | None = None


class NotNow(Exception):
    """A job was not begun: the machine cannot do it at this moment. It is looked at again in a minute."""


class Again(Exception):
    """An attempt came to nothing by what may have been the machine's doing: the job is tried again now."""


Work = Callable[[Job], Finished]
# Jobs of other hosts and leases that ran out are found by looking, less and less often where there is nothing.
_POLL_SECONDS, _LONGEST_POLL_SECONDS = 1.0, 5.0
_SWEEP_SECONDS = 300.0


class Runner:
    """``threads`` that each do one job after the other with ``work``; a context manager.

    ``work`` gives what came of a job whose file lies in ``keep``; a ConfigurationError fails the job with its code,
    NotNow puts it off, Again has it tried anew, whatever else it raises leaves the job to the next attempt. ``over`` is
    told of each job that is finished; ``also`` is called with each sweep.
    """

    def __init__(
        self,
        queue: Queue,
        keep: Keep,
        work: Work,
        *,
        threads: int = 1,
        over: Callable[[Job, str | None], object] = lambda job, code: None,
        also: Callable[[], object] = lambda: None,
    ) -> None:
        self._queue = queue
        self._keep = keep
        self._work = work
        self._over = over
        self._also = also
        self._owner = secrets.token_hex(8)
        self._news = threading.Condition()
        self._told = 0  # how often there was something new
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._held: set[int] = set()
        names = [f"waarmerk-job-{number}" for number in range(threads)]
        self._threads = [threading.Thread(target=self._run, name=name, daemon=True) for name in names]
        self._threads.append(threading.Thread(target=self._look_after, name="waarmerk-leases", daemon=True))

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def notify(self) -> None:
        """There is a new job: look now."""
        with self._news:
            self._told += 1
            self._news.notify_all()

    def stop(self, *, seconds: float = 5.0) -> None:
        """Take no more, wait for those under way for ``seconds`` in all, give the rest back."""
        self._stop.set()
        self.notify()
        share = seconds / max(1, len(self._threads))
        for thread in self._threads:
            thread.join(share)
        with self._lock:
            held = sorted(self._held)
        for number in held:
            with contextlib.suppress(StoreError):  # then its lease runs out
                self._queue.give_back(self._owner, number)

    def _run(self) -> None:
        pause = _POLL_SECONDS
        while not self._stop.is_set():
            seen = self._told  # before looking: what comes after it is news to this thread, whoever else wakes for it
            try:
                jobs = self._queue.lease(self._owner)
            except StoreError:
                jobs = []
            for job in jobs:
                self._do(job)
            if jobs:
                pause = _POLL_SECONDS
                continue
            has_news = self._has_news(seen, pause)
            pause = _POLL_SECONDS if has_news else min(2 * pause, _LONGEST_POLL_SECONDS)

    def _has_news(self, seen: int, seconds: float) -> bool:
        with self._news:
            return self._news.wait_for(lambda: self._told != seen, seconds)

    def _do(self, job: Job) -> None:
        with self._lock:
            self._held.add(job.number)
        try:
            done = self._outcome(job)
            if done is None:
                return  # the lease runs out, and the next attempt may do better
            own = self._end(job, done)
            if own and job.file is not None:
                self._keep.drop(job.file)
            if own:
                self._over(job, done.code)
            elif done.file is not None and self._queue.find(job.id, tenant=job.tenant) is None:
                self._keep.drop(done.file)  # the job was erased meanwhile
        except StoreError:
            return  # done at least once: whoever leases it next does it again
        finally:
            with self._lock:
                self._held.discard(job.number)

    def _end(self, job: Job, done: Finished) -> bool:
        if done.code is not None:
            return self._queue.fail(self._owner, job.number, code=done.code, result=done.result)
        result = done.result or {}
        return self._queue.finish(self._owner, job.number, result=result, file=done.file, keep=done.keep)

    def _outcome(self, job: Job) -> Finished | None:
        if job.file is None or not self._keep.path(job.file).is_file():
            return Finished(code="job.file-gone")
        try:
            return self._work(job)
        except ConfigurationError as error:
            return Finished(code=error.code)
        except NotNow:
            self._queue.put_off(self._owner, job.number)
            return None
        except Again:
            self._queue.give_back(self._owner, job.number, is_counted=True)
            return None
        except Exception:  # a fault of ours
            return None

    def _look_after(self) -> None:
        """Renew leases well before they end, and sweep now and then."""
        every = LEASE.total_seconds() / 4
        waited = _SWEEP_SECONDS
        while not self._stop.wait(every if waited < _SWEEP_SECONDS else 0.0):
            with contextlib.suppress(StoreError, OSError):  # without descriptors, or a folder: the next time
                with self._lock:
                    held = sorted(self._held)
                if held:
                    self._queue.renew(self._owner, held)
                if waited >= _SWEEP_SECONDS:
                    waited = 0.0
                    self._queue.sweep()
                    self._keep.sweep(self._queue.files())
                    self._also()
            waited += every
