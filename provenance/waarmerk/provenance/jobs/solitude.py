# SPDX-License-Identifier: Apache-2.0
"""What a process that reads somebody's file gives up beyond ``confine``: other processes, and files to change.

A decoder may be taken over by the file it decodes. What then remains is this process, until it is ended: it starts no
other, sends no signal to any, and opens, makes, renames and removes nothing. Linux, x86-64 and aarch64; where the
kernel has Landlock that stands behind it, and keeps the memory of all other processes closed as well.
"""

import ctypes
import errno
import os
import platform
import struct
import sys

from waarmerk.provenance.jobs.filters import Rule, install, program

_CLONE_THREAD, _PR_SET_PDEATHSIG = 0x10000, 1
_F_SETOWN, _F_SETOWN_EX, _FIOSETOWN, _SIOCSPGRP = 8, 15, 0x8901, 0x8902  # whom the kernel sends a signal about a file
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
# The numbers of linux/arch/*/unistd tables. None: this machine has no such call.
_NUMBERS: dict[str, tuple[int, dict[str, int]]] = {
    "x86_64": (
        0xC000003E,
        {
            "clone": 56, "fork": 57, "vfork": 58, "clone3": 435,
            "kill": 62, "tkill": 200, "tgkill": 234, "pidfd_send_signal": 424, "rt_sigqueueinfo": 129,
            "rt_tgsigqueueinfo": 297, "fcntl": 72, "ioctl": 16,
            "prlimit64": 302, "prctl": 157, "setpriority": 141, "sched_setparam": 142, "sched_setscheduler": 144,
            "sched_setattr": 314, "sched_setaffinity": 203, "ioprio_set": 251, "process_madvise": 440,
            "process_mrelease": 448, "kcmp": 312, "move_pages": 279, "migrate_pages": 256, "perf_event_open": 298,
            "unshare": 272, "setns": 308, "mount": 165, "bpf": 321, "userfaultfd": 323,
            "add_key": 248, "request_key": 249, "keyctl": 250, "shmget": 29, "shmat": 30, "shmctl": 31, "semget": 64,
            "semop": 65, "semctl": 66, "msgget": 68, "msgsnd": 69, "msgrcv": 70, "msgctl": 71, "mq_open": 240,
            "mq_unlink": 241, "sendto": 44, "sendmsg": 46, "sendmmsg": 307,
            "open": 2, "openat": 257, "openat2": 437, "creat": 85, "open_by_handle_at": 304,
            "truncate": 76, "unlink": 87, "unlinkat": 263, "rename": 82, "renameat": 264, "renameat2": 316,
            "link": 86, "linkat": 265, "symlink": 88, "symlinkat": 266, "mkdir": 83, "mkdirat": 258, "rmdir": 84,
            "mknod": 133, "mknodat": 259, "chmod": 90, "fchmod": 91, "fchmodat": 268, "fchmodat2": 452,
            "chown": 92, "fchown": 93, "lchown": 94, "fchownat": 260, "utime": 132, "utimes": 235,
            "futimesat": 261, "utimensat": 280, "setxattr": 188, "lsetxattr": 189, "fsetxattr": 190,
            "removexattr": 197, "lremovexattr": 198, "fremovexattr": 199, "setxattrat": 463, "removexattrat": 466,
        },
    ),
    "aarch64": (
        0xC00000B7,
        {
            "clone": 220, "clone3": 435,
            "kill": 129, "tkill": 130, "tgkill": 131, "pidfd_send_signal": 424, "rt_sigqueueinfo": 138,
            "rt_tgsigqueueinfo": 240, "fcntl": 25, "ioctl": 29,
            "prlimit64": 261, "prctl": 167, "setpriority": 140, "sched_setparam": 118, "sched_setscheduler": 119,
            "sched_setattr": 274, "sched_setaffinity": 122, "ioprio_set": 30, "process_madvise": 440,
            "process_mrelease": 448, "kcmp": 272, "move_pages": 239, "migrate_pages": 238, "perf_event_open": 241,
            "unshare": 97, "setns": 268, "mount": 40, "bpf": 280, "userfaultfd": 282,
            "add_key": 217, "request_key": 218, "keyctl": 219, "shmget": 194, "shmat": 196, "shmctl": 195,
            "semget": 190, "semop": 193, "semctl": 191, "msgget": 186, "msgsnd": 189, "msgrcv": 188, "msgctl": 187,
            "mq_open": 180, "mq_unlink": 181, "sendto": 206, "sendmsg": 211, "sendmmsg": 269,
            "openat": 56, "openat2": 437, "open_by_handle_at": 265,
            "truncate": 45, "unlinkat": 35, "renameat": 38, "renameat2": 276,
            "linkat": 37, "symlinkat": 36, "mkdirat": 34,
            "mknodat": 33, "fchmod": 52, "fchmodat": 53, "fchmodat2": 452,
            "fchown": 55, "fchownat": 54, "utimensat": 88, "setxattr": 5, "lsetxattr": 6, "fsetxattr": 7,
            "removexattr": 14, "lremovexattr": 15, "fremovexattr": 16, "setxattrat": 463, "removexattrat": 466,
        },
    ),
}  # fmt: skip
_STARTS = ("fork", "vfork")
_SIGNALS = ("tkill", "pidfd_send_signal", "rt_sigqueueinfo", "rt_tgsigqueueinfo")
_OTHERS = (
    *("process_madvise", "process_mrelease", "kcmp", "move_pages", "migrate_pages", "perf_event_open"),
    *(
        "unshare",
        "setns",
        "mount",
        "bpf",
        "userfaultfd",
        "add_key",
        "request_key",
        "keyctl",
        "shmget",
        "shmat",
        "shmctl",
    ),
    *("semget", "semop", "semctl", "msgget", "msgsnd", "msgrcv", "msgctl", "mq_open", "mq_unlink"),
    *("sendto", "sendmsg", "sendmmsg"),  # its answers are written; these would send what is not read in its turn
)
_TURNS = ("sched_setparam", "sched_setscheduler", "sched_setattr", "sched_setaffinity")
_CHANGES = (
    *("creat", "open_by_handle_at", "truncate", "unlink", "unlinkat", "rename", "renameat", "renameat2"),
    *("link", "linkat", "symlink", "symlinkat", "mkdir", "mkdirat", "rmdir", "mknod", "mknodat"),
    *("chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown", "fchownat"),
    *("utime", "utimes", "futimesat", "utimensat", "setxattr", "lsetxattr", "fsetxattr", "setxattrat"),
    *("removexattr", "lremovexattr", "fremovexattr", "removexattrat"),
)

