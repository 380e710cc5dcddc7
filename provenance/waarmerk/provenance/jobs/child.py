# SPDX-License-Identifier: Apache-2.0
"""A worker process and the lines to its children, as whoever gives it tasks sees them."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.jobs.frames import DeadlineError, Frame, FrameError, receive, send
from waarmerk.provenance.jobs.line import open_line, pair

FILES_PER_CHILD = 1000  # then another, whatever the libraries may have leaked, or whoever may have taken it over
# Freed memory stays with the worker for its next file; by its own rules the C library gives it back and fetches it anew
# for every file, page by page. Given back at once: blocks beyond 4 MiB, the end of the heap beyond 32 MiB (mallopt(3)).
# Large pages, where the kernel gives them to who asks (glibc 2.35; jobs/pages.py says why).
_MEMORY = {
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    "MALLOC_MMAP_THRESHOLD_": str(4 * 2**20),
    "MALLOC_TRIM_THRESHOLD_": str(32 * 2**20),
    "MALLOC_TOP_PAD_": str(2**20),
}
_SECONDS_TO_END = 1.0
_KEPT_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "PYTHONPATH", "PYTHONHASHSEED", "VIRTUAL_ENV")


class WorkerGone(Exception):
    """A worker did not answer; ``code`` is the fault its file is recorded with."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def _room(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """What a worker is told of the index that it will map, in bytes: as much more than others may it address.

    Twice what there is, for it grows while a worker lasts.
    """
    address = settings.get("registry")
    if not isinstance(address, str) or "://" in address.removeprefix("sqlite:///"):
        return ()
    path = Path(address.removeprefix("sqlite:///"))
    index = path.with_name(path.name + ".files") / "index"
    mapped = 0
    for each in index.glob("*.npy"):
        with contextlib.suppress(OSError):  # it became part of a larger one
            mapped += each.stat().st_size
    return (str(2 * mapped),) if mapped else ()


class Worker:
    """One process and a line to it. It was given ``tasks`` so far; ``share`` is after how many another should do.

    Its first child does only ``first`` of its files, so that those of several workers are not all replaced together.
    """

    def __init__(
        self,
        command: Sequence[str],
        settings: dict[str, Any],
        folder: Path,
        *,
        share: int = 1,
        first: int | None = None,
    ) -> None:
        self._control, theirs = pair()
        with theirs, contextlib.ExitStack() as unless_started:
            unless_started.callback(self._control.close)
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [*command, *_room(settings)],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=folder,
                env=_environment(),
                start_new_session=True,  # an interrupt at the terminal is for us to handle
            )
            unless_started.pop_all()
        self.tasks = 0
        self.listener: object = None  # who hears it from an event loop, or did last
        self._may_refuse = False
        self.share = share
        self.settings = settings
        with contextlib.suppress(ConnectionError, BlockingIOError):  # that it is gone is noticed soon enough
            send(self._control.fileno(), settings)
        self._line = open_line(self._control)
        self._left = FILES_PER_CHILD if first is None else first

    def ask(
        self,
        task: dict[str, Any],
        *,
        seconds: float,
        reply: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
        may_refuse: bool = False,
    ) -> dict[str, Any]:
        """The worker's answer. Raises WorkerGone, or ConfigurationError where the settings cannot be used.

        ``reply`` answers what the worker asks meanwhile (frames with the key ``asks``). ``may_refuse``: what is asked
        may itself be what cannot be done, which raises ConfigurationError too; whoever has met the file says so.
        """
        deadline = time.monotonic() + seconds
        self.tell(task, may_refuse=may_refuse)
        try:
            answer = receive(self._line.fileno(), deadline=deadline)
            while reply is not None and answer is not None and "asks" in answer:
                with contextlib.suppress(ConnectionError):
                    send(self._line.fileno(), reply(answer))
                answer = receive(self._line.fileno(), deadline=deadline)
        except DeadlineError:
            raise WorkerGone("worker.timeout") from None
        except (FrameError, BlockingIOError):
            raise WorkerGone("worker.answer") from None
        except ConnectionResetError:  # it went with something unread
            answer = None
        return self._heard(answer)

    def tell(self, task: dict[str, Any], *, wait: bool = True, may_refuse: bool = False) -> Frame:
        """Give it a task; the frame in which its answer will come, to be taken with ``hear``.

        Raises WorkerGone where it does not read what it is told, at once unless ``wait``.
        """
        self.tasks += 1
        self._may_refuse = may_refuse
        try:
            with contextlib.suppress(ConnectionError):  # it is gone; its last words may say why
                self._line.ask(task, wait=wait)
        except BlockingIOError:
            raise WorkerGone("worker.answer") from None
        return Frame(self._line.fileno())

    @property
    def is_at_its_last(self) -> bool:
        """Whether the answer that is to come is the last on this line."""
        return self._left <= 1

    def hear(self, frame: Frame) -> dict[str, Any]:
        """The answer that has arrived. Raises as ``ask`` does, after a second at most where the worker is gone."""
        try:
            return self._heard(frame.message())
        except FrameError:
            raise WorkerGone("worker.answer") from None

    def _heard(self, answer: dict[str, Any] | None) -> dict[str, Any]:
        if answer is None:
            raise self._last_words()
        if "refused" in answer:
            raise _refusal(answer) if self._may_refuse else WorkerGone("worker.answer")
        self._left -= 1
        if self._left <= 0:
            self._renew()
        return answer

    def _renew(self) -> None:
        """The next child, with a line of its own; the one before is no longer heard."""
        before, self._line = self._line, open_line(self._control)  # in this order: hung up on, it would end them all
        before.close()
        self._left = FILES_PER_CHILD

    def _last_words(self) -> Exception:
        """Why nobody answers. What the process itself says is believed of settings: it never meets a file (one that
        labels does, and ends with it).
        """
        with contextlib.suppress(OSError, ValueError, FrameError, DeadlineError):  # ValueError: ended meanwhile
            if (told := receive(self._control.fileno(), deadline=time.monotonic())) is not None:
                return _refusal(told)
        self._control.close()  # a process whose child merely hung up ends as well
        with contextlib.suppress(subprocess.TimeoutExpired):
            if self._process.wait(timeout=1) == -signal.SIGXCPU:
                return WorkerGone("worker.timeout")
        return WorkerGone("worker.crashed")

    def end(self) -> None:
        """End the process, and what it has started; it takes the remains of those, and we its own."""
        self._process.terminate()
        try:
            self._process.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired:  # somebody stopped it
            self._process.kill()
            self._process.wait()
        self._line.close()
        self._control.close()


def _refusal(told: Mapping[str, Any]) -> Exception:
    """``{"refused": {"code", "message"}}`` as an error of whoever asked."""
    match told:
        case {"refused": {"code": str(code), "message": str(message), **others}} if not others:
            return ConfigurationError(code, message)
    return WorkerGone("worker.answer")


def _environment() -> dict[str, str]:
    """What a worker may know of our environment: no proxies, no tokens; numeric libraries stay on one thread."""
    kept = {name: value for name in _KEPT_ENVIRONMENT if (value := os.environ.get(name)) is not None}
    if "C2PA_LIBRARY_NAME" in os.environ:  # passed on so that the engine's settings refuse it aloud
        kept["C2PA_LIBRARY_NAME"] = os.environ["C2PA_LIBRARY_NAME"]
    return kept | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"} | _MEMORY
