# SPDX-License-Identifier: Apache-2.0
"""What the service costs beside the library alone, as ratios within one run: machines differ, ratios hardly.

    python benchmarks/api_load.py FOLDER… [--requests 20000] [--starts 3] [--rounds 3] [--seconds 10] [--jobs N]
        [--json OUT] [--require]

Files of FOLDER of at most 1 MB that can be examined are sent to `waarmerk serve` on this machine, as multipart
uploads over connections that stay open, in one and the same random order for all. The client runs on the same
processors and is part of the cost.

- throughput of the service with 4 clients that ask without a pause, against the bare library in two processes, in
  turns of `--seconds`, of the service after half a second in which all get going; the ratio of the sums. Whatever runs
  beside on the physical machine makes either up to a tenth faster or slower for seconds on end (with the same memory
  and the same hashes too), so both are started `--starts` times; `starts` are the ratios of each
- the same ratio in processor time, which is the one to look at where other programs run beside: milliseconds a file of
  the library, of the service, of its workers, and of the client that stands for callers elsewhere
- answers at 80 % of that throughput, in open loop (requests come at random moments, whether the service keeps up or
  not; a latency counts from the moment the request was due): p50, p99 and p99 / p50, how many were refused, and
  beside them the median of requests that are alone (`alone_ms`), processor time a request (a queue that is longer
  than its load explains has other costs, or other programs on the machine), how busy the processors were with all
  programs (`busy`), and how many workers went on in another child meanwhile
- memory of the service and of its workers over `--requests` requests: the median of the last fifth against the median
  of the second fifth; pages that processes share count by their parts (Pss)

`--require` makes the figures requirements: throughput >= 0.8, nothing refused, p99 <= 8 x p50, memory <= 1.1.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from api_client import SEED, closed, opened, requests, steady
from api_client import alone as one_by_one
from api_library import Bare, alone
from api_service import Service, idle_seconds

from waarmerk.provenance import Settings, build_verifier

MAX_BYTES = 1_000_000
LEAD_SECONDS = 0.5


def media(folders: Sequence[Path], most: int) -> list[Path]:
    """Files that are examined, of the allowed size, in an order that is the same every time."""
    found = {
        path
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and 0 < path.stat().st_size <= MAX_BYTES
    }
    verifier, kept = build_verifier(Settings()), []
    chosen = sorted(found, key=str)
    random.Random(SEED).shuffle(chosen)
    for path in chosen:
        if len(kept) == most:
            break
        try:
            verifier.verify(path)
        except Exception:
            continue
        kept.append(path)
    return kept


def memory(service: Service, asked: Sequence[bytes], count: int) -> dict[str, Any]:
    """Samples of resident memory over ``count`` requests."""
    samples: list[tuple[int, int]] = []
    stop = threading.Event()

    def sample() -> None:
        while not stop.wait(0.5):
            samples.append(service.resident())

    watcher = threading.Thread(target=sample)
    watcher.start()
    done = closed(service.port, asked, most=count)
    stop.set()
    watcher.join()
    fifth = max(1, len(samples) // 5)

    def growth(which: int) -> dict[str, float]:
        early = statistics.median(each[which] for each in samples[fifth : 2 * fifth])
        late = statistics.median(each[which] for each in samples[-fifth:])
        return {
            "early_mib": round(early / 2**20, 1),
            "late_mib": round(late / 2**20, 1),
            "growth": round(late / early, 3),
        }

    return {"requests": done, "samples": len(samples), "service": growth(0), "workers": growth(1)}


def at_80_percent(service: Service, asked: Sequence[bytes], *, rate: float, seconds: float) -> dict[str, Any]:
    """Requests at random moments: how long their answers took, and what they cost."""
    workers, idle = service.workers(), idle_seconds()
    before, began = (*service.processor_seconds(), time.process_time()), time.monotonic()
    took, refused = opened(service.port, asked, rate=rate, seconds=seconds)
    after, passed = (*service.processor_seconds(), time.process_time()), time.monotonic() - began
    took.sort()
    p50, p99 = took[len(took) // 2], took[len(took) * 99 // 100]
    costs = zip(("service", "workers", "client"), before, after, strict=True)
    return {
        "requests": len(took) + refused,
        "refused": refused,
        "p50_ms": round(1000 * p50, 1),
        "p99_ms": round(1000 * p99, 1),
        "p99_over_p50": round(p99 / p50, 2),
        "processor_ms_a_request": {
            name: round(1000 * (late - early) / (len(took) + refused), 2) for name, early, late in costs
        },
        "busy": round(1 - (idle_seconds() - idle) / passed / (os.cpu_count() or 1), 2),
        "workers_replaced": len(service.workers() - workers),
    }


@dataclass(slots=True)
class Turns:
    """What service and library did in turns: files, files a second summed over the turns, and processor seconds.

    What counts of the service are answers within the time (``api_client.steady``), of the library the time that passed.
    """

    library: int = 0
    served: int = 0
    library_rate: float = 0
    served_rate: float = 0
    used: dict[str, float] = field(
        default_factory=lambda: dict.fromkeys(("library", "service", "workers", "client"), 0)
    )

    @property
    def ratio(self) -> float:
        return self.served_rate / self.library_rate

    def take(self, service: Service, asked: Sequence[bytes], bare: Bare, seconds: float) -> None:
        """One turn of each."""
        done, rate, spent = bare(seconds)
        self.library, self.library_rate = self.library + done, self.library_rate + rate
        self.used["library"] += spent
        before = (*service.processor_seconds(), time.process_time())
        within, done = steady(service.port, asked, lead=LEAD_SECONDS, seconds=seconds)
        after = (*service.processor_seconds(), time.process_time())
        self.served, self.served_rate = self.served + done, self.served_rate + within / seconds
        for name, early, late in zip(("service", "workers", "client"), before, after, strict=True):
            self.used[name] += late - early


@contextmanager
def started(folder: Path, jobs: int | None, asked: Sequence[bytes]) -> Iterator[Service]:
    """A service that has met every file once or twice."""
    folder.mkdir()
    service = Service(folder, jobs)
    try:
        closed(service.port, asked, most=2 * len(asked))
        yield service
    finally:
        service.end()


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    files = media(arguments.folders, arguments.files)
    if len(files) < 20:
        raise SystemExit("too few files of at most 1 MB")
    asked, starts = requests(files), []
    with tempfile.TemporaryDirectory() as temporary:
        for number in range(arguments.starts):
            folder = Path(temporary, str(number))
            with started(folder, arguments.jobs, asked) as service:
                starts.append(turns := Turns())
                with alone(files, folder) as bare:
                    bare(1)
                    for _ in range(arguments.rounds):
                        turns.take(service, asked, bare, arguments.seconds)
                if number < arguments.starts - 1:
                    continue
                rate = turns.served_rate / arguments.rounds
                quickest = statistics.median(one_by_one(service.port, asked))
                busy = at_80_percent(service, asked, rate=0.8 * rate, seconds=max(40.0, arguments.seconds))
                held = memory(service, asked, arguments.requests)
                workers = len(service.workers())
    library, served = sum(each.library for each in starts), sum(each.served for each in starts)
    rates = [sum(each.library_rate for each in starts), sum(each.served_rate for each in starts)]
    turns_taken = arguments.starts * arguments.rounds
    cost = {
        name: 1000 * sum(each.used[name] for each in starts) / (library if name == "library" else served)
        for name in starts[0].used
    }
    return {
        "files": len(files),
        "workers": workers,
        "mean_bytes": round(statistics.mean(path.stat().st_size for path in files)),
        "library_per_second": round(rates[0] / turns_taken, 1),
        "service_per_second": round(rates[1] / turns_taken, 1),
        "throughput": round(rates[1] / rates[0], 3),
        "starts": [round(each.ratio, 3) for each in starts],
        "processor_ms_a_file": {name: round(each, 2) for name, each in cost.items()},
        "throughput_by_processor_time": round(cost["library"] / (cost["service"] + cost["workers"]), 3),
        "at_80_percent": {**busy, "alone_ms": round(1000 * quickest, 1)},
        "memory": held,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--jobs", type=int, help="worker processes of the service; its own default if not given")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--starts", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--require", action="store_true")
    arguments = parser.parse_args()
    before = os.getloadavg()[0]
    found = measure(arguments)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    found |= {
        "commit": commit.stdout.strip(),
        "command": f"python benchmarks/api_load.py FOLDER --requests {arguments.requests} --files {arguments.files}"
        f" --starts {arguments.starts} --rounds {arguments.rounds} --seconds {arguments.seconds:g}"
        + ("" if arguments.jobs is None else f" --jobs {arguments.jobs}"),
        "when": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "machine": {
            "processors": len(os.sched_getaffinity(0)),
            "load_before": round(before, 1),
            "python": platform.python_version(),
            "c2pa": version("c2pa-python"),
        },
    }
    text = json.dumps(found, indent=1)
    print(text)
    if arguments.json:
        arguments.json.write_text(text + "\n")
    missed = [
        name
        for name, holds in {
            "throughput": found["throughput"] >= 0.8,
            "refused": found["at_80_percent"]["refused"] == 0,
            "p99": found["at_80_percent"]["p99_over_p50"] <= 8,
            "memory": max(found["memory"][part]["growth"] for part in ("service", "workers")) <= 1.1,
        }.items()
        if not holds
    ]
    if arguments.require and missed:
        raise SystemExit(f"missed: {', '.join(missed)}")


if __name__ == "__main__":
    main()
