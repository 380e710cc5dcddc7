# SPDX-License-Identifier: Apache-2.0
"""Bytes on their way to a worker: in memory or in a file, always the same."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from waarmerk.provenance.jobs import spool
from waarmerk.provenance.jobs.spool import Spooled
from waarmerk.provenance.jobs.tray import TRAY_BYTES, has_trays

needs_trays = pytest.mark.skipif(not has_trays(), reason="such memory exists on Linux only")


def always() -> bool:
    return True


@needs_trays
def test_what_fits_stays_in_memory_until_a_file_is_wanted() -> None:
    data = os.urandom(TRAY_BYTES)
    with Spooled(has_room=always) as copy:
        for at in range(0, len(data), 2**18):
            copy.write(data[at : at + 2**18])
        assert (copy.in_memory, copy.size, copy.head(10)) == (data, TRAY_BYTES, data[:10])
        assert copy.path.read_bytes() == data
        assert (copy.in_memory, copy.size, copy.head(10)) == (None, TRAY_BYTES, data[:10])
        path = copy.path
    assert not path.exists()


@pytest.mark.parametrize("sizes", [(TRAY_BYTES + 1,), (TRAY_BYTES, 1), (1, TRAY_BYTES), (3, TRAY_BYTES - 2, 5)])
def test_what_does_not_fit_is_a_file(sizes: tuple[int, ...]) -> None:
    pieces = [os.urandom(size) for size in sizes]
    with Spooled(has_room=always) as copy:
        for piece in pieces:
            copy.write(piece)
        assert copy.in_memory is None
        assert copy.size == sum(sizes)
        assert copy.path.read_bytes() == b"".join(pieces)


def test_where_memory_is_short_the_rest_and_what_came_before_is_a_file() -> None:
    answers = iter([True, False])
    with Spooled(has_room=lambda: next(answers)) as copy:
        copy.write(b"one")
        copy.write(b"two")
        copy.write(b"three")
        assert copy.in_memory is None
        assert (copy.head(4), copy.path.read_bytes()) == (b"onet", b"onetwothree")


@needs_trays
def test_a_full_disk_loses_nothing_and_writes_nothing_twice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with Spooled(has_room=always) as copy:
        copy.write(b"bytes")
        monkeypatch.setattr(spool, "gettempdir", lambda: str(tmp_path / "gone"))
        monkeypatch.setattr(spool, "TemporaryFile", full)
        before = len(list(Path("/proc/self/fd").iterdir()))
        for _ in range(3):
            with pytest.raises(OSError, match="room"):
                copy.path  # noqa: B018
        assert copy.in_memory == b"bytes"
        assert len(list(Path("/proc/self/fd").iterdir())) == before
        monkeypatch.undo()
        assert copy.path.read_bytes() == b"bytes"


def full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "no room")


def test_nothing_at_all_is_a_file_of_no_bytes() -> None:
    with Spooled(has_room=always) as copy:
        assert (copy.size, copy.head(10), copy.path.read_bytes()) == (0, b"", b"")


def test_what_a_disk_has_no_room_for_is_told_once_and_not_again_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "nameless_file", on_a_full_disk)
    with Spooled(has_room=lambda: False) as copy:
        copy.write(b"less than a buffer")
        with pytest.raises(OSError, match="No space"):
            copy.flush()


@contextmanager
def on_a_full_disk() -> Iterator[tuple[IO[bytes], Path]]:
    with open("/dev/full", "r+b") as file:  # noqa: PTH123 - as ``os.fdopen``
        yield file, Path("/dev/full")
