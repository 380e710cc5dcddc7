# SPDX-License-Identifier: Apache-2.0
"""What the HTTP door costs: the service against the bare library on the same files, in one run.

    python benchmarks/service.py FOLDER --trust TRUST [--requests N] [--rounds N] [--json OUT]

- throughput of `waarmerk serve -j 2`, four clients, against the library in two processes, files of FOLDER up to 1 MiB,
  in alternating rounds; the median of the ratios
- latency where requests arrive at 80 % of the throughput just measured, whether or not earlier ones are answered:
  p50, p99 and their ratio, from the moment a request was due
- memory of the service and of its workers after the rounds, and after N more requests
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import platform
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from waarmerk.provenance import Settings, build_verifier
from waarmerk.provenance.report.document import to_dict

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
ADDRESS = "/v1/verify?at=2026-11-21T12:00:00Z"
CLIENTS = 4
_verifier: Any = None


def prepare(trust: str) -> None:
    global _verifier  # noqa: PLW0603 - one for each process
    _verifier = build_verifier(Settings(trust=Path(trust)), at=AT)


def examine(path: str) -> int:
    return len(json.dumps(to_dict(_verifier.verify(Path(path)), tool_version="0")))


class Service:
    def __init__(self, trust: Path, folder: Path) -> None:
        command = [sys.executable, "-m", "waarmerk.cli", "serve", "--port", "0", "-j", "2", "--data", str(folder)]
        command += ["--trust", str(trust), "--per-minute", "100000000"]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        line = self.process.stderr.readline()
        found = re.search(r":(\d+)$", line.strip())
        assert found, line
        self.port = int(found[1])
        threading.Thread(target=lambda: list(self.process.stderr or ()), daemon=True).start()
        self._local = threading.local()

    def ask(self, body: bytes) -> None:
        connection = getattr(self._local, "connection", None)
        for attempt in (0, 1):
            if connection is None:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
            try:
                connection.request("POST", ADDRESS, body, {"Content-Type": "application/octet-stream"})
                got = connection.getresponse()
                got.read()
                break
            except (http.client.RemoteDisconnected, ConnectionError):  # a kept connection that was idle too long
                connection = None
                if attempt:
                    raise
        self._local.connection = connection
        assert got.status == 200, got.status

    def memory(self) -> dict[str, int]:
        found = {"service": resident(self.process.pid), "workers": 0}
        for pid in (path.name for path in Path("/proc").iterdir() if path.name.isdecimal()):
            try:
                parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]
            except OSError:
                continue
            if int(parent) == self.process.pid:
                found["workers"] += resident(int(pid))
        return found


def resident(pid: int) -> int:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) * 1024 if found else 0


def rate(work: Any, items: list[Any], pool: Any) -> float:
    start = time.perf_counter()
    for _ in pool.map(work, items):
        pass
    return len(items) / (time.perf_counter() - start)


def latencies(service: Service, bodies: list[bytes], per_second: float, count: int) -> dict[str, float]:
    taken: list[float] = []
    with ThreadPoolExecutor(32) as threads:
        began = time.perf_counter()

        def one(number: int) -> None:
            service.ask(bodies[number % len(bodies)])
            taken.append(time.perf_counter() - began - number / per_second)

        for number in range(count):
            time.sleep(max(0.0, began + number / per_second - time.perf_counter()))
            threads.submit(one, number)
    cut = statistics.quantiles(taken, n=100)
    return {"per_second": per_second, "requests": count, "p50": cut[49], "p99": cut[98], "ratio": cut[98] / cut[49]}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--trust", type=Path, required=True)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    files = sorted(path for path in given.folder.iterdir() if path.is_file() and 0 < path.stat().st_size <= 2**20)
    bodies = [path.read_bytes() for path in files]
    repeat = max(1, 200 // len(files))
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(CLIENTS) as clients:
        Path(folder).chmod(0o700)
        service = Service(given.trust, Path(folder))
        with ProcessPoolExecutor(2, initializer=prepare, initargs=(str(given.trust),)) as library:
            names = [str(path) for path in files]
            rate(examine, names, library), rate(service.ask, bodies, clients)
            rounds = []
            for _ in range(given.rounds):
                bare = rate(examine, names * repeat, library)
                rounds.append({"library": bare, "service": rate(service.ask, bodies * repeat, clients)})
        throughput = statistics.median(each["service"] for each in rounds)
        waited = latencies(service, bodies, 0.8 * throughput, min(600, given.requests))
        before = service.memory()
        rate(service.ask, (bodies * (given.requests // len(bodies) + 1))[: given.requests], clients)
        after = service.memory()
        service.process.send_signal(signal.SIGTERM)
        service.process.wait(60)
    result = {
        "command": f"python benchmarks/service.py FOLDER --trust TRUST --requests {given.requests}",
        "commit": subprocess.run(
            ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False
        ).stdout.strip(),
        "python": platform.python_version(),
        "processors": len(os.sched_getaffinity(0)),
        "load_at_start": os.getloadavg()[0],
        "files": len(files),
        "rounds": rounds,
        "ratio": statistics.median(each["service"] / each["library"] for each in rounds),
        "at_80_percent": waited,
        "memory": {"before": before, "after": after, "requests": given.requests},
    }
    text = json.dumps(result, indent=1)
    print(text)
    if given.json:
        given.json.write_text(text + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
