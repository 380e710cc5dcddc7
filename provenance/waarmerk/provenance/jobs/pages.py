# SPDX-License-Identifier: Apache-2.0
"""Memory in large pages (``madvise(2)``, MADV_COLLAPSE, Linux 6.1)."""

import ctypes
import sys
from collections.abc import Iterator
from pathlib import Path

_COLLAPSE, _LARGE = 25, 2 * 2**20  # bytes: of x86-64, and of aarch64 with pages of 4 KiB
_MAPS = Path("/proc/self/maps")


def gather() -> int:
    """Move what this process holds in memory of its own into large pages; how many bytes lie in them now.

    A process that takes turns with others finds its table of pages forgotten each time, and in a virtual machine each
    page is looked up in two. For a child of ``renewal`` it also is the moment at which it gets a copy of what it will
    write to, which otherwise comes page by page. Where the kernel has none to give, all stays as it was.
    """
    if sys.platform != "linux":
        return 0
    try:
        mapped = list(_private(_MAPS.read_text("ascii", "replace")))
    except (OSError, ValueError):  # no /proc, or another kind of it
        return 0
    libc, gathered = ctypes.CDLL(None), 0
    for first, end in mapped:
        if libc.madvise(ctypes.c_void_p(first), ctypes.c_size_t(end - first), _COLLAPSE) == 0:
            gathered += end - first
    return gathered


def _private(maps: str) -> Iterator[tuple[int, int]]:
    """The whole large pages within what is written to and belongs to no file (``proc_pid_maps(5)``)."""
    for line in maps.splitlines():
        where, mode, _, _, inode, *name = line.split()
        if mode == "rw-p" and inode == "0" and name in ([], ["[heap]"]):
            first, end = (int(each, 16) for each in where.split("-"))
            first, end = -(-first // _LARGE) * _LARGE, end // _LARGE * _LARGE
            if first < end:
                yield first, end
