# SPDX-License-Identifier: Apache-2.0
"""A process that has everything loaded and lets children do the work, one after the other.

A child takes over what is loaded, in a millisecond, and leaves with whatever files told it or made it leak. The
process itself never sees a file.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE = 1, 4
_DONE = 113  # exit code of a child that did its share; another one is next


def can_be_renewed() -> bool:
    """Whether this process may go on in a child: on Linux, with one thread, for others would leave their locks shut."""
    if sys.platform != "linux":
        return False
    try:
        return len(list(Path("/proc/self/task").iterdir())) == 1
    except OSError:
        return False


def in_children(prepare: Callable[[], None], serve: Callable[[], bool]) -> NoReturn:
    """``prepare`` here, ``serve`` in a child; the same with another child for as long as ``serve`` says True; then end.

    A child that ends in any other way takes this process with it, in the same way: who waits for one learns what became
    of the other. What follows is a new program with another layout of memory, so nobody learns it by crashing.
    A SIGTERM to this process kills the child, and its remains are taken.
    """
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)  # a child that was taken over cannot look or write in here
    while True:
        prepare()
        status = _one(serve)
        if os.WIFSIGNALED(status):
            _die_of(os.WTERMSIG(status))
        if os.WEXITSTATUS(status) != _DONE:
            os._exit(os.WEXITSTATUS(status))


def _one(serve: Callable[[], bool]) -> int:
    """Have one child serve; how it ended."""
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        _live(parent, serve)
    signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGKILL))
    _, status = os.waitpid(child, 0)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    return status


def _live(parent: int, serve: Callable[[], bool]) -> NoReturn:
    code = 1
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() == parent:  # it may have ended before that
            code = _DONE if serve() else 0
    finally:
        os._exit(code)


def _die_of(number: int) -> NoReturn:
    if number != signal.SIGKILL:
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    os._exit(1)
