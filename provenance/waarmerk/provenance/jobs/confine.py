# SPDX-License-Identifier: Apache-2.0
"""Give up, for good, what a process that parses hostile files must not have: memory, files, network, programs.

Linux: resource limits, ``PR_SET_NO_NEW_PRIVS`` and a seccomp filter (``man 2 seccomp``). Elsewhere only what the
platform has. Confinement is a second wall: the first is that nothing in this project asks for a network.
"""

import ctypes
import platform
import resource
import signal
import sys

from waarmerk.provenance.jobs.filters import Rule, install, program

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38

# socket, connect, socketpair, execve, execveat, ptrace, io_uring_setup, process_vm_readv, process_vm_writev,
# pidfd_getfd: linux/arch/*/unistd tables
_REFUSED = {
    "x86_64": (0xC000003E, (41, 42, 53, 59, 322, 101, 425, 310, 311, 438)),
    "aarch64": (0xC00000B7, (198, 203, 199, 221, 281, 117, 425, 270, 271, 438)),
}


def limit_resources(
    *, address_space_bytes: int, open_files: int, data_bytes: int | None = None, may_write: bool = False
) -> None:
    """Bound this process for good: address space, open files, no core dump, and unless ``may_write`` no byte written
    to any file.

    ``data_bytes`` (as much as the address space where it is None) bounds what is the process's own: its heap, the
    stacks of its threads, anonymous memory. Files that are mapped to be read are not, since Linux 4.7 (``man 2
    setrlimit``, RLIMIT_DATA).
    """
    bounds = {resource.RLIMIT_AS: address_space_bytes, resource.RLIMIT_NOFILE: open_files, resource.RLIMIT_CORE: 0}
    bounds[resource.RLIMIT_DATA] = address_space_bytes if data_bytes is None else data_bytes
    if not may_write:
        bounds[resource.RLIMIT_FSIZE] = 0
    for what, soft in bounds.items():
        _, hard = resource.getrlimit(what)
        bound = soft if hard == resource.RLIM_INFINITY else min(soft, hard)
        resource.setrlimit(what, (bound, bound))


def grant_cpu_seconds(seconds: int) -> None:
    """Allow this many more seconds of processor time; beyond them the kernel ends the process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = int(used.ru_utime + used.ru_stime) + seconds + 1
    resource.setrlimit(resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))


def refuse_network_and_programs() -> bool:
    """No socket and no other program from here on, for this thread and all it starts; die with the parent.

    Returns whether the kernel agreed to the filter.
    """
    if sys.platform != "linux" or platform.machine() not in _REFUSED:
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    architecture, refused = _REFUSED[platform.machine()]
    return install(program(architecture, map(Rule, refused)))


def keep_to_itself() -> None:
    """From here on nobody of the same user looks or writes into the memory of this process, nor opens what it holds
    (``/proc/PID/mem``, ``/proc/PID/fd``; Linux, ``PR_SET_DUMPABLE``). It leaves no core either.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
