# SPDX-License-Identifier: Apache-2.0
"""A long run stays flat: neither the command nor its workers grow with the number of files."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.conftest import ROOT

FILES = 5_000
GROWTH_MIB = 60


def resident_mib(process: int) -> float:
    """Resident memory of a process, its workers and their children, MiB."""
    of, parents = dict[int, int](), dict[int, int]()
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            fields = dict(line.split(":", 1) for line in status.read_text("utf-8").splitlines() if ":" in line)
        except OSError:
            continue
        of[int(fields["Pid"])] = int(fields.get("VmRSS", "0 kB").split()[0])
        parents[int(fields["Pid"])] = int(fields["PPid"])
    family = {process}
    for _ in range(2):
        family |= {each for each, parent in parents.items() if parent in family}
    return sum(of.get(each, 0) for each in family) / 1024


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory of a process is read from /proc")
def test_five_thousand_files_leave_memory_flat() -> None:
    samples = sorted(str(path) for path in (ROOT / "samples" / "media").iterdir())
    names = "\n".join(samples[number % len(samples)] for number in range(FILES)) + "\n"
    command = [sys.executable, "-m", "waarmerk.cli", "verify", "-q", "--format", "jsonl", "--fail-on", "", "-j", "1"]
    run = subprocess.Popen(
        [*command, "--trust", str(ROOT / "samples" / "trust"), "--files-from", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert run.stdin is not None
    assert run.stdout is not None
    feeder = threading.Thread(target=lambda: (run.stdin.write(names), run.stdin.close()), daemon=True)  # type: ignore[union-attr]
    feeder.start()
    seen, early, late = 0, 0.0, 0.0
    for seen, _ in enumerate(run.stdout, 1):
        if seen == 750:
            early = resident_mib(run.pid)
        if seen % 500 == 250:  # not where one child takes another's place
            late = max(late, resident_mib(run.pid))
    run.stdout.close()
    assert run.wait(timeout=60) == 0
    assert seen == FILES
    assert late - early < GROWTH_MIB, (early, late)
