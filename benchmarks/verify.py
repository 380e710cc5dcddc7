# SPDX-License-Identifier: Apache-2.0
"""What verification costs, as ratios within one run: machines differ, ratios hardly.

    python benchmarks/verify.py FOLDER --trust TRUST [--json OUT] [--require]

- start-up: `waarmerk verify` on the smallest file of FOLDER, worker process included, seconds (median of 9)
- for every file: one whole verification in this process against one bare read of c2pa-python with the same official
  list, both the minimum of 5 interleaved runs; mean and largest ratio; the share of time that is not an engine pass
- throughput of two jobs against one over the whole folder, through the command line

`--require` makes the figures requirements: start-up <= 0.45 s, mean ratio <= 4, largest <= 7, share <= 25 %,
two jobs >= 1.6 x one.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import c2pa

from waarmerk.provenance import Settings, build_verifier
from waarmerk.provenance.credentials.passes import Engine, Pass
from waarmerk.provenance.media.open import open_asset
from waarmerk.provenance.trust import load_store

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
REPEATS = 5


def clocked(action: Callable[[], Any]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


class PassClock:
    """Adds up the time spent in engine passes."""

    def __init__(self) -> None:
        self.seconds = 0.0
        original = Engine._read

        def read(engine: Engine, which: Pass, asset: Any, take: Any) -> Any:
            start = time.perf_counter()
            try:
                return original(engine, which, asset, take)
            finally:
                self.seconds += time.perf_counter() - start

        Engine._read = read  # type: ignore[method-assign]


def per_file(folder: Path, trust: Path) -> dict[str, Any]:
    store = load_store(trust, data_folder=None, at=AT)
    bare = Engine(store)._new_context(Pass.OFFICIAL)
    verifier = build_verifier(Settings(trust=trust), at=AT)
    clock = PassClock()
    rows = []
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        try:
            media_type = open_asset(path, limits=Settings().limits).media_type
        except Exception:
            continue

        def read(path: Path = path, media_type: str = media_type) -> None:
            try:
                with path.open("rb") as stream:
                    reader = c2pa.Reader.try_create(media_type, stream, context=bare)
                    if reader is not None:
                        with reader:
                            json.loads(reader.json())
            except Exception:
                return

        reads, wholes, shares = [], [], []
        for _ in range(REPEATS):
            reads.append(clocked(read))
            before = clock.seconds
            wholes.append(clocked(lambda path=path: verifier.verify(path)))
            shares.append(clock.seconds - before)
        best = wholes.index(min(wholes))
        rows.append({"file": path.name, "bare": min(reads), "whole": wholes[best], "passes": shares[best]})
    for row in rows:
        row["ratio"] = row["whole"] / row["bare"]
    total = sum(row["whole"] for row in rows)
    worst = max(rows, key=lambda row: row["ratio"])
    return {
        "files": len(rows),
        "mean_ratio": sum(row["ratio"] for row in rows) / len(rows),
        "ratio_of_sums": total / sum(row["bare"] for row in rows),
        "largest_ratio": worst["ratio"],
        "largest_ratio_file": worst["file"],
        "share_outside_passes": 1 - sum(row["passes"] for row in rows) / total,
        "mean_ms": 1000 * total / len(rows),
        "slowest": sorted(
            ({"file": r["file"], "ratio": round(r["ratio"], 2), "ms": round(1000 * r["whole"], 2)} for r in rows),
            key=lambda r: -r["ratio"],
        )[:8],
    }


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "waarmerk.cli", "verify", "--quiet", "--format", "jsonl", "--fail-on", "", *arguments]


def start_up(folder: Path, trust: Path) -> float:
    smallest = min((path for path in folder.iterdir() if path.is_file()), key=lambda path: path.stat().st_size)
    run = command("--trust", str(trust), str(smallest))
    return statistics.median(
        clocked(lambda: subprocess.run(run, stdout=subprocess.DEVNULL, check=False)) for _ in range(9)
    )


def two_jobs(folder: Path, trust: Path) -> float:
    gains = []
    for _ in range(3):
        seconds = {
            jobs: clocked(
                lambda jobs=jobs: subprocess.run(
                    command("--trust", str(trust), "-j", str(jobs), *[str(folder)] * 4),
                    stdout=subprocess.DEVNULL,
                    check=False,
                )
            )
            for jobs in (1, 2)
        }
        gains.append(seconds[1] / seconds[2])
    return statistics.median(gains)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--trust", type=Path, required=True)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--require", action="store_true")
    given = parser.parse_args()
    figures = {
        "start_up_seconds": start_up(given.folder, given.trust),
        **per_file(given.folder, given.trust),
        "two_jobs_gain": two_jobs(given.folder, given.trust),
    }
    result = {
        "command": "python benchmarks/verify.py FOLDER --trust TRUST",
        "commit": subprocess.run(
            ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False
        ).stdout.strip(),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "versions": {name: version(name) for name in ("c2pa-python", "cryptography", "Pillow")},
        "figures": figures,
    }
    text = json.dumps(result, indent=1)
    print(text)
    if given.json:
        given.json.write_text(text + "\n", "utf-8")
    short = [
        name
        for name, holds in (
            ("start_up_seconds", figures["start_up_seconds"] <= 0.45),
            ("mean_ratio", figures["mean_ratio"] <= 4),
            ("largest_ratio", figures["largest_ratio"] <= 7),
            ("share_outside_passes", figures["share_outside_passes"] <= 0.25),
            ("two_jobs_gain", figures["two_jobs_gain"] >= 1.6),
        )
        if not holds
    ]
    if short:
        print("falls short:", ", ".join(short))
    return 1 if given.require and short else 0


if __name__ == "__main__":
    sys.exit(main())
