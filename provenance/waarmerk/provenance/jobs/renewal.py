# SPDX-License-Identifier: Apache-2.0
"""A process that has everything loaded and lets children do the work, one after the other.

A child takes over what is loaded, in a millisecond, and leaves with whatever files told it or made it leak. The
process itself never sees a file. Each child has a line of its own to whoever has tasks; when that sends the next line,
or none, the child and all that it may have started are gone before anything else happens.
"""

import contextlib
import ctypes
import os
import select
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from waarmerk.provenance.jobs.confine import keep_to_itself
from waarmerk.provenance.jobs.line import Line, next_line

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_CONTROL, _NOWHERE = 0, 2  # where lines come from; what is written to the other goes nowhere


def can_be_renewed() -> bool:
    """Whether this process may go on in a child: on Linux (5.3), with one thread, for others would leave their locks
    shut.
    """
    if sys.platform != "linux":
        return False
    try:
        os.close(os.pidfd_open(os.getpid()))
        return len(list(Path("/proc/self/task").iterdir())) == 1
    except OSError:
        return False


def in_children(prepare: Callable[[], None], serve: Callable[[Line], None]) -> NoReturn:
    """``prepare`` here, ``serve`` a line in a child; the same for each line that comes, then end.

    A child that ends while its line is open takes this process with it, in the same way: who waits for one learns what
    became of the other. What follows is a new program with another layout of memory, so nobody learns it by crashing.
    A SIGTERM to this process kills the child, and its remains are taken.
    """
    keep_to_itself()
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # what a child leaves behind falls to this process
    line = next_line(_CONTROL)
    while line is not None:
        prepare()
        line = _one(line, serve)
    os._exit(0)


def _one(line: Line, serve: Callable[[Line], None]) -> Line | None:
    """Have one child serve; the line that comes after it."""
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        _live(parent, line, serve)
    line.close()  # else its end here would hide that the child hung up
    ending: list[bool] = []

    def end(*_: object) -> None:
        ending.append(True)
        with contextlib.suppress(ProcessLookupError):  # it is gone, and what it left is being taken away
            os.kill(child, signal.SIGKILL)

    signal.signal(signal.SIGTERM, end)
    if not _is_called(child):
        status = _clear(child)
        if os.WIFSIGNALED(status):
            _die_of(os.WTERMSIG(status))
        os._exit(os.WEXITSTATUS(status))
    following = next_line(_CONTROL)
    os.kill(child, signal.SIGKILL)  # it has answered all it was asked, or is not to
    _clear(child)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    return None if ending else following


def _is_called(child: int) -> bool:
    """Wait until somebody calls for the next child, or this one ended before."""
    ended = os.pidfd_open(child)
    try:
        poll = select.poll()
        poll.register(_CONTROL, select.POLLIN)
        poll.register(ended, select.POLLIN)
        return _CONTROL in dict(poll.poll())
    finally:
        os.close(ended)


def _clear(child: int) -> int:
    """Take the remains of the child, and end all that it started, until there is nothing below this process.

    How the child ended.
    """
    _, status = os.waitpid(child, 0)
    with contextlib.suppress(ChildProcessError):
        while True:
            for left in _below():
                with contextlib.suppress(OSError):
                    os.kill(left, signal.SIGKILL)
            os.waitpid(-1, 0)
    return status


def _below() -> list[int]:
    """The processes that fell to this one."""
    found = []
    for each in Path("/proc").iterdir():
        if each.name.isdecimal():
            with contextlib.suppress(OSError, ValueError, IndexError):
                if int((each / "stat").read_text().rpartition(")")[2].split()[1]) == os.getpid():
                    found.append(int(each.name))
    return found


def _live(parent: int, line: Line, serve: Callable[[Line], None]) -> NoReturn:
    code = 1
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() == parent:  # it may have ended before that
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.dup2(_NOWHERE, _CONTROL)  # the lines of those that follow are none of its business
            serve(line)
            code = 0
    finally:
        os._exit(code)


def _die_of(number: int) -> NoReturn:
    if number != signal.SIGKILL:
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    os._exit(1)
