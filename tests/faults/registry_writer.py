# SPDX-License-Identifier: Apache-2.0
"""A process that has all loaded and lets children change a registry, to be killed: see ``test_registry_kill.py``.

A line on standard input says ``ACTION FOLDER HOW N``. The child dies after N seconds (HOW ``after``), before its N-th
call of the system that changes a file (``before``, traced by ptrace, Linux on x86-64), or not at all (``never``).
Answered is how it ended.
"""

import ctypes
import os
import pickle
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import cv2

from waarmerk.provenance import recovery as recovery_module
from waarmerk.provenance.build import build_recovery
from waarmerk.provenance.recovery import Wishes
from waarmerk.provenance.registry import exchange, index, package
from waarmerk.provenance.registry.store import Store
from waarmerk.provenance.settings import Settings

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
SHARD = 2  # entries; the real shards come with thousands
# linux/arch/x86/entry/syscalls/syscall_64.tbl, those that change files
WRITES = {1: "write", 18: "pwrite64", 20: "writev", 26: "msync", 74: "fsync", 75: "fdatasync", 76: "truncate"}
WRITES |= {77: "ftruncate", 82: "rename", 83: "mkdir", 86: "link", 87: "unlink", 90: "chmod", 91: "fchmod"}
WRITES |= {258: "mkdirat", 263: "unlinkat", 264: "renameat", 265: "linkat", 268: "fchmodat", 285: "fallocate"}
_OPENS = {2: 1, 257: 2}  # open and openat, and which argument has the flags
_TRACEME, _SYSCALL, _SETOPTIONS, _INFO = 0, 24, 0x4200, 0x420E
_SYSGOOD, _ENTRY = 1, 1


class _Info(ctypes.Structure):
    """``struct ptrace_syscall_info`` at the entry of a call."""

    _fields_ = (
        ("op", ctypes.c_uint8),
        ("pad", ctypes.c_uint8 * 3),
        ("arch", ctypes.c_uint32),
        ("ip", ctypes.c_uint64),
        ("sp", ctypes.c_uint64),
        ("number", ctypes.c_uint64),
        ("arguments", ctypes.c_uint64 * 6),
    )


_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


def act(action: str, folder: Path) -> None:
    """Change the registry in ``folder`` as the commands do."""
    index.SHARD_ENTRIES, recovery_module._SEALED_EVERY = SHARD, 1
    url = str(folder / "registry.sqlite")
    if action == "import":
        store = Store(url, writing=True)
        exchange.take(store, package.read((folder.parent / "package.json").read_bytes()), at=AT, accept=True)
        return
    at_work = build_recovery(Settings(registry=url), at=AT)
    if action == "add":
        features = pickle.loads((folder.parent / "features.pickle").read_bytes())
        at_work.enter(features[-1], Wishes(labels=("last",)), at=AT)
    else:
        at_work.remove([2, 3], at=AT)


def child(action: str, folder: Path, *, traced: bool) -> int:
    number = os.fork()
    if number:
        return number
    try:
        if traced:
            _libc.ptrace(_TRACEME, 0, None, None)
            os.kill(os.getpid(), signal.SIGSTOP)
        act(action, folder)
    except BaseException as fault:
        sys.stderr.write(repr(fault))
        os._exit(3)
    os._exit(0)


def changes(info: _Info) -> bool:
    number = int(info.number)
    return number in WRITES or (number in _OPENS and bool(info.arguments[_OPENS[number]] & os.O_CREAT))


def dies_before(number: int, count: int) -> int:
    """Let a traced child run up to its ``count``-th change; the status that it ends with."""
    status, seen = os.waitpid(number, 0)[1], 0
    _libc.ptrace(_SETOPTIONS, number, None, _SYSGOOD)
    passed = 0
    while os.WIFSTOPPED(status):
        if os.WSTOPSIG(status) == signal.SIGTRAP | 0x80:
            info = _Info()
            _libc.ptrace(_INFO, number, ctypes.sizeof(info), ctypes.addressof(info))
            seen += info.op == _ENTRY and changes(info)
            if seen == count:
                os.kill(number, signal.SIGKILL)
                return os.waitpid(number, 0)[1]
        elif os.WSTOPSIG(status) not in (signal.SIGSTOP, signal.SIGTRAP):
            passed = os.WSTOPSIG(status)
        _libc.ptrace(_SYSCALL, number, None, passed)
        status, passed = os.waitpid(number, 0)[1], 0
    return status


def main() -> None:
    cv2.setNumThreads(0)  # threads do not survive a fork
    for line in sys.stdin:
        action, folder, how, amount = line.split()
        number = child(action, Path(folder), traced=how == "before")
        if how == "before":
            status = dies_before(number, int(amount))
        else:
            if how == "after":
                time.sleep(float(amount))
                os.kill(number, signal.SIGKILL)  # not waited for yet, so it is still this one
            status = os.waitpid(number, 0)[1]
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
