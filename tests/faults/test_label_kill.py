# SPDX-License-Identifier: Apache-2.0
"""``label`` killed at any moment: the old files or the complete new ones, no entry lost, no litter (promise P7)."""

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.unit.marking.conftest import Desk, desk, saved
from waarmerk.provenance.media.write import sweep
from waarmerk.provenance.model import Integrity
from waarmerk.provenance.registry import Ledger

__all__ = ["desk"]
OLD = {"out.png": b"the file that was there before", "out.c2pa": b"and its credentials"}
_LABEL = """
import os, signal, sys
from pathlib import Path
from tests.unit.marking.conftest import Desk
from waarmerk.provenance.marking.plan import Says, Wishes
folder, source, target, beside, die_at = *map(Path, sys.argv[1:4]), sys.argv[4] == "sidecar", int(sys.argv[5])
wishes, count = Wishes(says=Says.GENERATED, sidecar=beside), 0
labeller = Desk(folder).labeller()
prepared = labeller.prepare(source, wishes)
def dying(call):
    def counted(*arguments, **options):
        global count
        count += 1
        if count == die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*arguments, **options)
    return counted
if die_at:
    for name in ("open", "fchmod", "write", "fsync", "replace", "link", "unlink", "close"):
        setattr(os, name, dying(getattr(os, name)))
print("ready", flush=True)
sys.stdin.readline()
for number in range(1 if die_at else 1000):
    labeller.write(labeller.prepare(source, wishes) if number else prepared, target, force=True)
"""


def killed(desk: Desk, source: Path, target: Path, *, sidecar: bool, delay: float = 0.0, die_at: int = 0) -> bool:
    """Whether the process died: after ``delay`` seconds of writing, or by itself before its call ``die_at``."""
    words = [str(desk.folder), str(source), str(target), "sidecar" if sidecar else "inside", str(die_at)]
    command = [sys.executable, "-c", _LABEL, *words]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=root) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        assert worker.stdout.readline() == b"ready\n"
        worker.stdin.write(b"\n")
        worker.stdin.flush()
        if not die_at:
            time.sleep(delay)
            worker.send_signal(signal.SIGKILL)
        return worker.wait() == -signal.SIGKILL


def found(desk: Desk, folder: Path, names: list[str]) -> str:
    """``old`` or ``complete``, after the next start in the folder; fails for anything else, and for litter."""
    sweep(folder)
    seen = {name: (folder / name).read_bytes() for name in names}
    is_old = {data == OLD[name] for name, data in seen.items()}
    assert len(is_old) == 1, "a mixture of old and new"
    if is_old == {False}:
        report = desk.verify(folder / "out.png")
        assert report.credential is not None
        assert report.credential.integrity is Integrity.INTACT
        assert [mark.bound for mark in report.marks] == [True]  # nothing goes out unrecorded
    assert Ledger(desk.folder / "ledger.sqlite").damage() is None
    assert sorted(path.name for path in folder.iterdir()) == sorted(["in.png", *names])
    return "old" if is_old == {True} else "complete"


def begun(folder: Path, *, sidecar: bool) -> list[str]:
    names = ["out.png", "out.c2pa"] if sidecar else ["out.png"]
    for name in names:
        (folder / name).write_bytes(OLD[name])
    return names


def run(desk: Desk, folder: Path, points: int, longest: float, *, sidecar: bool, seed: int = 7) -> Counter[str]:
    """Kill at ``points`` moments up to ``longest`` seconds after the writing began; how it ended, counted."""
    source, delays, outcomes = saved(folder / "in.png", "PNG", size=(384, 384)), random.Random(seed), Counter[str]()
    for _ in range(points):
        names = begun(folder, sidecar=sidecar)
        assert killed(desk, source, folder / "out.png", sidecar=sidecar, delay=delays.uniform(0.0, longest))
        outcomes[found(desk, folder, names)] += 1
    return outcomes


@pytest.mark.parametrize("sidecar", [False, True], ids=["inside", "sidecar"])
def test_old_or_complete(desk: Desk, tmp_path: Path, sidecar: bool) -> None:
    assert run(desk, tmp_path, 3, 0.25, sidecar=sidecar).total() == 3


@pytest.mark.slow
@pytest.mark.parametrize("sidecar", [False, True], ids=["inside", "sidecar"])
def test_old_or_complete_at_five_hundred_points(desk: Desk, tmp_path: Path, sidecar: bool) -> None:
    outcomes = run(desk, tmp_path, 500, 0.4, sidecar=sidecar)
    assert outcomes.total() == 500
    assert set(outcomes) == {"old", "complete"}


def at_every_call(desk: Desk, folder: Path, first: int, step: int, *, sidecar: bool) -> list[str]:
    """Die before the n-th call of the system, n from ``first`` in ``step``s, until one run ends by itself."""
    source, outcomes, die_at = saved(folder / "in.png", "PNG", size=(384, 384)), [], first
    while True:
        names = begun(folder, sidecar=sidecar)
        died = killed(desk, source, folder / "out.png", sidecar=sidecar, die_at=die_at)
        outcomes.append(found(desk, folder, names))
        if not died:
            return outcomes
        die_at += step


@pytest.mark.parametrize("sidecar", [False, True], ids=["inside", "sidecar"])
def test_dead_before_some_calls_of_the_system(desk: Desk, tmp_path: Path, sidecar: bool) -> None:
    assert at_every_call(desk, tmp_path, 7, 9, sidecar=sidecar)[-1] == "complete"


@pytest.mark.slow
@pytest.mark.parametrize("sidecar", [False, True], ids=["inside", "sidecar"])
def test_dead_before_every_call_of_the_system(desk: Desk, tmp_path: Path, sidecar: bool) -> None:
    outcomes = at_every_call(desk, tmp_path, 1, 1, sidecar=sidecar)
    assert outcomes == sorted(outcomes, reverse=True)  # old until some call, complete from then on
    assert set(outcomes) == {"old", "complete"}
