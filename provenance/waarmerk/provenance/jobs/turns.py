# SPDX-License-Identifier: Apache-2.0
"""How the scheduler takes turns with a process that computes for ten milliseconds at a time (sched(7))."""

import contextlib
import ctypes
import os
import platform
import struct
import sys

_SLICE_NS = 30_000_000
_ATTRIBUTES = struct.Struct("=IIQiIQQQ")  # struct sched_attr: size, policy, flags, nice, priority, runtime, …
_SCHED_SETATTR = {"x86_64": 314, "aarch64": 274}


def take_long_turns() -> bool:
    """Let this process, and those it starts, finish a file before another of their kind has its turn; whoever sleeps
    and wakes for a moment, as a service does, still goes first. Nothing is asked for that needs a privilege.

    Returns whether a long turn was granted (Linux 6.12); before that there is SCHED_BATCH, elsewhere nothing.
    """
    if sys.platform != "linux":
        return False
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    number = _SCHED_SETATTR.get(platform.machine())
    if number is None:
        return False
    wanted = _ATTRIBUTES.pack(_ATTRIBUTES.size, os.SCHED_BATCH, 0, os.nice(0), 0, _SLICE_NS, 0, 0)
    return bool(ctypes.CDLL(None).syscall(number, 0, wanted, 0) == 0)
