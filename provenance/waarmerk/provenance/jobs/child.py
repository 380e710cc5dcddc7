# SPDX-License-Identifier: Apache-2.0
"""A worker process and its pipes, as whoever gives it tasks sees them."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, cast

from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.jobs.frames import DeadlineError, FrameError, receive, send

# Freed memory stays with the worker for its next file; by its own rules the C library gives it back and fetches it anew
# for every file, page by page. Given back at once: blocks beyond 4 MiB, the end of the heap beyond 32 MiB (mallopt(3)).
_MEMORY = {
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
    """One process and its pipes. It was given ``tasks`` so far; ``share`` is after how many another should do."""

    def __init__(self, command: Sequence[str], settings: dict[str, Any], folder: Path, *, share: int = 1) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [*command, *_room(settings)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env=_environment(),
            start_new_session=True,  # an interrupt at the terminal is for us to handle
        )
        self._in = cast(IO[bytes], self._process.stdin).fileno()
        self._out = cast(IO[bytes], self._process.stdout).fileno()
        self.tasks = 0
        self.share = share
        self.settings = settings
        with contextlib.suppress(BrokenPipeError):  # its answer will say so
            send(self._in, settings)

    def ask(
        self,
        task: dict[str, Any],
        *,
        seconds: float,
        reply: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
    ) -> dict[str, Any]:
        """The worker's answer. Raises WorkerGone, or ConfigurationError where the settings were refused.

        ``reply`` answers what the worker asks meanwhile (frames with the key ``asks``).
        """
        self.tasks += 1
        deadline = time.monotonic() + seconds
        try:
            with contextlib.suppress(BrokenPipeError):  # a refusal may already wait in the other pipe
                send(self._in, task)
            answer = receive(self._out, deadline=deadline)
            while reply is not None and answer is not None and "asks" in answer:
                with contextlib.suppress(BrokenPipeError):
                    send(self._in, reply(answer))
                answer = receive(self._out, deadline=deadline)
        except DeadlineError:
            raise WorkerGone("worker.timeout") from None
        except FrameError:
            raise WorkerGone("worker.answer") from None
        if answer is None:
            raise WorkerGone(self._last_words())
        if "refused" in answer:
            raise ConfigurationError(str(answer["refused"]["code"]), str(answer["refused"]["message"]))
        return answer

    def _last_words(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            if self._process.wait(timeout=1) == -signal.SIGXCPU:
                return "worker.timeout"
        return "worker.crashed"

    def end(self) -> None:
        """End the process, and what it has started; it takes the remains of those, and we its own."""
        self._process.terminate()
        try:
            self._process.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired:  # somebody stopped it
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def _environment() -> dict[str, str]:
    """What a worker may know of our environment: no proxies, no tokens; numeric libraries stay on one thread."""
    kept = {name: value for name in _KEPT_ENVIRONMENT if (value := os.environ.get(name)) is not None}
    if "C2PA_LIBRARY_NAME" in os.environ:  # passed on so that the engine's settings refuse it aloud
        kept["C2PA_LIBRARY_NAME"] = os.environ["C2PA_LIBRARY_NAME"]
    return kept | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"} | _MEMORY
