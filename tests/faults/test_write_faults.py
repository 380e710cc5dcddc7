# SPDX-License-Identifier: Apache-2.0
"""Writing on a machine that fails: every fallible call in turn, and kill -9 at any moment (promise P7)."""

import errno
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from waarmerk.provenance.errors import StoreError
from waarmerk.provenance.media.write import PREFIX, Piece, sweep, write_file, write_together

CALLS = ("open", "fchmod", "write", "fsync", "replace", "link")
OLD, NEW = b"old" * 1000, b"new!" * 5000


class Faults:
    """Counts fallible calls of ``os`` and fails the n-th with ``number``; all after it too where ``lasting``."""

    def __init__(self, fail_at: int, number: int, *, lasting: bool = False) -> None:
        self.fail_at, self.number, self.lasting, self.count = fail_at, number, lasting, 0

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **options: Any) -> Any:
            self.count += 1
            if self.count == self.fail_at or (self.lasting and self.count > self.fail_at):
                raise OSError(self.number, os.strerror(self.number))
            return call(*arguments, **options)

        return counted


class Told:
    """Whoever keeps the books: an entry before the files appear, taken back where they did not."""

    def __init__(self) -> None:
        self.has_entry = False

    def before(self) -> None:
        self.has_entry = True

    def undone(self) -> None:
        self.has_entry = False


def pieces(targets: Sequence[Path]) -> list[Piece]:
    return [Piece(target=target, data=NEW + target.name.encode(), verify=lambda path: None) for target in targets]


def attempt(targets: Sequence[Path], faults: Faults, told: Told, *, force: bool) -> str:
    """What ``write_together`` says of its work under ``faults``."""
    with pytest.MonkeyPatch.context() as patch:
        for name in CALLS:
            patch.setattr(os, name, faults.around(getattr(os, name)))
        try:
            write_together(pieces(targets), force=force, before=told.before, undone=told.undone)
        except StoreError as fault:
            return fault.code
        return "done"


def contents(targets: Sequence[Path]) -> list[bytes | None]:
    return [target.read_bytes() if target.exists() else None for target in targets]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EACCES])
@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("names", [("out",), ("out.c2pa", "out")], ids=["alone", "with its sidecar"])
def test_whichever_call_fails_all_is_old_or_all_complete(
    tmp_path: Path, number: int, force: bool, names: tuple[str, ...]
) -> None:
    fail_at, outcomes = 0, []
    while True:
        fail_at += 1
        folder = tmp_path / str(fail_at)
        folder.mkdir()
        targets = [folder / name for name in names]
        if force:
            for target in targets:
                target.write_bytes(OLD)
        old, new = [OLD if force else None for _ in names], [piece.data for piece in pieces(targets)]
        faults, told = Faults(fail_at, number), Told()
        outcome = attempt(targets, faults, told, force=force)
        expected = {"done": new, "write.uncertain": new, "write.failed": old}
        assert contents(targets) == expected[outcome], (fail_at, outcome)
        assert told.has_entry == (contents(targets) == new)
        sweep(folder)
        assert contents(targets) == expected[outcome]
        assert sorted(path.name for path in folder.iterdir()) == sorted(t.name for t in targets if t.exists())
        outcomes.append(outcome)
        if faults.count < fail_at:  # no call was left to fail
            break
    assert outcomes[-1] == "done"
    assert outcomes.count("write.failed") >= 4  # open, write, synchronise, move
    assert outcomes.count("write.uncertain") == 2  # the folder opened and synchronised: after the move


@pytest.mark.parametrize("force", [False, True])
def test_a_machine_that_fails_from_some_call_on_never_mixes_old_and_new_for_good(tmp_path: Path, force: bool) -> None:
    fail_at, outcomes = 0, set()
    while True:
        fail_at += 1
        folder = tmp_path / str(fail_at)
        folder.mkdir()
        targets = [folder / "out.c2pa", folder / "out"]
        if force:
            for target in targets:
                target.write_bytes(OLD)
        faults, told = Faults(fail_at, errno.EIO, lasting=True), Told()
        outcome = attempt(targets, faults, told, force=force)
        outcomes.add(outcome)
        if not told.has_entry:
            assert contents(targets) == [OLD if force else None] * 2
        sweep(folder)
        old, new = [OLD if force else None] * 2, [piece.data for piece in pieces(targets)]
        assert contents(targets) in (old, new)
        assert told.has_entry or contents(targets) == old
        assert len(list(folder.iterdir())) == sum(target.exists() for target in targets)
        if faults.count < fail_at:
            break
    assert outcomes >= {"done", "write.failed", "write.uncertain"}


def test_told_to_end_right_after_the_move_the_entry_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = os.link

    def ended(*names: Any, **options: Any) -> None:
        link(*names, **options)
        raise SystemExit(143)

    monkeypatch.setattr(os, "link", ended)
    told = Told()
    with pytest.raises(SystemExit):
        write_together(pieces([tmp_path / "out"]), before=told.before, undone=told.undone)
    assert (tmp_path / "out").exists()
    assert told.has_entry


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


PAIR = """
import sys
from pathlib import Path
from waarmerk.provenance.media.write import Piece, write_together
folder, number = Path(sys.argv[1]), 0
print("ready", flush=True)
while True:
    number += 1
    data = bytes([number % 256]) * 300_000
    write_together([Piece(target=folder / name, data=data, verify=lambda path: path.read_bytes())
                    for name in ("out.c2pa", "out")], force=True)
"""


def kill_a_pair_at_random_moments(folder: Path, times: int) -> int:
    """Kill a process that replaces two files, ``times`` times; how often it left anything for the next to end."""
    moments, left = random.Random(11), 0
    for _ in range(times):
        with subprocess.Popen([sys.executable, "-c", PAIR, str(folder)], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"ready\n"
            time.sleep(moments.uniform(0, 0.02))
            writer.send_signal(signal.SIGKILL)
        left += sweep(folder) > 0
        one, other = (folder / "out.c2pa").read_bytes(), (folder / "out").read_bytes()
        assert one == other
        assert one == b"first" or (len(one) == 300_000 and len(set(one)) == 1)
        assert sorted(path.name for path in folder.iterdir()) == ["out", "out.c2pa"]
    return left


def first_pair(folder: Path) -> Path:
    (folder / "out").write_bytes(b"first")
    (folder / "out.c2pa").write_bytes(b"first")
    return folder


def test_kill_nine_between_two_files(tmp_path: Path) -> None:
    kill_a_pair_at_random_moments(first_pair(tmp_path), 12)


@pytest.mark.slow
def test_kill_nine_between_two_files_at_five_hundred_moments(tmp_path: Path) -> None:
    assert kill_a_pair_at_random_moments(first_pair(tmp_path), 500) > 50
