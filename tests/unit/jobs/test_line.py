# SPDX-License-Identifier: Apache-2.0
"""A line whose other end does not read what it is told."""

import os
from pathlib import Path

import pytest

from waarmerk.provenance.jobs import line
from waarmerk.provenance.jobs.frames import FrameError
from waarmerk.provenance.jobs.line import Line, next_line, open_line, pair
from waarmerk.provenance.jobs.spool import Spooled, nameless_file
from waarmerk.provenance.jobs.tray import TRAY_BYTES, Tray

TASK = {"verb": "verify", "path": "x", "facts": ["x" * 1000]}


def test_a_task_and_its_file_arrive() -> None:
    ours, theirs = pair()
    with nameless_file() as (copy, path), ours, theirs:
        copy.write(b"bytes")
        copy.flush()
        Line(ours).ask({"path": str(path)}, wait=False)
        other = Line(theirs)
        told = other.task()
        assert told is not None
        assert os.pread(int(Path(told["path"]).name), 10, 0) == b"bytes"


@pytest.mark.parametrize("data", [b"bytes", b"", os.urandom(TRAY_BYTES)], ids=len)
@pytest.mark.parametrize("has_tray", [True, False])
def test_what_was_spooled_arrives(data: bytes, has_tray: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not has_tray:
        monkeypatch.setattr(Tray, "made", lambda: None)
    control, theirs = pair()
    with control, theirs, Spooled(has_room=lambda: True) as copy:
        ours, other = open_line(control), next_line(theirs.fileno())
        assert other is not None
        copy.write(data)
        ours.ask({"path": copy, "options": {}}, wait=False)
        told = other.task()
        assert told is not None
        assert (told["path"] if has_tray else Path(told["path"]).read_bytes()) == data
        assert isinstance(told["path"], bytes) is has_tray
        ours.close()
        other.close()


def test_who_lost_the_tray_on_the_way_takes_no_task_for_another() -> None:
    control, theirs = pair()
    with control, theirs, Spooled(has_room=lambda: True) as copy:
        ours, other = open_line(control), next_line(theirs.fileno())
        assert other is not None
        copy.write(b"bytes")
        ours.ask({"path": copy})
        without = Line(other._end)
        with pytest.raises(FrameError):
            without.task()
        ours.close()
        other.close()


def test_who_cannot_wait_is_told_that_nobody_reads() -> None:
    ours, theirs = pair()
    with ours, theirs:
        for _ in range(50):
            Line(ours).ask(TASK, wait=False)
        with pytest.raises(BlockingIOError):
            Line(ours).ask({"facts": ["x" * 2**18]}, wait=False)


def test_nobody_waits_for_ever_for_one_that_does_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "SECONDS_TO_READ", 0.2)
    ours, theirs = pair()
    with ours, theirs, pytest.raises(BlockingIOError):
        Line(ours).ask({"facts": ["x" * 2**20]})
