# SPDX-License-Identifier: Apache-2.0
"""``label`` killed at any moment: the old files or the complete new ones, no entry lost, no litter (promise P7)."""

import hashlib
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.unit.marking.conftest import AT, Desk, made_desk, saved
from waarmerk.provenance.build import build_verifier
from waarmerk.provenance.media.write import sweep
from waarmerk.provenance.model import AISignal, Integrity


@pytest.fixture
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """One of its own: its ledger is emptied between the kills."""
    return made_desk(tmp_path_factory.mktemp("desk"))


_NEVER = 1 << 30  # no process gets to that many calls
OLD = {"out.png": b"the file that was there before", "out.c2pa": b"and its credentials"}
_NURSERY = """
import os, signal, sys, time
from pathlib import Path
import cv2
cv2.setNumThreads(0)  # threads do not survive a fork
from tests.unit.marking.conftest import Desk
from waarmerk.provenance.marking.plan import Says, Wishes
folder, source, target = map(Path, sys.argv[1:4])
wishes = Wishes(says=Says.GENERATED, sidecar=sys.argv[4] == "sidecar")
labeller = Desk(folder).labeller()
prepared = labeller.prepare(source, wishes)
def dying(call, die_at, count=[0]):
    def counted(*arguments, **options):
        count[0] += 1
        if count[0] == die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*arguments, **options)
    return counted
def work(die_at):
    if die_at:
        for name in ("open", "fchmod", "write", "fsync", "replace", "link", "unlink", "close"):
            setattr(os, name, dying(getattr(os, name), die_at))
    labeller.write(prepared, target, force=True)
for line in sys.stdin:
    die_at, delay = int(line.split()[0]), float(line.split()[1])
    child = os.fork()
    if not child:
        try:
            work(die_at)
        except BaseException as fault:
            sys.stderr.write(repr(fault))
            os._exit(3)
        os._exit(0)
    if not die_at:
        time.sleep(delay)
        os.kill(child, signal.SIGKILL)  # not waited for yet, so it is still this one
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@dataclass(frozen=True)
class Nursery:
    """A process that has everything loaded and prepared, and has a child write the file, again and again.

    A child cannot prepare: what the credentials engine has loaded does not survive a fork.
    """

    process: "subprocess.Popen[str]"

    def killed(self, *, delay: float = 0.0, die_at: int = 0) -> bool:
        """Whether the writer died: after ``delay`` seconds, or by itself before its call ``die_at``."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(die_at, delay, file=self.process.stdin, flush=True)
        code = int(self.process.stdout.readline())
        assert code in (0, -signal.SIGKILL)
        return code != 0


@contextmanager
def nursery(desk: Desk, folder: Path, *, sidecar: bool) -> Iterator[Nursery]:
    source = saved(folder / "in.png", "PNG", size=(384, 384))
    words = [str(desk.folder), str(source), str(folder / "out.png"), "sidecar" if sidecar else "inside"]
    command, root = [sys.executable, "-c", _NURSERY, *words], Path(__file__).parents[2]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        yield Nursery(process)
        assert process.stdin is not None
        process.stdin.close()


def found(desk: Desk, folder: Path, names: list[str]) -> str:
    """``old`` or ``complete``, after the next start in the folder; fails for anything else, and for litter."""
    sweep(folder)
    seen = {name: (folder / name).read_bytes() for name in names}
    is_old = {data == OLD[name] for name, data in seen.items()}
    assert len(is_old) == 1, "a mixture of old and new"
    assert desk.ledger.damage() is None
    if is_old == {False}:  # nothing goes out unrecorded: the ledger knows exactly these bytes
        assert len(desk.ledger.of_file(hashlib.sha256(seen["out.png"]).digest())) == 1
        report = build_verifier(desk.settings, at=AT).verify(folder / "out.png")
        assert report.credential is not None
        assert report.credential.integrity is Integrity.INTACT
        assert report.credential.signal is AISignal.GENERATED
    assert sorted(path.name for path in folder.iterdir()) == sorted(["in.png", *names])
    for entry in desk.ledger.entries():
        desk.ledger.forget(payload=entry.payload, at="2026-11-21T12:00:00Z")  # the next child has the same mark
    return "old" if is_old == {True} else "complete"


def begun(folder: Path, *, sidecar: bool) -> list[str]:
    names = ["out.png", "out.c2pa"] if sidecar else ["out.png"]
    for name in names:
        (folder / name).write_bytes(OLD[name])
    return names


def run(desk: Desk, folder: Path, points: int, *, sidecar: bool, seed: int = 7) -> Counter[str]:
    """Kill at ``points`` moments, up to one and a half times what writing takes here; how it ended, counted."""
    delays, outcomes = random.Random(seed), Counter[str]()
    with nursery(desk, folder, sidecar=sidecar) as writers:
        names, start = begun(folder, sidecar=sidecar), time.monotonic()
        assert not writers.killed(die_at=_NEVER)
        longest = 1.5 * (time.monotonic() - start)
        found(desk, folder, names)
        for _ in range(points):
            names = begun(folder, sidecar=sidecar)
            writers.killed(delay=delays.uniform(0.0, longest))  # or it was faster
            outcomes[found(desk, folder, names)] += 1
    return outcomes


@pytest.mark.parametrize("sidecar", [False, True], ids=["inside", "sidecar"])
def test_old_or_complete(desk: Desk, tmp_path: Path, sidecar: bool) -> None:
    assert run(desk, tmp_path, 3, sidecar=sidecar).total() == 3


@pytest.mark.slow
@pytest.mark.parametrize("sidecar", [False, True], ids=["inside", "sidecar"])
def test_old_or_complete_at_five_hundred_points(desk: Desk, tmp_path: Path, sidecar: bool) -> None:
    outcomes = run(desk, tmp_path, 500, sidecar=sidecar)
    assert outcomes.total() == 500
    assert set(outcomes) == {"old", "complete"}


def at_every_call(desk: Desk, folder: Path, first: int, step: int, *, sidecar: bool) -> list[str]:
    """Die before the n-th call of the system, n from ``first`` in ``step``s, until one run ends by itself."""
    outcomes, die_at = [], first
    with nursery(desk, folder, sidecar=sidecar) as writers:
        while True:
            names = begun(folder, sidecar=sidecar)
            died = writers.killed(die_at=die_at)
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
