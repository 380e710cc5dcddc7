# SPDX-License-Identifier: Apache-2.0
"""The service that a benchmark asks, and what it costs, as the kernel counts it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path


class Service:
    """`waarmerk serve` with a folder of its own."""

    def __init__(self, folder: Path, jobs: int | None) -> None:
        command = [sys.executable, "-m", "waarmerk.cli", "serve", "--port", "0"]
        command += [] if jobs is None else ["--jobs", str(jobs)]
        command += ["--data", str(folder / "service"), "--per-minute", "1000000"]
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "XDG_DATA_HOME": str(folder / "xdg")}
        self.log = (folder / "log").open("w+b")
        self.process = subprocess.Popen(command, stderr=self.log, env=environment)
        self.port = self._port()

    def _port(self) -> int:
        for _ in range(1200):
            self.log.seek(0)
            if found := re.search(rb"listening on http://127\.0\.0\.1:(\d+)", self.log.read()):
                return int(found[1])
            time.sleep(0.05)
        raise SystemExit("the service does not start")

    def end(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        self.log.close()

    def resident(self) -> tuple[int, int]:
        """Bytes of the service, and of all its workers together."""
        return resident(self.process.pid), sum(resident(each) for each in self._below())

    def processor_seconds(self) -> tuple[float, float]:
        """Processor time used so far: by the service, and by its workers, those that are gone included."""
        own, reaped = spent(self.process.pid)
        return own, reaped + sum(sum(spent(each)) for each in self._below())

    def workers(self) -> set[int]:
        """The processes that examine files: children of its workers."""
        return {each for worker in children(self.process.pid) for each in children(worker)}

    def _below(self) -> set[int]:
        return children(self.process.pid) | self.workers()


def children(process: int) -> set[int]:
    found = set()
    for each in Path(f"/proc/{process}/task").glob("*/children"):  # children are those of a thread
        try:
            found |= {int(child) for child in each.read_text().split()}
        except OSError:
            continue
    return found


def spent(process: int) -> tuple[float, float]:
    """Processor seconds of a process, and of its children that ended."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0, 0.0
    ticks = os.sysconf("SC_CLK_TCK")
    return (int(fields[11]) + int(fields[12])) / ticks, (int(fields[13]) + int(fields[14])) / ticks


def resident(process: int) -> int:
    """Resident bytes, those shared with other processes by their part (Pss); where that is not told, all (VmRSS)."""
    for name, field in (("smaps_rollup", "Pss"), ("status", "VmRSS")):
        try:
            told = Path(f"/proc/{process}/{name}").read_text("ascii", "replace")
        except OSError:
            continue
        found = re.search(rf"{field}:\s+(\d+) kB", told)
        if found:
            return int(found[1]) * 1024
    return 0


def idle_seconds() -> float:
    """Seconds that all processors of the machine together had nothing to do (proc(5))."""
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()
    return (int(fields[4]) + int(fields[5])) / os.sysconf("SC_CLK_TCK")
