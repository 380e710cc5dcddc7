# SPDX-License-Identifier: Apache-2.0
"""Writing on a machine that fails: every fallible call in turn, and kill -9 at any moment (promise P7)."""

import errno
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from waarmerk.provenance.errors import StoreError
from waarmerk.provenance.media.write import PREFIX, sweep, write_file

CALLS = ("open", "fchmod", "write", "fsync", "replace", "link")
OLD, NEW = b"old" * 1000, b"new!" * 5000


class Faults:
    """Counts fallible calls of ``os`` and fails the n-th with ``number``."""

    def __init__(self, fail_at: int, number: int) -> None:
        self.fail_at, self.number, self.count = fail_at, number, 0

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **options: Any) -> Any:
            self.count += 1
            if self.count == self.fail_at:
                raise OSError(self.number, os.strerror(self.number))
            return call(*arguments, **options)

        return counted


def attempt(target: Path, faults: Faults, *, force: bool) -> bool:
    """Whether writing succeeded under ``faults``."""
    with pytest.MonkeyPatch.context() as patch:
        for name in CALLS:
            patch.setattr(os, name, faults.around(getattr(os, name)))
        try:
            write_file(target, NEW, verify=lambda path: None, force=force)
        except StoreError:
            return False
        return True


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EACCES])
@pytest.mark.parametrize("force", [False, True])
def test_whichever_call_fails_the_file_is_old_or_complete(tmp_path: Path, number: int, force: bool) -> None:
    fail_at, outcomes = 0, []
    while True:
        fail_at += 1
        folder = tmp_path / str(fail_at)
        folder.mkdir()
        target = folder / "out"
        if force:
            target.write_bytes(OLD)
        faults = Faults(fail_at, number)
        done = attempt(target, faults, force=force)
        found = target.read_bytes() if target.exists() else None
        assert found in ((OLD, NEW) if force else (None, NEW))
        assert [path.name for path in folder.iterdir() if path.name.startswith(PREFIX)] == []
        outcomes.append(done)
        if faults.count < fail_at:  # no call was left to fail
            break
    assert outcomes[-1] is True
    assert outcomes.count(False) >= 5


def test_a_disk_that_takes_only_part_of_a_write_is_written_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:7]))
    write_file(tmp_path / "out", NEW, verify=lambda path: None)
    assert (tmp_path / "out").read_bytes() == NEW


def test_a_file_system_without_hard_links_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*names: Any, **options: Any) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", no_links)
    write_file(tmp_path / "out", NEW, verify=lambda path: None)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


WRITER = """
import sys
from pathlib import Path
from waarmerk.provenance.media.write import write_file
target, number = Path(sys.argv[1]), 0
print("ready", flush=True)
while True:
    number += 1
    write_file(target, bytes([number % 256]) * 300_000, verify=lambda path: path.read_bytes(), force=True)
"""


def kill_at_random_moments(target: Path, times: int) -> int:
    """Kill a process that writes without end, ``times`` times; returns how many temporary files it left behind."""
    moments = random.Random(7)
    left = 0
    for _ in range(times):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(target)], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"ready\n"
        time.sleep(moments.uniform(0, 0.02))
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
        if target.exists():
            data = target.read_bytes()
            assert data == b"first" or (len(data) == 300_000 and len(set(data)) == 1)
        left += len(list(target.parent.glob(f"{PREFIX}*")))
        sweep(target.parent)
        assert list(target.parent.glob(f"{PREFIX}*")) == []
    return left


def test_kill_nine(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.write_bytes(b"first")
    kill_at_random_moments(target, 12)


@pytest.mark.slow
def test_kill_nine_at_five_hundred_moments(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.write_bytes(b"first")
    assert kill_at_random_moments(target, 500) > 50