_LANDLOCK_CREATE, _LANDLOCK_RESTRICT, _LANDLOCK_VERSION = 444, 446, 1  # the same on all machines
_SCOPES = 0b11  # abstract sockets, signals: since 6
_CAPSET_VERSION, _CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH = 0x20080522, 1, 2
_CAPABILITIES = "=6I"  # effective, permitted, inheritable, twice: for numbers below 32 and beyond


def withdraw(*, may_write: bool = False, may_start: bool = False) -> bool:
    """Give up other processes and, unless ``may_write``, changing files; for good. To be called after
    ``confine.refuse_network_and_programs`` by a process with one thread.

    ``may_start`` leaves it processes of its own, which inherit the rest, and signals; where there is Landlock only to
    those (``man 7 landlock``: signals leave a domain since version 6). Returns whether the kernel agreed to the filter.
    """
    if sys.platform != "linux" or platform.machine() not in _NUMBERS:
        return False
    if not may_write:
        _give_up_capabilities()
    _enter_landlock(may_write=may_write)
    architecture, numbers = _NUMBERS[platform.machine()]
    return install(program(architecture, _rules(numbers, may_write=may_write, may_start=may_start)))


def _rules(numbers: dict[str, int], *, may_write: bool, may_start: bool) -> list[Rule]:
    me = os.getpid()
    refused = [*_OTHERS, *(() if may_start else (*_STARTS, *_SIGNALS)), *(() if may_write else _CHANGES)]
    rules = [Rule(numbers[name]) for name in refused if name in numbers]
    if not may_write:  # encoders give turns to their threads, by numbers that nobody knows before
        rules += [Rule(numbers[name], unless=(0, me)) for name in _TURNS]
        rules += [Rule(numbers[name], argument=1, unless=(0, me)) for name in ("setpriority", "ioprio_set")]
    rules += [
        Rule(numbers["prlimit64"], unless=(0, me)),
        Rule(numbers["fcntl"], argument=1, among=(_F_SETOWN, _F_SETOWN_EX)),
        Rule(numbers["ioctl"], argument=1, among=(_FIOSETOWN, _SIOCSPGRP)),
    ]
    if not may_start:
        rules += [Rule(numbers[name], unless=(me,)) for name in ("kill", "tgkill")]  # abort(3) sends itself one
        rules.append(Rule(numbers["prctl"], among=(_PR_SET_PDEATHSIG,)))  # it dies with whoever started it
        rules.append(Rule(numbers["clone"], without=_CLONE_THREAD))
        # Its flags are in memory, where no filter sees them; the C library falls back to clone.
        rules.append(Rule(numbers["clone3"], error=errno.ENOSYS))
    if not may_write:
        rules += [
            Rule(numbers[name], argument=at, bits=_WRITES, error=errno.EACCES)
            for name, at in (("open", 1), ("openat", 2))
            if name in numbers
        ]
        rules.append(Rule(numbers["openat2"], error=errno.ENOSYS))  # as clone3
    return rules


def _enter_landlock(*, may_write: bool) -> None:
    """A domain without a place to write; from within one, no process outside can be traced or its memory opened."""
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_LANDLOCK_CREATE, None, ctypes.c_size_t(0), _LANDLOCK_VERSION)
    if version < 1 or (may_write and version < 6):  # any rule on files would also forbid to move one between folders
        return
    first, last = 4, 12 + (version >= 2) + (version >= 3)  # REMOVE_DIR … MAKE_SYM, REFER, TRUNCATE
    writes = 0 if may_write else 1 << 1 | sum(1 << bit for bit in range(first, last + 1))
    wanted = struct.pack("=QQQ", writes, 0, _SCOPES if version >= 6 else 0)[: 24 if version >= 6 else 8]
    rules = libc.syscall(_LANDLOCK_CREATE, wanted, ctypes.c_size_t(len(wanted)), 0)
    if rules >= 0:
        libc.syscall(_LANDLOCK_RESTRICT, rules, 0)
        os.close(rules)


def _give_up_capabilities() -> None:
    """Where the superuser runs this: of what it may, only opening files to be read stays."""
    libc, header = ctypes.CDLL(None), struct.pack("=Ii", _CAPSET_VERSION, 0)
    held = ctypes.create_string_buffer(struct.calcsize(_CAPABILITIES))
    if libc.capget(header, held) != 0:
        return
    _, permitted, *_ = struct.unpack(_CAPABILITIES, held.raw)
    kept = permitted & (1 << _CAP_DAC_READ_SEARCH) or permitted & (1 << _CAP_DAC_OVERRIDE)  # containers have the other
    libc.capset(header, struct.pack(_CAPABILITIES, kept, kept, 0, 0, 0, 0))
