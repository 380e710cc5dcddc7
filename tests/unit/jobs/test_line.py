# SPDX-License-Identifier: Apache-2.0
"""A line whose other end does not read what it is told."""

import os
from pathlib import Path

import pytest

from waarmerk.provenance.jobs import line
from waarmerk.provenance.jobs.line import Line, pair
from waarmerk.provenance.jobs.spool import nameless_file

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
