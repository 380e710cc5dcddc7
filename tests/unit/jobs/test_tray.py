# SPDX-License-Identifier: Apache-2.0
"""Memory that two processes have: one writes to it, the other cannot."""

import mmap
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from waarmerk.provenance.jobs import tray
from waarmerk.provenance.jobs.tray import TRAY_BYTES, Tray

pytestmark = pytest.mark.skipif(not tray.has_trays(), reason="such memory exists on Linux only")


@pytest.fixture
def made() -> Iterator[tuple[Tray, int]]:
    pair = Tray.made()
    assert pair is not None
    yield pair
    pair[0].close()
    with suppress(OSError):
        os.close(pair[1])


@pytest.mark.parametrize("size", [0, 1, 5000, TRAY_BYTES])
def test_what_is_put_at_one_end_is_taken_at_the_other(made: tuple[Tray, int], size: int) -> None:
    ours, theirs = made[0], Tray.taken(os.dup(made[1]))
    for data in (os.urandom(size), os.urandom(size // 2)):
        ours.put(memoryview(data))
        assert theirs.take(len(data)) == data
    theirs.close()


def test_more_than_a_tray_holds_is_an_error_and_changes_nothing(made: tuple[Tray, int]) -> None:
    ours, theirs = made[0], Tray.taken(os.dup(made[1]))
    ours.put(memoryview(b"before"))
    with pytest.raises((ValueError, IndexError)):
        ours.put(memoryview(bytes(TRAY_BYTES + 1)))
    assert theirs.take(6) == b"before"
    theirs.close()


@pytest.mark.parametrize(
    "act",
    [
        lambda fd: os.write(fd, b"x"),
        lambda fd: os.ftruncate(fd, 1),
        lambda fd: mmap.mmap(fd, 4096),
        lambda fd: os.write(os.open(f"/proc/self/fd/{fd}", os.O_RDWR), b"x"),
        lambda fd: mmap.mmap(os.open(f"/proc/self/fd/{fd}", os.O_RDWR), 4096),
        lambda fd: os.ftruncate(os.open(f"/proc/self/fd/{fd}", os.O_RDWR), 1),
        lambda fd: os.ftruncate(os.open(f"/proc/self/fd/{fd}", os.O_RDWR), TRAY_BYTES + 1),
    ],
)
def test_the_other_end_only_reads(made: tuple[Tray, int], act: Callable[[int], object]) -> None:
    made[0].put(memoryview(b"before"))
    with pytest.raises(OSError, match=r"ermitted|denied|descriptor|Invalid"):
        act(made[1])
    assert Tray.taken(os.dup(made[1])).take(6) == b"before"


def test_where_there_is_no_such_memory_there_is_no_tray(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise OSError("no")

    before = len(list(Path("/proc/self/fd").iterdir()))
    monkeypatch.setattr(os, "memfd_create", refuse)
    assert Tray.made() is None
    monkeypatch.undo()
    monkeypatch.setattr(tray.fcntl, "fcntl", refuse)  # a kernel before 5.1
    assert Tray.made() is None
    assert len(list(Path("/proc/self/fd").iterdir())) == before
