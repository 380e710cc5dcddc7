# SPDX-License-Identifier: Apache-2.0
"""``label`` killed at any moment: the old file or the complete new one, no entry lost, no litter (promise P7)."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.unit.marking.conftest import Desk, desk, saved
from waarmerk.provenance.model import Integrity
from waarmerk.provenance.registry import Ledger

__all__ = ["desk"]
OLD = b"the file that was there before"
_LABEL = """
import sys
from pathlib import Path
from tests.unit.marking.conftest import Desk
from waarmerk.provenance.marking.plan import Says, Wishes
labeller = Desk(Path(sys.argv[1])).labeller()
prepared = labeller.prepare(Path(sys.argv[2]), Wishes(says=Says.GENERATED))
print("ready", flush=True)
sys.stdin.readline()
for number in range(1000):
    labeller.write(labeller.prepare(Path(sys.argv[2]), Wishes(says=Says.GENERATED)) if number else prepared,
                   Path(sys.argv[3]), force=True)
    print(number, flush=True)
"""


def killed(desk: Desk, source: Path, target: Path, delay: float) -> None:
    command = [sys.executable, "-c", _LABEL, str(desk.folder), str(source), str(target)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=root) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        assert worker.stdout.readline() == b"ready\n"
        worker.stdin.write(b"\n")
        worker.stdin.flush()
        time.sleep(delay)
        os.kill(worker.pid, signal.SIGKILL)


def run(desk: Desk, folder: Path, points: int, longest: float) -> None:
    source, target = saved(folder / "in.png", "PNG", size=(384, 384)), folder / "out.png"
    delays, outcomes = random.Random(7), set()
    for _ in range(points):
        target.write_bytes(OLD)
        killed(desk, source, target, delays.uniform(0.0, longest))
        data = target.read_bytes()
        outcomes.add(data == OLD)
        if data != OLD:
            report = desk.verify(target)
            assert report.credential is not None
            assert report.credential.integrity is Integrity.INTACT
            assert [mark.bound for mark in report.marks] == [True]  # nothing goes out unrecorded
        assert Ledger(desk.folder / "ledger.sqlite").damage() is None
    desk.label(source, folder / "last.png")
    assert sorted(path.name for path in folder.iterdir()) == ["in.png", "last.png", "out.png"]
    if points > 5:
        assert outcomes == {True, False}


def test_old_or_complete(desk: Desk, tmp_path: Path) -> None:
    run(desk, tmp_path, 4, 0.25)


@pytest.mark.slow
def test_old_or_complete_at_five_hundred_points(desk: Desk, tmp_path: Path) -> None:
    run(desk, tmp_path, 500, 0.4)
