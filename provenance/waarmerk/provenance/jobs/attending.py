# SPDX-License-Identifier: Apache-2.0
"""One question that is asked and heard from an event loop, without a thread that wakes for a moment."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from waarmerk.provenance.jobs.child import Worker, WorkerGone
from waarmerk.provenance.jobs.errand import Errand
from waarmerk.provenance.jobs.frames import Frame, FrameError
from waarmerk.provenance.jobs.roster import Place


class Attendance:
    """One errand, from its turn to its answer.

    ``over`` becomes the answer, or a place in which something has to be done first that takes a while (a worker to be
    started or ended); or it raises WorkerGone, or ConfigurationError, as ``Worker.hear`` does.
    """

    def __init__(
        self,
        errand: Errand,
        *,
        give: Callable[[Worker], object],
        pass_on: Callable[[Place], object],
        lose: Callable[[Worker, Callable[[], object]], object],
        begun: Callable[[], object],
        is_closed: Callable[[], bool],
    ) -> None:
        """To be made in an event loop. None of these may wait for anything.

        ``give`` gives a place back with the worker in it, ``pass_on`` one that was not used. ``lose`` ends a worker and
        gives back its place, in a thread, in which its second argument is called first. ``begun`` is called when a
        worker begins. ``is_closed``: whether workers are being ended; whoever ends them asks ``Worker.listener`` first.
        """
        self._errand = errand
        self._give, self._pass_on, self._lose_it, self._begun = give, pass_on, lose, begun
        self._is_closed = is_closed
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._worker: Worker | None = None
        self._unused: Place | None = None
        self._descriptor: int | None = None
        self.over: asyncio.Future[dict[str, Any] | Place] = self._loop.create_future()

    def granted(self, place: Place) -> None:
        """It is our turn; called from whatever thread."""
        if threading.get_ident() == self._thread:
            self._begin(place)
            return
        try:
            self._loop.call_soon_threadsafe(self._begin, place)
        except RuntimeError:  # the loop is closed
            self._pass_on(place)

    def close(self) -> Future[None]:
        """The worker is about to be ended: what is returned is done once nobody here listens to it.

        Called from whatever thread; a loop that does something else takes as long as that does.

        What is closed while a loop listens is another file's number soon, and the loop would read that.
        """
        ended: Future[None] = Future()
        try:
            is_here = asyncio.get_running_loop() is self._loop
        except RuntimeError:
            is_here = False
        try:
            if is_here:
                self._end(ended)
            else:
                self._loop.call_soon_threadsafe(self._end, ended)
        except RuntimeError:  # the loop is closed
            if not ended.done():
                ended.set_result(None)
        return ended

    def _end(self, ended: Future[None]) -> None:
        try:
            if self._worker is not None:
                self._fail(self._worker, WorkerGone("worker.crashed"))
        finally:
            ended.set_result(None)

    def give_up(self) -> None:
        """Nobody waits for the answer any more; who was asked is lost, for it goes on with the file."""
        if self._worker is not None:
            self._lose(self._worker)
        elif self._unused is not None:
            self._pass_on(self._unused)

    def _begin(self, place: Place) -> None:
        worker = place.worker
        if self.over.done():
            self._pass_on(place)
        elif worker is None or place.gone is not None or worker.tasks >= worker.share:
            self._unused = place
            self._begun()
            self._settle(place)
        else:
            self._ask(worker)

    def _ask(self, worker: Worker) -> None:
        self._worker = worker
        self._begun()
        self._due = self._loop.call_later(self._errand.seconds, self._fail, worker, WorkerGone("worker.timeout"))
        worker.listener = self
        if self._is_closed():  # asked after that was said: one of both sides sees the other
            self._fail(worker, WorkerGone("worker.crashed"))
            return
        try:
            frame = worker.tell(self._errand.task, wait=False, may_refuse=self._errand.may_be_refused)
        except Exception as fault:  # it does not read, or the file is gone
            self._fail(worker, fault)
            return
        self._descriptor = frame.descriptor
        self._loop.add_reader(frame.descriptor, self._read, worker, frame)  # in place of who listened before

    def _read(self, worker: Worker, frame: Frame) -> None:
        try:
            if not frame.reads():
                return
        except ConnectionError:  # it went with something unread; what it left behind says how
            pass
        except (FrameError, OSError):
            self._fail(worker, WorkerGone("worker.answer"))
            return
        if frame.is_whole:
            self._hear(worker, frame)
        else:
            self._lose(worker, lambda: self._loses_itself(worker, frame))

    def _hear(self, worker: Worker, frame: Frame) -> None:
        if worker.is_at_its_last:
            self._stop_listening(worker)  # once heard it is hung up on
        try:
            answer = worker.hear(frame)
        except Exception as fault:
            self._fail(worker, fault)
            return
        self._due.cancel()
        self._worker = None
        self._give(worker)  # whoever is next is served before this answer goes anywhere
        self._stop_listening(worker)
        self._settle(answer)

    def _stop_listening(self, worker: Worker) -> None:
        """Unless another listens to the same worker in this loop already: that one took our place."""
        descriptor, self._descriptor = self._descriptor, None
        other = worker.listener
        if other is self:
            worker.listener = None
        replaced = isinstance(other, Attendance) and other._descriptor is not None and other._loop is self._loop
        if descriptor is not None and not replaced:
            self._loop.remove_reader(descriptor)

    def _fail(self, worker: Worker, fault: Exception) -> None:
        self._lose(worker)
        self._settle(fault)

    def _loses_itself(self, worker: Worker, frame: Frame) -> None:
        """In a thread: it takes up to a second to learn how it went."""
        try:
            worker.hear(frame)
        except Exception as fault:
            with suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._settle, fault)

    def _lose(self, worker: Worker, first: Callable[[], object] = lambda: None) -> None:
        self._due.cancel()
        self._worker = None
        self._stop_listening(worker)
        self._lose_it(worker, first)

    def _settle(self, outcome: dict[str, Any] | Place | Exception) -> None:
        if self.over.done():
            return  # cancelled
        if isinstance(outcome, Exception):
            self.over.set_exception(outcome)
        else:
            self.over.set_result(outcome)
