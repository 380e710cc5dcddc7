# SPDX-License-Identifier: Apache-2.0
"""What a command took of the machine, counted by the kernel: processor seconds and memory, not time on a wall."""

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

# Small on purpose: what forks gives its own size to its child, and this one is forked by a test run of any size.
_WAITER = """
import json, os, subprocess, sys
with open(sys.argv[1], "wb") as out:
    child = subprocess.Popen(sys.argv[2:], stdout=out, stderr=subprocess.DEVNULL)
_, status, usage = os.wait4(child.pid, 0)
print(json.dumps([os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024]))
"""


@dataclass(frozen=True)
class Measured:
    """``mebibytes`` is of the largest process, ``seconds`` of a processor, all processes together."""

    code: int
    seconds: float
    mebibytes: float
    out: bytes


def measured(*command: str | Path) -> Measured:
    """Run a command to its end. Its children count where it waited for them."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "out")
        waiter = [sys.executable, "-S", "-c", _WAITER, str(out), *map(str, command)]
        told = subprocess.run(waiter, capture_output=True, check=True, timeout=1200)
        return Measured(*json.loads(told.stdout), out.read_bytes())


def verified(*arguments: str | Path) -> Measured:
    """``waarmerk verify --format json`` in this interpreter."""
    return measured(sys.executable, "-m", "waarmerk.cli", "verify", "--format", "json", "--fail-on", "", *arguments)
