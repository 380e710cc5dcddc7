# SPDX-License-Identifier: Apache-2.0
"""What entering costs as a registry grows: ``python benchmarks/registry_growth.py FOLDER [--sizes 0 100000 1000000]``.

FOLDER is where the registry is made; it takes 2 GB at a million entries. Rows are random and put in by SQLite itself up
to each size; then a hundred entries are made as the commands make them (database, bytes, index), and what a search
reads from the database is read. The index of the first 100,000 is made from the database, shard by shard. Ratios within
one run count, times are those of a busy machine. Prints JSON.
"""

import argparse
import json
import os
import platform
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.recovery import Extractor, Recovery, Wishes
from waarmerk.provenance.registry.features import Features
from waarmerk.provenance.registry.index import Index
from waarmerk.provenance.registry.model import Binding, BindingKind
from waarmerk.provenance.registry.store import Store

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
ADDED, LOCAL, PORTION, INDEXED = 100, 1024, 5000, 100_000
SIZES = ((BindingKind.PHASH, 8), (BindingKind.PDQ, 32), (BindingKind.LOCAL, LOCAL))


def fill(path: Path, first: int, last: int) -> None:
    """Entries ``first`` up to ``last`` with three bindings and a note each."""
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA synchronous = OFF")
        database.execute("PRAGMA cache_size = -400000")
        for start in range(first, last, PORTION):
            numbers = range(start, min(start + PORTION, last))
            rows = [(n, os.urandom(32), os.urandom(32)) for n in numbers]
            database.executemany(
                "INSERT INTO entry"
                " (number, sha256, media_type, origin, labels, fact_checks, source, added_at, reference)"
                " VALUES (?, ?, 'image/jpeg', 'unknown', '[]', '[]', 'own', '2026-01-01T00:00:00Z', ?)",
                rows,
            )
            ties = [(n, kind.value, os.urandom(size)) for n in numbers for kind, size in SIZES]
            database.executemany("INSERT INTO binding (entry, kind, value) VALUES (?, ?, ?)", ties)
            notes = [(n, "added", "2026-01-01T00:00:00Z") for n in numbers]
            database.executemany("INSERT INTO history (entry, what, at) VALUES (?, ?, ?)", notes)
            database.commit()
    database.close()


def features(number: int) -> Features:
    return Features(
        sha256=os.urandom(32),
        media_type="image/jpeg",
        width=800,
        height=600,
        bindings=tuple(Binding(kind=kind, value=os.urandom(size)) for kind, size in SIZES),
        reference=os.urandom(30_000),
        manifest=os.urandom(15_000),
        manifest_label=f"urn:c2pa:{number}",
    )


def timed(call: Callable[[], object]) -> tuple[float, float]:
    """Milliseconds, and those of the processor."""
    started, busy = time.perf_counter(), time.process_time()
    call()
    return (time.perf_counter() - started) * 1000, (time.process_time() - busy) * 1000


def median(times: list[tuple[float, float]]) -> dict[str, float]:
    took, busy = zip(*times, strict=True)
    return {"ms": round(float(np.median(took)), 2), "processor_ms": round(float(np.median(busy)), 2)}


def measure(store: Store, entries: int) -> dict[str, Any]:
    extractor = Extractor(open_asset=None, read=None, marks=None, limits=Limits())  # type: ignore[arg-type]
    at_work, random = Recovery(store, extractor), np.random.default_rng(1)
    made = [features(number) for number in range(ADDED)]
    adding = [timed(lambda one=one: at_work.enter(one, Wishes(), at=AT)) for one in made]
    numbers = [random.integers(1, max(entries, ADDED) + 1, 16).tolist() for _ in range(31)]
    newest = store.of_file(made[-1].sha256)
    assert newest is not None
    last = store.bindings(BindingKind.PDQ, after=0, limit=1)[0][0] if not entries else 3 * entries
    return {
        "entering": median(adding),
        "what_is_due": median([timed(lambda: store.due(at=AT)) for _ in range(31)]),
        "reading_sixteen_lists": median(
            [timed(lambda some=some: store.values(BindingKind.LOCAL, some)) for some in numbers]
        ),
        "reading_what_came_last": median(
            [timed(lambda: store.bindings(BindingKind.PDQ, after=last)) for _ in range(31)]
        ),
        "erasing_one": median(
            [timed(lambda n=n: store.remove([newest.number - n], at=AT, tidy=False)) for n in range(5)]
        ),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=[0, 100_000, 1_000_000])
    chosen = parser.parse_args()
    report: dict[str, Any] = {
        "command": f"python benchmarks/registry_growth.py FOLDER --sizes {' '.join(map(str, chosen.sizes))}",
        "commit": subprocess.check_output(["git", "rev-parse", "--short", "HEAD"], text=True).strip(),
        "machine": f"{platform.machine()}, two shared cores, Python {platform.python_version()}",
        "entered_at_each_size": ADDED,
    }
    path = chosen.folder / "grown.sqlite"
    store = Store(str(path), writing=True)
    store.create()
    for entries in chosen.sizes:
        with sqlite3.connect(path) as database:
            held = database.execute("SELECT coalesce(max(number), 0) FROM entry").fetchone()[0]
        database.close()
        fill(path, held + 1, entries + 1)
        row: dict[str, Any] = {"database_mib": path.stat().st_size >> 20}
        if entries == INDEXED:
            row["making_the_index_s"] = round(timed(Index(store).seal)[0] / 1000, 1)
        report[f"{entries:,}"] = row | measure(store, entries)
        print(entries, report[f"{entries:,}"], file=sys.stderr, flush=True)
    first, final = (report[f"{chosen.sizes[n]:,}"]["entering"] for n in (0, -1))
    report["entering_ratio"] = {kind: round(final[kind] / first[kind], 2) for kind in first}
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
