# SPDX-License-Identifier: Apache-2.0
"""Closed detectors, each in a process of its own beside the worker that asks it.

A detector is an entry point of the group ``waarmerk.detectors`` that is named in the settings: being installed is not
being trusted. It is called once, without arguments, for a function from pixels (H x W x 3, uint8, RGB, read-only) to
the plain data of ``sources.closed.read_answer``. Its process is forked from the confined worker, so that it has no
network, writes no file and starts no program; one that hangs, crashes or talks nonsense is ended and its file's
channel is unread.
"""

import ctypes
import mmap
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, NamedTuple

from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.jobs.frames import DeadlineError, FrameError, receive, seconds_from_now, send
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.sources import EvidenceSource
from waarmerk.provenance.sources.closed import ClosedMarkSource, NoAnswer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

GROUP = "waarmerk.detectors"
SECONDS = 10.0  # for one picture, loading included the first time
_PR_SET_PDEATHSIG = 1

Detect = Callable[["NDArray[np.uint8]"], Any]


def closed_sources(declared: Iterable[tuple[str, str]], limits: Limits) -> tuple[EvidenceSource, ...]:
    """A source for each (name, kind). Raises ConfigurationError for a detector that is not installed, or twice."""
    sources = []
    for name, kind in declared:
        installed = tuple(entry_points(group=GROUP, name=name))
        if len(installed) != 1:
            what = "not installed" if not installed else "installed more than once"
            raise ConfigurationError("detector.not-found", f"the detector {name} is {what}")
        sources.append(
            ClosedMarkSource(name, kind, Apart(installed[0].load, max_bytes=3 * limits.frame_pixels), limits)
        )
    return tuple(sources)


class Apart:
    """A detector in a process of its own, started when first asked and again after it was ended."""

    def __init__(self, load: Callable[[], Callable[[], Detect]], *, max_bytes: int, seconds: float = SECONDS) -> None:
        """``load`` imports the factory of the detector, in the other process only."""
        self._load = load
        self._seconds = seconds
        self._max_bytes = max_bytes
        self._process: _Process | None = None

    def ask(self, rgb: "NDArray[np.uint8]") -> Mapping[str, Any]:
        """Its answer, not yet held against the schema. Raises NoAnswer."""
        if rgb.nbytes > self._max_bytes:
            raise NoAnswer("detector.unreadable")
        process = self._process = self._process or _Process.start(self._load, self._max_bytes)
        process.pixels[: rgb.nbytes] = rgb.tobytes()
        try:
            send(process.requests, {"shape": list(rgb.shape)})
            said = receive(process.answers, deadline=seconds_from_now(self._seconds))
        except DeadlineError:
            self.end()
            raise NoAnswer("detector.timeout") from None
        except FrameError:
            self.end()
            raise NoAnswer("detector.answer") from None
        except BrokenPipeError:
            said = None
        if said is None:
            self.end()
            raise NoAnswer("detector.crashed")
        if not isinstance(said.get("answer"), dict):
            raise NoAnswer("detector.answer" if "answer" in said else "detector.crashed")
        answer: Mapping[str, Any] = said["answer"]
        return answer

    def end(self) -> None:
        """End the process, if there is one."""
        process, self._process = self._process, None
        if process is not None:
            process.end()


class _Process(NamedTuple):
    """A running detector; ``pixels`` is memory that both processes see, so that no picture has to fit a pipe."""

    id: int
    requests: int
    answers: int
    pixels: mmap.mmap

    @classmethod
    def start(cls, load: Callable[[], Callable[[], Detect]], max_bytes: int) -> "_Process":
        pixels = mmap.mmap(-1, max_bytes)
        theirs_in, requests = os.pipe()
        answers, theirs_out = os.pipe()
        process = os.fork()
        if process == 0:
            try:
                _serve(load, pixels, theirs_in, theirs_out)
            finally:
                os._exit(0)
        os.close(theirs_in)
        os.close(theirs_out)
        return cls(process, requests, answers, pixels)

    def end(self) -> None:
        """Kill it and take its remains."""
        os.close(self.requests)
        os.close(self.answers)
        os.kill(self.id, signal.SIGKILL)
        os.waitpid(self.id, 0)
        self.pixels.close()


def _serve(load: Callable[[], Callable[[], Detect]], pixels: mmap.mmap, requests: int, answers: int) -> None:
    """The other process: answers until nobody asks any more."""
    import numpy as np  # noqa: PLC0415 - a worker without detectors does not pay

    _alone(requests, answers)
    detect: Detect | None = None
    while (asked := receive(requests)) is not None:
        try:
            height, width, depth = asked["shape"]
            rgb = np.frombuffer(bytes(pixels[: height * width * depth]), np.uint8).reshape(height, width, depth)
            detect = detect or load()()
            said = {"answer": detect(rgb)}
        except BaseException:
            said = {"fault": True}
        try:
            send(answers, said)
        except (TypeError, ValueError):  # what it answered is no plain data
            send(answers, {"answer": None})


def _alone(requests: int, answers: int) -> None:
    """Keep only the two pipes, die with the worker, and leave the time to the deadline of the other side."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    try:
        nowhere = os.open(os.devnull, os.O_RDWR)
    except PermissionError:  # in a worker, which opens nothing to be written; what it prints goes nowhere already
        nowhere = 2
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    first, last = sorted((requests, answers))
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    for low, high in ((3, first), (first + 1, last), (last + 1, min(most, 65_536))):
        os.closerange(low, high)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (hard, hard))
