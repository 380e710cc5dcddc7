# SPDX-License-Identifier: Apache-2.0
"""Memory in which small files are handed to a worker: written by whoever has tasks, read by the child at the other end
of one line.

A file made for each would be pages that the kernel finds, clears and takes back for every upload. These are there from
the start, for whoever writes to one that cannot be had any more is ended (SIGBUS); both sides have them mapped. They
are sealed (``memfd_create(2)``, ``fcntl(2)``): nobody changes their size, and nobody but this end writes to them.
"""

import fcntl
import os
import sys
from contextlib import suppress
from functools import cache
from mmap import PROT_READ, mmap
from typing import Self

TRAY_BYTES = 4 * 2**20
_MFD_NOEXEC_SEAL = 0x8  # linux/memfd.h, 6.3; machines may insist on it (vm.memfd_noexec)
_F_SEAL_FUTURE_WRITE = 0x10  # linux/fcntl.h, 5.1: who has it mapped to be written goes on writing, nobody else begins


class Tray:
    """One end."""

    def __init__(self, memory: mmap) -> None:
        """Use ``made`` or ``taken``."""
        self._memory = memory

    @classmethod
    def made(cls) -> tuple[Self, int] | None:
        """A new one, to be written to, and the descriptor that its other end is made from, for the caller to close.

        None where the system has no such memory now.
        """
        if sys.platform != "linux":
            return None
        with suppress(OSError):
            memory = _memory()
            try:
                os.posix_fallocate(memory, 0, TRAY_BYTES)
                mapped = mmap(memory, TRAY_BYTES)
                seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL | _F_SEAL_FUTURE_WRITE
                fcntl.fcntl(memory, fcntl.F_ADD_SEALS, seals)
                return cls(mapped), os.open(f"/proc/self/fd/{memory}", os.O_RDONLY | os.O_CLOEXEC)
            finally:
                os.close(memory)
        return None

    @classmethod
    def taken(cls, descriptor: int) -> Self:
        """The other end, to be read; this descriptor is closed. Raises OSError, ValueError."""
        try:
            return cls(mmap(descriptor, TRAY_BYTES, prot=PROT_READ))
        finally:
            os.close(descriptor)

    def put(self, data: memoryview) -> None:
        """Lay down at most ``TRAY_BYTES``, in place of what lay there."""
        self._memory[: len(data)] = data

    def take(self, size: int) -> bytes:
        """The first ``size`` bytes that lie there."""
        return self._memory[:size]

    def close(self) -> None:
        """Give it back, for this end."""
        self._memory.close()


@cache
def has_trays() -> bool:
    """Whether this system has such memory at all."""
    made = Tray.made()
    if made is None:
        return False
    os.close(made[1])
    made[0].close()
    return True


def _memory() -> int:
    flags = os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING
    try:
        return os.memfd_create("waarmerk", flags | _MFD_NOEXEC_SEAL)
    except OSError:  # an older kernel
        return os.memfd_create("waarmerk", flags)
